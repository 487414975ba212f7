"""What is recorded of a PyTorch script: recording versions in the place of torch's functions.

Each event is [kind, source, number, text, measures]; `script.py` runs the script, and the judge reads them.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from fcnet.judge.child.following import Following
from fcnet.judge.child.passes import Passes

MOST_EVENTS = 6000


class Stop(BaseException):
    """Enough was seen."""


class Recorder:
    """The events of one run.

    Attributes
    ----------
    source : the part of the data that is being read, "" for none
    labels : of the batch that is being read, None for none
    outputs : of the network that was called last
    """

    def __init__(self, seconds: float) -> None:
        self.events: list[list[Any]] = []
        self.source, self.depth, self.loaders = "", 0, 0
        self.parameters: list[Any] = []  # of the network that was called last
        self.sums: dict[int, list[float]] = {}  # some of the weights of each network when it was last called
        self.labels: Any = None
        self.outputs: Any = None
        self.following = Following(self.add, sys.modules["torch"].autograd.grad)
        self.passes = Passes(self.add)
        self.end = time.process_time() + seconds

    def add(
        self, kind: str, number: int = 0, text: str = "", source: str | None = None, **measures: float
    ) -> None:
        """Note an event, by default of what is being read; end the script when there are enough."""
        source = self.source if source is None else source
        self.events.append([kind, source, int(number), text, measures])
        asked = len(self.events) % 16 == 0  # the clock of the process is slow on some systems
        if len(self.events) >= MOST_EVENTS or (asked and time.process_time() > self.end):
            raise Stop

    def gave(self, network: Any, outputs: Any) -> None:
        """Note what a network gave that was called."""
        self.outputs = outputs
        if self.source in ("validation", "test"):
            self.passes.called(outputs)
        else:
            self.following.called(network, outputs, self.labels)

    def called(self, network: Any) -> bool:
        """Note the parameters of a network that is called; whether they moved since its last call."""
        lazy = sys.modules["torch"].nn.parameter.is_lazy
        self.parameters = [p for p in network.parameters() if p.requires_grad and not lazy(p)]
        few = [p.detach() if p.dim() < 2 else p.detach()[:1] for p in self.parameters]
        sums = [float(values.double().sum()) for values in few]
        before, self.sums[id(network)] = self.sums.get(id(network), sums), sums
        return before != sums

    def cleared(self, *_: Any, **__: Any) -> None:
        """Note that gradients are set back."""
        self.add("zero_grad")

    def lost(self, name: str, *args: Any, **keywords: Any) -> None:
        """Note that a loss is asked for with these arguments, and whether it is given probabilities."""
        x = args[0] if args else keywords.get("input")
        text = name
        if isinstance(x, sys.modules["torch"].Tensor) and x.dim() == 2:
            values = x.detach()
            sums = values.sum(dim=1)
            if bool((values >= 0).all() and (values <= 1).all() and ((sums - 1).abs() < 1e-4).all()):
                text += " probabilities"
        self.add("loss", text=text)
        self.following.lost(args[1] if len(args) > 1 else keywords.get("target"))

    def asked(self, name: str, *_: Any, **__: Any) -> None:
        """Note that a sigmoid or softmax is asked for outside of the network."""
        if self.source and self.depth == 0:
            self.add("outside", text=name)

    @property
    def clear(self) -> bool:
        """Whether the parameters hold no gradient that another one would be added to."""
        return all(p.grad is None or not p.grad.any() for p in self.parameters)


def patch_module(recorder: Recorder, torch: Any, put: Callable[..., None]) -> None:
    """Record the outermost calls of networks."""
    original = torch.nn.Module.__call__
    losses = torch.nn.modules.loss._Loss

    def call(self: Any, *args: Any, **keywords: Any) -> Any:
        outer = recorder.depth == 0 and not isinstance(self, losses) and any(True for _ in self.parameters())
        if outer:
            random = any(isinstance(m, torch.nn.Dropout | torch.nn.BatchNorm1d) for m in self.modules())
            lazy = any(torch.nn.parameter.is_lazy(p) for p in self.parameters())
            weights = [p.detach() for p in self.parameters() if p.dim() > 1] if not lazy else []
            # a few weights tell mostly, in far less time than all of them
            zero = bool(weights) and all(not p[:1].any() and not p.any() for p in weights)
            flags = {
                "training": self.training,
                "grad": torch.is_grad_enabled(),
                "random": random,
                "zero": zero,
                "moved": recorder.called(self),
            }
            recorder.add("forward", text=" ".join(flag for flag, holds in flags.items() if holds))
            recorder.following.look()
        recorder.depth += 1
        try:
            outputs = original(self, *args, **keywords)
        finally:
            recorder.depth -= 1
        if outer:
            recorder.gave(self, outputs)
        return outputs

    put(torch.nn.Module, "__call__", call)
    put(torch.nn.Module, "zero_grad", noting(recorder.cleared, torch.nn.Module.zero_grad))


def noting(note: Callable[..., None], original: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose arguments are given to another one first."""

    def function(*args: Any, **keywords: Any) -> Any:
        note(*args, **keywords)
        return original(*args, **keywords)

    return function


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
        "smooth_l1_loss",
        "huber_loss",
        "kl_div",
        "soft_margin_loss",
        "multilabel_margin_loss",
        "multilabel_soft_margin_loss",
    ):
        put(functional, name, noting(partial(recorder.lost, name), getattr(functional, name)))
    backward, grad = torch.Tensor.backward, torch.autograd.grad

    def recorded_backward(*args: Any, **keywords: Any) -> Any:
        recorder.add("backward", text="clear" if recorder.clear else "")
        recorder.following.goes_back(args[0] if args else None)
        result = backward(*args, **keywords)
        recorder.following.went_back((p, p.grad) for p in recorder.parameters)
        return result

    def recorded_grad(outputs: Any, inputs: Any, *args: Any, **keywords: Any) -> Any:
        recorder.add("backward", text="clear")  # it adds to no gradient
        recorder.following.goes_back(outputs)
        result = grad(outputs, inputs, *args, **keywords)
        given = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
        recorder.following.went_back(zip(given, result, strict=True))
        return result

    put(torch.Tensor, "backward", recorded_backward)
    put(torch.autograd, "grad", recorded_grad)


def patch_steps(
    recorder: Recorder, torch: Any, put: Callable[..., None], undo: list[Callable[[], None]]
) -> None:
    """Record what optimisers do."""
    base = torch.optim.Optimizer
    put(base, "zero_grad", noting(recorder.cleared, base.zero_grad))

    def note(optimizer: Any, *flags: str) -> None:
        grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
        empty = ["empty"] if all(grad is None for grad in grads) else []
        rate = max((float(group.get("lr", 0)) for group in optimizer.param_groups), default=0.0)
        number = recorder.following.stepped(optimizer)
        recorder.add("step", number, " ".join([*empty, *flags]), rate=rate)

    def before(optimizer: Any, args: Any, keywords: Any) -> None:
        if not _closure(args, keywords):
            note(optimizer)

    def after(optimizer: Any, args: Any, keywords: Any) -> None:
        if _closure(args, keywords):  # which computes the gradients within the step
            note(optimizer, "closure")

    module = sys.modules["torch.optim.optimizer"]
    undo.append(module.register_optimizer_step_pre_hook(before).remove)
    undo.append(module.register_optimizer_step_post_hook(after).remove)


def _closure(args: Any, keywords: Any) -> bool:
    """Whether a step is given a function that computes the loss; `args` may begin with the optimiser."""
    return any(callable(one) for one in (*args, *keywords.values()))


def patch_choices(recorder: Recorder, torch: Any, put: Callable[..., None]) -> None:
    """Record along which axis the class is chosen, and a sigmoid or softmax outside of the network."""
    for owner in (torch, torch.Tensor):
        for name, place in (("max", 1), ("argmax", 1), ("topk", 2), ("min", 0), ("argmin", 0)):
            put(owner, name, recorded_choice(recorder, getattr(owner, name), place))
    for owner in (torch, torch.Tensor, torch.nn.functional):
        for name in ("sigmoid", "softmax"):
            put(owner, name, noting(partial(recorder.asked, name), getattr(owner, name)))
    for cls, name in ((torch.nn.Sigmoid, "sigmoid"), (torch.nn.Softmax, "softmax")):
        put(cls, "forward", noting(partial(recorder.asked, name), cls.forward))


def recorded_choice(recorder: Recorder, original: Callable[..., Any], place: int) -> Callable[..., Any]:
    """A function that chooses; `place` of the axis among its arguments, 0 if it looks for the smallest."""

    def choose(*args: Any, **keywords: Any) -> Any:
        dim = keywords.get("dim", keywords.get("axis", args[place] if len(args) > place else None))
        first = args[0] if args else None
        chosen = original(*args, **keywords)
        if recorder.depth == 0 and recorder.source:
            least = smallest(recorder, chosen)
            if place and getattr(first, "ndim", 0) == 2:
                recorder.add("choice", dim if isinstance(dim, int) else -99, least)
            elif least and not place:
                recorder.add("choice", 1, least)
        return chosen

    return choose


def smallest(recorder: Recorder, chosen: Any) -> str:
    """The word "least" if each example's class is the one with the network's smallest score, else ""."""
    outputs = recorder.outputs
    labels = chosen if isinstance(chosen, sys.modules["torch"].Tensor) else getattr(chosen, "indices", None)
    if getattr(outputs, "ndim", 0) != 2 or getattr(labels, "shape", None) != outputs.shape[:1]:
        return ""
    order = outputs.detach().sort(1)[1]
    distinct = bool((order[:, 0] != order[:, -1]).all())
    return "least" if distinct and bool((labels == order[:, 0]).all()) else ""
