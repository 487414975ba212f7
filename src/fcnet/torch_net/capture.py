"""A step that is recorded once and then replayed by one call: CUDA graphs.

A step of a small network is some forty short kernels, and a GPU waits for Python to start each of them. A
graph holds them all. It always reads and writes the same memory, so what a step is given is first copied
into the arrays of the recording.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

FIRST = 3
"""Steps that run as usual before one is recorded: in them, libraries choose their kernels, and an optimiser
makes its memory."""


class Recording:
    """A function that can be repeated without Python. On a CPU, where nothing is recorded, each call runs it.

    Parameters
    ----------
    function : from arguments to one tensor; what else it changes, it changes in place
    arguments : what it is recorded with: tensors, numbers, None, and tuples or lists of these. The function
        gets numbers as tensors on the device. Recording does not run it on a GPU
    device : of the tensors
    """

    def __init__(
        self, function: Callable[..., Tensor], arguments: tuple[Any, ...], device: torch.device
    ) -> None:
        self.function = function
        self.arguments = owned(arguments, device)
        self.form = _form(arguments)
        self.graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            self.graph = torch.cuda.CUDAGraph()
            with _uncollected(), torch.cuda.graph(self.graph):
                self.result = function(*self.arguments)

    def fits(self, *arguments: Any) -> bool:
        """Whether these have the shapes and types of what was recorded."""
        return bool(_form(arguments) == self.form)

    def __call__(self, *arguments: Any) -> Tensor:
        """Repeat it with these; the result is a tensor of its own. Does not wait for the GPU."""
        _fill(self.arguments, arguments)
        if self.graph is None:
            return self.function(*self.arguments)
        self.graph.replay()
        return self.result.clone()


@contextmanager
def aside(device: torch.device) -> Iterator[None]:
    """On a GPU, a stream of its own for what is to be recorded later, as CUDA graphs ask."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    usual = torch.cuda.current_stream(device)
    stream.wait_stream(usual)
    with torch.cuda.stream(stream):
        yield
    usual.wait_stream(stream)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from collecting garbage: to destroy an earlier graph ends the recording of this one."""
    gc.collect()
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def owned(given: Any, device: torch.device) -> Any:
    """Copies of tensors, and numbers as tensors on the device: arguments that a recording may keep."""
    if isinstance(given, Tensor):
        return given.clone()
    if isinstance(given, float):
        # fused optimisers read a float32 on a GPU
        dtype = torch.float32 if device.type == "cuda" else torch.float64
        return torch.tensor(given, dtype=dtype, device=device)
    return given if given is None else type(given)(owned(one, device) for one in given)


def _fill(mine: Any, given: Any) -> None:
    """Copy arguments into the recording's own."""
    if isinstance(given, Tensor):
        mine.copy_(given)
    elif isinstance(given, float):
        mine.fill_(given)
    elif given is not None:
        for own, one in zip(mine, given, strict=True):
            _fill(own, one)


def _form(given: Any) -> Any:
    """Shapes and types, nested as they are."""
    if isinstance(given, Tensor):
        return given.shape, given.dtype
    if isinstance(given, float):
        return float
    return given if given is None else [_form(one) for one in given]
