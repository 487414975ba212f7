"""A PyTorch script run on pictures that are drawn at random, with a record of what it does with them.

The script believes that it has CIFAR-10: `torchvision` is stood in for, and a DataLoader gives a few batches
of the training set, all of the validation set and all of the test set. What the script calls is recorded as
events, each [kind, source, number, flags]; the judge reads them.
"""

from __future__ import annotations

import ast
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fcnet.judge.child.stand_ins import StandIn, install_stand_ins

MOST_EVENTS = 6000
TRAINING_BATCHES = 3
EPOCH_NAMES = (
    "num_epochs",
    "epochs",
    "n_epochs",
    "EPOCHS",
    "NUM_EPOCHS",
    "nb_epochs",
    "num_epoch",
    "max_epochs",
)


class Stop(BaseException):
    """Enough was seen."""


class Recorder:
    """The events of one run."""

    def __init__(self, seconds: float) -> None:
        self.events: list[list[Any]] = []
        self.source, self.depth, self.loaders = "", 0, 0
        self.end = time.process_time() + seconds

    def add(self, kind: str, number: int = 0, flags: str = "") -> None:
        """Note an event; end the script when there are enough."""
        self.events.append([kind, self.source, int(number), flags])
        asked = len(self.events) % 16 == 0  # the clock of the process is slow on some systems
        if len(self.events) >= MOST_EVENTS or (asked and time.process_time() > self.end):
            raise Stop


class FakeCIFAR10:
    """A data set of the length of CIFAR-10's part."""

    def __init__(self, root: str = "", train: bool = True, transform: Any = None, **_: Any) -> None:
        self.train, self.transform, self.root = train, transform, root
        self.length = 50_000 if train else 10_000
        self.classes = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        torch = sys.modules["torch"]
        generator = torch.Generator().manual_seed(int(index) % 997)
        return torch.randn(3, 32, 32, generator=generator), int(index) % 10


def source_of(dataset: Any) -> str:
    """Which part of CIFAR-10 a data set is."""
    indices = getattr(dataset, "indices", None)
    inner = getattr(dataset, "dataset", dataset)
    if getattr(inner, "train", True) is False:
        return "test"
    if indices is not None and len(indices) and min(list(indices)[:5]) >= 40_000:
        return "validation"
    return "train" if len(dataset) > 12_000 else "validation"


def loader_class(recorder: Recorder) -> type:
    """A DataLoader of few training batches; of other data than CIFAR-10, the first or shuffled one trains."""

    class Loader:
        def __init__(
            self, dataset: Any, batch_size: int = 1, shuffle: bool = False, *_: Any, **options: Any
        ) -> None:
            self.dataset, self.batch_size, self.shuffle = dataset, int(batch_size or 1), shuffle
            self.drop_last = bool(options.get("drop_last", False))
            sampler = options.get("sampler")
            indices = getattr(sampler, "indices", None)
            self.length = len(dataset) if indices is None else len(indices)
            first = min(list(indices)[:5]) if indices is not None and len(indices) else 0
            self.source = "validation" if first >= 40_000 else source_of(dataset)
            if indices is not None and self.length > 12_000:
                self.source = "train"
            if not isinstance(getattr(dataset, "dataset", dataset), FakeCIFAR10):
                self.source = "train" if shuffle or not recorder.loaders else "validation"
            recorder.loaders += 1

        def __len__(self) -> int:
            return max(
                self.length // self.batch_size if self.drop_last else -(-self.length // self.batch_size), 1
            )

        def __iter__(self) -> Iterator[Any]:
            torch = sys.modules["torch"]
            generator = torch.Generator().manual_seed(0)
            X = torch.randn(self.batch_size, *self.dataset[0][0].shape, generator=generator)
            count = len(self) if self.source != "train" else min(TRAINING_BATCHES, len(self))
            for place in range(count):
                left = self.length - place * self.batch_size
                size = min(self.batch_size, left)
                y = torch.randint(0, 10, (size,), generator=generator)
                recorder.source = self.source
                recorder.add("batch", size)
                yield X[:size].clone() + 0.1 * place, y
            recorder.add("end", 0)
            recorder.source = ""

    return Loader


def run_script(source: str, filename: str, seconds: float, train: bool) -> list[list[Any]]:
    """Run the script and give its events; an exception of its own passes through with them as `events`.

    Parameters
    ----------
    source, filename : the text and its name
    seconds : of the processor's time after which it is ended
    train : the value that a top-level `train = ...` is given
    """
    recorder = Recorder(seconds)
    tree = shortened(ast.parse(source, filename), train)
    undo = patch_everything(recorder)
    module = types.ModuleType("submission")
    module.__dict__.update({"__name__": "__main__", "__file__": filename})
    arguments, sys.argv = sys.argv, [filename]
    try:
        exec(compile(tree, filename, "exec"), module.__dict__)
    except Stop:
        recorder.events.append(["stopped", "", 0, ""])
    except SystemExit as error:
        if error.code not in (None, 0):
            recorder.events.append(["exit", "", 0, str(error.code)[:200]])
    except Exception as error:
        recorder.events.append(
            ["failed", recorder.source, line_in(error, filename), f"{type(error).__name__}: {error}"[:300]]
        )
    finally:
        sys.argv = arguments
        for back in reversed(undo):
            back()
    return recorder.events


def line_in(error: BaseException, filename: str) -> int:
    """The deepest line of the script on the way to an exception."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def shortened(tree: ast.Module, train: bool) -> ast.Module:
    """The script with two epochs, and with the wanted value of `train`."""
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            continue
        name, value = node.targets[0].id, node.value
        if name in EPOCH_NAMES and isinstance(value, ast.Constant):
            node.value = ast.copy_location(ast.Constant(2), value)
        if name in ("train", "TRAIN", "do_train", "is_train") and isinstance(value, ast.Constant):
            node.value = ast.copy_location(ast.Constant(train), value)
    return tree


SAVED: dict[str, Any] = {}
"""What scripts have saved, by name: nothing is written to a disk."""


def patch_everything(recorder: Recorder) -> list[Callable[[], None]]:
    """Put recording versions in the place of torch's functions; how to undo each."""
    torch = sys.modules["torch"]
    undo: list[Callable[[], None]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        before = getattr(owner, name)
        setattr(owner, name, value)
        undo.append(lambda: setattr(owner, name, before))

    install_stand_ins()
    stand_in_fcnet()
    sys.modules["torchvision.datasets"].__dict__.update({"CIFAR10": FakeCIFAR10, "CIFAR100": FakeCIFAR10})
    put(torch.utils.data, "DataLoader", loader_class(recorder))
    put(torch, "save", lambda thing, name, *_, **__: SAVED.__setitem__(str(name), thing))
    put(torch, "load", lambda name, *_, **__: SAVED[str(name)])
    patch_module(recorder, torch, put)
    patch_losses(recorder, torch, put)
    patch_steps(recorder, torch, put, undo)
    patch_choices(recorder, torch, put)
    return undo


def stand_in_fcnet() -> None:
    """The one function of fcnet that the exercise's own files use: it gives random pictures."""
    for name in ("fcnet.cli", "fcnet.cli.loading"):
        sys.modules[name] = StandIn(name)
    sys.modules["fcnet.cli.loading"].__dict__["load"] = lambda *_, **__: FakeDataset()


class FakeDataset:
    """Random pictures in the place of a data set of fcnet's."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.label = "random pictures"
        self.train = self.test = types.SimpleNamespace(
            images=rng.integers(0, 256, (1500, 3, 32, 32)).astype(np.uint8), labels=rng.integers(0, 10, 1500)
        )


def patch_module(recorder: Recorder, torch: Any, put: Callable[..., None]) -> None:
    """Record the outermost calls of networks."""
    original = torch.nn.Module.__call__
    losses = torch.nn.modules.loss._Loss

    def call(self: Any, *args: Any, **keywords: Any) -> Any:
        outer = recorder.depth == 0 and not isinstance(self, losses) and any(True for _ in self.parameters())
        if outer:
            random = any(isinstance(m, torch.nn.Dropout | torch.nn.BatchNorm1d) for m in self.modules())
            weights = [p for p in self.parameters() if p.dim() > 1]
            zero = bool(weights) and all(not bool(p.detach().any()) for p in weights)
            flags = [
                "training" if self.training else "eval",
                "grad" if torch.is_grad_enabled() else "no_grad",
                "random" if random else "",
                "zero" if zero else "",
            ]
            recorder.add(
                "forward", args[0].shape[0] if args and hasattr(args[0], "shape") else 0, " ".join(flags)
            )
        recorder.depth += 1
        try:
            return original(self, *args, **keywords)
        finally:
            recorder.depth -= 1

    put(torch.nn.Module, "__call__", call)
    before = torch.nn.Module.zero_grad

    def zero_grad(self: Any, *args: Any, **keywords: Any) -> Any:
        recorder.add("zero_grad")
        return before(self, *args, **keywords)

    put(torch.nn.Module, "zero_grad", zero_grad)


def patch_losses(recorder: Recorder, torch: Any, put: Callable[..., None]) -> None:
    """Record calls of loss functions and of backward."""
    functional = torch.nn.functional
    for name in (
        "cross_entropy",
        "nll_loss",
        "mse_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "multi_margin_loss",
        "l1_loss",
    ):
        put(functional, name, recorded_loss(recorder, torch, name, getattr(functional, name)))
    before = torch.Tensor.backward

    def backward(self: Any, *args: Any, **keywords: Any) -> Any:
        recorder.add("backward")
        return before(self, *args, **keywords)

    put(torch.Tensor, "backward", backward)


def recorded_loss(
    recorder: Recorder, torch: Any, name: str, original: Callable[..., Any]
) -> Callable[..., Any]:
    def loss(*args: Any, **keywords: Any) -> Any:
        x = args[0] if args else keywords.get("input")
        flags = name
        if isinstance(x, torch.Tensor) and x.dim() == 2:
            values = x.detach()
            sums = values.sum(dim=1)
            if (
                bool((values >= 0).all())
                and bool((values <= 1).all())
                and bool(((sums - 1).abs() < 1e-4).all())
            ):
                flags += " probabilities"
        recorder.add("loss", x.shape[0] if isinstance(x, torch.Tensor) and x.dim() else 0, flags)
        return original(*args, **keywords)

    return loss


def patch_steps(
    recorder: Recorder, torch: Any, put: Callable[..., None], undo: list[Callable[[], None]]
) -> None:
    """Record what optimisers do."""
    before = torch.optim.Optimizer.zero_grad

    def zero_grad(self: Any, *args: Any, **keywords: Any) -> Any:
        recorder.add("zero_grad")
        return before(self, *args, **keywords)

    put(torch.optim.Optimizer, "zero_grad", zero_grad)

    def step(optimizer: Any, *_: Any) -> None:
        grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
        recorder.add("step", len(grads), "empty" if all(grad is None for grad in grads) else "")

    hook = sys.modules["torch.optim.optimizer"].register_optimizer_step_pre_hook(step)
    undo.append(hook.remove)


def patch_choices(recorder: Recorder, torch: Any, put: Callable[..., None]) -> None:
    """Record along which axis the class is chosen, and a sigmoid or softmax outside of the network."""
    for owner in (torch, torch.Tensor):
        for name in ("max", "argmax", "topk"):
            put(owner, name, recorded_choice(recorder, getattr(owner, name), name))
        for name in ("sigmoid", "softmax"):
            put(owner, name, recorded_function(recorder, getattr(owner, name), name))
    for name in ("softmax", "sigmoid"):
        put(torch.nn.functional, name, recorded_function(recorder, getattr(torch.nn.functional, name), name))
    for cls, name in ((torch.nn.Sigmoid, "sigmoid"), (torch.nn.Softmax, "softmax")):
        put(cls, "forward", recorded_function(recorder, cls.forward, name))


def recorded_choice(recorder: Recorder, original: Callable[..., Any], name: str) -> Callable[..., Any]:
    def choose(*args: Any, **keywords: Any) -> Any:
        place = 2 if name == "topk" else 1
        dim = keywords.get("dim", keywords.get("axis", args[place] if len(args) > place else None))
        first = args[0] if args else None
        if recorder.depth == 0 and recorder.source and getattr(first, "ndim", 0) == 2:
            recorder.add("choice", dim if isinstance(dim, int) else -99, name)
        return original(*args, **keywords)

    return choose


def recorded_function(recorder: Recorder, original: Callable[..., Any], name: str) -> Callable[..., Any]:
    def function(*args: Any, **keywords: Any) -> Any:
        if recorder.source and recorder.depth <= 1:
            recorder.add("outside" if recorder.depth == 0 else "inside", 0, name)
        return original(*args, **keywords)

    return function
