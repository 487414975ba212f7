"""How a PyTorch training moves its parameters: down which loss, in which direction, and which of them.

`Following` is told of forward passes, losses, backward passes and steps, and adds events of three kinds:

- slope: what the loss is, from its slope at the network's outputs, and by which factor it is multiplied
- move: the cosine between the first movement of the parameters and the gradient
- left out, frozen: parameters of the trained network that no optimiser holds, or that get no gradient
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_SLOPES = 3
"""Backward passes of which the loss is looked at."""

NEAR = 0.99999
"""The cosine between two slopes from which they count as the same."""

Add = Callable[..., None]


@dataclass
class Followed:
    """A network that is trained: its steps so far, and the parameters that the optimisers held in them."""

    network: Any
    steps: int = 0
    held: set[int] = field(default_factory=set)


class Following:
    """What is remembered between the calls.

    Parameters
    ----------
    add : notes an event of a kind, with a number, a text and measures
    grad : torch's own function for gradients
    """

    def __init__(self, add: Add, grad: Callable[..., Any]) -> None:
        self.add, self.grad = add, grad
        self.outputs: Any = None  # of the last forward pass that can be followed back
        self.labels: Any = None  # of the batch, else those that the loss was given
        self.networks: dict[int, Followed] = {}
        self.last: Followed | None = None
        self.optimisers: list[Any] = []
        self.slopes, self.moved = 0, False
        self.reached: set[int] = set()  # parameters that have had a gradient
        self.before: list[tuple[Any, Any, Any]] = []  # parameters, their values and gradients

    def called(self, network: Any, outputs: Any, labels: Any) -> None:
        """A forward pass in training."""
        torch = sys.modules["torch"]
        if not isinstance(outputs, torch.Tensor) or not outputs.requires_grad or outputs.dim() != 2:
            return
        self.outputs, self.labels = outputs, labels
        self.last = self.networks.setdefault(id(network), Followed(network))

    def lost(self, target: Any) -> None:
        """A loss was asked for; its labels count where the batch has none that are known."""
        torch = sys.modules["torch"]
        if self.labels is None and isinstance(target, torch.Tensor) and target.dim() == 1:
            self.labels = target

    def goes_back(self, loss: Any) -> None:
        """A backward pass begins."""
        torch = sys.modules["torch"]
        scalar = isinstance(loss, torch.Tensor) and loss.numel() == 1 and loss.requires_grad
        if self.slopes >= MOST_SLOPES or not scalar or self.outputs is None or self.labels is None:
            return
        if self.labels.shape != self.outputs.shape[:1] or self.labels.is_floating_point():
            return
        try:
            (slope,) = self.grad(loss, [self.outputs], retain_graph=True, allow_unused=True)
        except Exception:  # a graph that can be followed once only: then nothing is told
            return
        if slope is None or not slope.any():
            return
        self.slopes += 1
        kind, factor = described(self.outputs.detach(), self.labels, slope)
        self.add("slope", len(slope), kind, factor=factor)

    def went_back(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """A backward pass has ended; `pairs` are parameters with the gradients that they have now."""
        with_gradient = [(p, g) for p, g in pairs if g is not None]
        self.reached |= {id(p) for p, _ in with_gradient}
        if not self.moved:
            self.before = [(p, p.detach().clone(), g.detach().clone()) for p, g in with_gradient if g.any()]

    def stepped(self, optimiser: Any) -> int:
        """An optimiser takes a step; its number."""
        held = {id(p) for group in optimiser.param_groups for p in group["params"]}
        if self.last is not None:
            self.last.steps += 1
            self.last.held |= held
        if not any(one is optimiser for one in self.optimisers):
            self.optimisers.append(optimiser)
        return next(place for place, one in enumerate(self.optimisers) if one is optimiser)

    def look(self) -> None:
        """Measure the first movement, if there was one since the last backward pass."""
        if self.moved or not self.before:
            return
        way = [(p.detach() - old, g) for p, old, g in self.before]
        length = sum(float((d * d).sum()) for d, _ in way) ** 0.5
        steep = sum(float((g * g).sum()) for _, g in way) ** 0.5
        if length == 0 or steep == 0:
            return
        self.moved, self.before = True, []
        self.add("move", cosine=sum(float((d * g).sum()) for d, g in way) / (length * steep))

    def summary(self) -> list[list[Any]]:
        """Events of the parameters that training leaves alone, at the end."""
        events = []
        for one in self.networks.values():
            named = dict(one.network.named_parameters())
            learns = {name for name, p in named.items() if p.requires_grad}
            reached = {name for name, p in named.items() if id(p) in self.reached}
            lost = set(named) - (learns & reached if reached else learns)
            frozen = [name for name, p in named.items() if name in lost and is_weight(p)]
            left_out = [name for name, p in named.items() if name in learns and id(p) not in one.held]
            if one.steps >= 2 and frozen:
                events.append(told("frozen", frozen, named))
            if one.steps >= 2 and 0 < len(left_out) < len(learns):
                events.append(told("left out", left_out, named))
        return events


def is_weight(parameter: Any) -> bool:
    """Whether a parameter is a matrix: constants that need no gradient are often vectors."""
    return bool(parameter.dim() == 2 and min(parameter.shape) > 1)


def told(kind: str, names: list[str], named: dict[str, Any]) -> list[Any]:
    """An event that lists parameters."""
    return [kind, "", len(names), f"{len(names)} of {len(named)}: {', '.join(names)}"[:200]]


def described(outputs: Any, labels: Any, slope: Any) -> tuple[str, float]:
    """The loss that has a slope at outputs (N, C), and its factor: 1 for the mean over the examples.

    The kinds are "cross_entropy", "squared" (the mean square of outputs less one-hot labels) and "other"; of
    the last, only the factor's sign says anything: whether the slope points like the cross-entropy's. Early
    in a training all outputs are near zero, and there a margin loss has the cross-entropy's slope, too.
    """
    torch = sys.modules["torch"]
    count, classes = outputs.shape
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        return "other", 0.0
    one_hot = torch.eye(classes, dtype=outputs.dtype)[labels.long()]
    total = torch.logsumexp(outputs, 1)
    probabilities = torch.exp(outputs - total[:, None])
    if float(total.abs().max()) < 1e-3:  # logarithms of probabilities: the slope at what they are made of
        slope = slope - probabilities * slope.sum(1)[:, None]
    entropy = (probabilities - one_hot) / count
    for kind, steepest in (("cross_entropy", entropy), ("squared", 2 * (outputs - one_hot) / slope.numel())):
        factor, cosine = along(slope, steepest)
        if abs(cosine) > NEAR:
            return kind, factor
    factor, cosine = along(slope, entropy)
    return "other", factor if abs(cosine) > 0.5 else 0.0


def along(slope: Any, steepest: Any) -> tuple[float, float]:
    """By which factor a slope is another one, and the cosine between them."""
    inner, square = float((slope * steepest).sum()), float((steepest * steepest).sum())
    lengths = (square * float((slope * slope).sum())) ** 0.5
    return (inner / square, inner / lengths) if lengths else (0.0, 0.0)
