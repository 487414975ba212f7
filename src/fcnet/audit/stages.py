"""The stages before the numbers are compared: name, shape, dtype, value. The first failure ends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.audit.numeric import Point
from fcnet.audit.tolerances import TOLERANCES

Array = NDArray[Any]
Grads = Mapping[str, Any]


def gradients_of(point: Point) -> tuple[dict[str, Array], str, str]:
    """The analytic gradients, and the stage that failed with its reason, both "" if none did.

    The network is handed copies of X and y, so that even one that overwrites them harms nobody.
    """
    X, y = point.X.copy(), point.y.copy()
    objective, grads = point.net.loss(X, y, point.reg)
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("name", lambda: _names(grads, point.params)),
        ("shape", lambda: _shapes(grads, point.params)),
        ("dtype", lambda: _dtypes(grads, point.params)),
        ("value", lambda: _values(objective, grads) or _unchanged(point, X, y) or _own_memory(point, grads)),
        ("value", lambda: _repeatable(point, grads)),
    )
    for stage, check in checks:
        reason = check()
        if reason:
            return {}, stage, reason
    return {name: np.array(grads[name]) for name in point.params}, "", ""


def _names(grads: Grads, params: Grads) -> str:
    missing, extra = [n for n in params if n not in grads], [n for n in grads if n not in params]
    if missing:
        return f"no gradient for {', '.join(missing)}"
    return f"a gradient for {', '.join(extra)}, which is not a parameter" if extra else ""


def _shapes(grads: Grads, params: Mapping[str, Array]) -> str:
    for name, value in params.items():
        if np.shape(grads[name]) != value.shape:
            return f"the gradient of {name} has shape {np.shape(grads[name])}, the parameter {value.shape}"
    return ""


def _dtypes(grads: Grads, params: Mapping[str, Array]) -> str:
    for name, value in params.items():
        for what, dtype in (
            ("the parameter", value.dtype),
            ("the gradient of", np.asarray(grads[name]).dtype),
        ):
            if dtype != np.float64:
                return f"{what} {name} is {dtype}, gradients are checked in float64"
    return ""


def _values(objective: Any, grads: Grads) -> str:
    if np.ndim(objective) or not np.isrealobj(objective) or not np.isfinite(objective):
        return f"the objective is {objective!r}, it has to be one finite number"
    for name in grads:
        grad = np.asarray(grads[name])
        if not np.isfinite(grad).all():
            index = np.argwhere(~np.isfinite(grad))[0].tolist()
            return f"the gradient of {name} is {grad[tuple(index)]} at {index}"
    return ""


def _unchanged(point: Point, X: Array, y: Array) -> str:
    if X.tobytes() != point.X.tobytes() or y.tobytes() != point.y.tobytes():
        return f"loss changed {'X' if X.tobytes() != point.X.tobytes() else 'y'} in place"
    for name, value in point.net.params.items():
        if value.tobytes() != point.params[name].tobytes():
            return f"loss changed the parameter {name} in place"
    return ""


def _own_memory(point: Point, grads: Grads) -> str:
    for name, grad in grads.items():
        for other, value in point.net.params.items():
            if np.may_share_memory(grad, value):
                return f"the gradient of {name} shares memory with the parameter {other}"
    return ""


def _repeatable(point: Point, grads: Grads) -> str:
    """The same question, after another one in between, gets the same answer."""
    first = {name: np.array(grad) for name, grad in grads.items()}
    point.net.loss(point.X / 2, point.y.copy(), point.reg)
    second = point.net.loss(point.X.copy(), point.y.copy(), point.reg)[1]
    for name in point.params:
        grad = first[name]
        if np.abs(second[name] - grad).max(initial=0.0) > TOLERANCES["repeat"] * np.abs(grad).max(
            initial=0.0
        ):
            return f"a second call gives another gradient of {name}: the network remembers the call before"
    return ""
