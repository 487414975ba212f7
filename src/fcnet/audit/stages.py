"""The stages before numbers are compared: layer, name, shape, dtype, value. The first failure ends them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.audit.subjects import Net, Subject
from fcnet.audit.tolerances import TOLERANCES

Grads = Mapping[str, Any]


class Failed(Exception):
    """A stage that failed, and why."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage, self.reason = stage, reason


def gradients_of(subject: Subject) -> dict[str, Array]:
    """The gradients that a subject claims, as arrays.

    Raises
    ------
    Failed : in one of the stages
    """
    loss, grads = subject.claim()
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("name", lambda: _names(grads, subject)),
        ("shape", lambda: _shapes(grads, subject)),
        ("dtype", lambda: _dtypes(grads, subject)),
        ("value", lambda: _values(loss, grads, subject)),
        ("value", lambda: _honest(subject, grads) if isinstance(subject, Net) else _repeated(subject, loss)),
    )
    for stage, check in checks:
        reason = check()
        if reason:
            raise Failed(stage, reason)
    return {name: np.array(grads[name]) for name in subject.params}


def _names(grads: Grads, subject: Subject) -> str:
    """A network knows its parameters; the gradients of a function may be of more than is audited."""
    missing = [name for name in subject.params if name not in grads]
    extra = [name for name in grads if name not in subject.params and isinstance(subject, Net)]
    if missing:
        return f"no gradient for {', '.join(missing)}"
    return f"a gradient for {', '.join(extra)}, which is not a parameter" if extra else ""


def _shapes(grads: Grads, subject: Subject) -> str:
    for name, value in subject.params.items():
        if np.shape(grads[name]) != value.shape:
            return f"the gradient of {name} has shape {np.shape(grads[name])}, the parameter {value.shape}"
    return ""


def _dtypes(grads: Grads, subject: Subject) -> str:
    for name, value in subject.params.items():
        dtype = np.asarray(grads[name]).dtype
        if isinstance(subject, Net):
            for what, one in (("the parameter", value.dtype), ("the gradient of", dtype)):
                if one != np.float64:
                    return f"{what} {name} is {one}, gradients are checked in float64"
        elif dtype.kind not in "fiu":
            return f"the gradient of {name} is {dtype}, it has to be of real numbers"
    return ""


def _values(loss: Any, grads: Grads, subject: Subject) -> str:
    if np.ndim(loss) or not np.isrealobj(loss) or not np.isfinite(loss):
        return f"the loss is {loss!r}, it has to be one finite number"
    for name in subject.params:
        grad = np.asarray(grads[name])
        if not np.isfinite(grad).all():
            index = np.argwhere(~np.isfinite(grad))[0].tolist()
            return f"the gradient of {name} is {grad[tuple(index)]} at {index}"
    return ""


def _repeated(subject: Subject, loss: Any) -> str:
    """The same question gets the same answer."""
    again = subject.loss(subject.params)
    if abs(again - loss) > TOLERANCES["repeat"] * max(1.0, abs(loss)):
        return f"two equal calls give {loss:.12g} and {again:.12g}: is there dropout, or another draw?"
    return ""


def _honest(subject: Net, grads: Grads) -> str:
    """A network changes nothing that it is given, and remembers nothing."""
    return _unchanged(subject) or _own_memory(subject, grads) or _repeatable(subject, grads)


def _unchanged(subject: Net) -> str:
    for name, given, handed in zip("Xy", (subject.X, subject.y), subject.handed, strict=True):
        if handed.tobytes() != given.tobytes():
            return f"loss changed {name} in place"
    for name, value in subject.net.params.items():
        if value.tobytes() != subject.params[name].tobytes():
            return f"loss changed the parameter {name} in place"
    return ""


def _own_memory(subject: Net, grads: Grads) -> str:
    for name, grad in grads.items():
        for other, value in subject.net.params.items():
            if np.may_share_memory(grad, value):
                return f"the gradient of {name} shares memory with the parameter {other}"
    return ""


def _repeatable(subject: Net, grads: Grads) -> str:
    """The same question, after another one in between, gets the same answer."""
    first = {name: np.array(grads[name]) for name in subject.params}
    subject.net.loss(subject.X / 2, subject.y.copy(), subject.reg)
    second = subject.claim()[1]
    for name, grad in first.items():
        allowed = TOLERANCES["repeat"] * np.abs(grad).max(initial=0.0)
        if np.abs(second[name] - grad).max(initial=0.0) > allowed:
            return f"a second call gives another gradient of {name}: the network remembers the call before"
    return ""
