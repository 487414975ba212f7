"""The audit itself: its stages in their order, and the comparison of the last one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.audit.deciding import decide
from fcnet.audit.diagnosis import diagnose
from fcnet.audit.extrapolation import UNSETTLED
from fcnet.audit.numeric import STEPS, Auditable, Differences, Layered, Point, differences
from fcnet.audit.result import Audit, ParameterAudit
from fcnet.audit.stages import gradients_of
from fcnet.audit.tolerances import TOLERANCES, disagree, relative_error
from fcnet.errors import DataError
from fcnet.validation import check_positive

Array = NDArray[Any]
Indices = list[tuple[int, ...]]


def audit_network(
    net: Auditable,
    X: Any,
    y: Any,
    reg: float = 0.0,
    *,
    steps: Sequence[float] = STEPS,
    entries: int | None = None,
    rng: np.random.Generator | None = None,
    references: Mapping[str, Mapping[str, Array]] | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> Audit:
    """Compare a network's gradients with the derivatives of its loss, in the way that `decide` finds them.

    Parameters
    ----------
    net : any network with `params`, `loss`, `preactivations` and `with_params`, in float64; left unchanged
    X : (N, D) examples; left unchanged
    y : (N,) labels; left unchanged
    reg : lambda of (13)
    steps : the range of h for the central differences
    entries : how many entries of each parameter to look at, drawn by `rng`; None looks at all
    rng : draws the entries
    references : further reference gradients at the same point, by name:
        {"torch.autograd": {"W1": (D, H), ...}}
    progress : called with "entries audited", how many are done, and how many there are

    Returns
    -------
    audit : the verdict, with the numbers behind it

    Raises
    ------
    DataError : `entries` without `rng`; a reference with other names or shapes; a net that
        drops the imaginary part
    """
    if entries is not None and rng is None:
        raise DataError("entries needs a generator and rng is None, give a numpy.random.Generator")
    if entries is not None:
        check_positive(entries=entries)
    X, y = np.array(X), np.array(y)
    result = Audit(tuple(steps), entries, float(reg), len(X))
    if isinstance(net, Layered):
        reason, difference = net.check_layers()
        result = replace(result, prediction=difference, stage="layer" if reason else "", reason=reason)
        if reason:
            return result
    point = Point(net, {name: np.array(value) for name, value in net.params.items()}, X, y, reg)
    analytic, stage, reason = gradients_of(point)
    if stage:
        return replace(result, stage=stage, reason=reason)
    for name, grads in (references or {}).items():
        _check_reference(name, grads, point.params)

    indices = {name: _indices(value.shape, entries, rng) for name, value in point.params.items()}
    numbers, total = count(1), sum(map(len, indices.values()))

    def done() -> None:
        if progress is not None:
            progress("entries audited", next(numbers), total)

    decision = decide(point, indices, {name: _at(analytic[name], chosen) for name, chosen in indices.items()})
    numeric = {
        name: differences(point, name, chosen, steps, decision.numbers[name], done)
        for name, chosen in indices.items()
    }
    verdicts = {
        name: _verdict(name, analytic, numeric, point, indices, steps, references or {})
        for name in point.params
    }
    at_zero = tuple(
        (layer, int(example), int(unit))
        for layer, z in enumerate(net.preactivations(X))
        for example, unit in np.argwhere(z == 0)
    )
    wrong = [f"{name}: {verdict.reason}" for name, verdict in verdicts.items() if not verdict.passed]
    return replace(
        result,
        at_zero=at_zero,
        parameters=verdicts,
        decided_by=decision.decided_by,
        note=decision.note,
        stage="gradient" if wrong else "",
        reason="; ".join(wrong),
    )


def _verdict(
    name: str,
    analytic: Mapping[str, Array],
    numeric: Mapping[str, Differences],
    point: Point,
    indices: Mapping[str, Indices],
    steps: Sequence[float],
    references: Mapping[str, Mapping[str, Array]],
) -> ParameterAudit:
    """Compare one parameter's gradient with every reference. Entries without a derivative stay out."""
    n, chosen = numeric[name], indices[name]
    a = _at(analytic[name], chosen)
    asked = ~n.no_derivative
    error = np.where(asked, relative_error(a, n.derivative), 0.0)
    by_h = np.where(asked, relative_error(a, n.central), np.nan)
    compared = (~np.isnan(by_h)).sum(axis=1)
    errors = [float(np.nanmax(row)) if count else None for row, count in zip(by_h, compared, strict=True)]
    most = compared.max(initial=0)
    best = min(
        (i for i in range(len(steps)) if compared[i] == most and errors[i] is not None),
        key=lambda i: errors[i] or 0.0,
        default=None,
    )
    told = {who: _at(grads[name], chosen) for who, grads in references.items()}
    return ParameterAudit(
        name=name,
        shape=point.params[name].shape,
        entries=len(chosen),
        errors=tuple(errors),
        compared=tuple(int(count) for count in compared),
        best_h=None if best is None else float(steps[best]),
        best_error=None if best is None else errors[best],
        complex_error=float(error.max(initial=0.0)),
        dead=int((n.dead & (a == 0)).sum()),
        no_derivative=int(n.no_derivative.sum()),
        kinks=n.kinks,
        worst=chosen[int(error.argmax())],
        references={
            who: float(np.where(asked, relative_error(a, w), 0.0).max(initial=0.0)) for who, w in told.items()
        },
        reason=_reason(name, a, n, asked, point, numeric, indices, told),
    )


def _reason(
    name: str,
    a: Array,
    n: Differences,
    asked: Array,
    point: Point,
    numeric: Mapping[str, Differences],
    indices: Mapping[str, Indices],
    told: Mapping[str, Array],
) -> str:
    """The problem with the gradient a (E,) of one parameter, "" if there is none."""
    exact = not n.error.any()
    if n.unsettled:
        return UNSETTLED
    tolerance = "complex_step" if exact else "travelling"
    wrong = asked & (disagree(a, n.derivative, tolerance, 10 * n.error) | (n.dead & (a != 0)))
    if wrong.any():
        same = {other: d for other, d in numeric.items() if indices[other] == indices[name] and other != name}
        hint = diagnose(
            a[asked],
            n.derivative[asked],
            n.dead[asked],
            _at(point.params[name], indices[name])[asked],
            len(point.X),
            point.reg,
            {other: d.derivative[asked] for other, d in same.items()},
        )
        worst = int(np.where(wrong, np.abs(a - n.derivative), -1.0).argmax())
        index = list(indices[name][worst])
        hint = hint or f"{wrong.sum()} of {len(a)} entries are wrong"
        told_by = "the complex step says" if exact else "central differences say"
        return f"{hint} (at {index} {a[worst]:.6g}, {told_by} {n.derivative[worst]:.6g})"
    allowed = TOLERANCES["central"] * np.abs(n.derivative).max(initial=0.0)
    rounding = TOLERANCES["central_rounding"] * n.rounding[:, None]
    off = np.abs(n.central - n.derivative) > allowed + rounding
    seen = ~np.isnan(n.central)
    if exact and (asked & seen.any(axis=0) & (off | ~seen).all(axis=0)).any():
        return "complex step and central differences contradict each other: is the loss analytic?"
    for who, w in told.items():
        if (asked & disagree(a, w, "reference")).any():
            return f"{who} disagrees, by {relative_error(a, w).max():.1e}"
    return ""


def _indices(shape: tuple[int, ...], entries: int | None, rng: np.random.Generator | None) -> Indices:
    """All indices of an array of this shape, or a number of them drawn without replacement, in order."""
    flat = np.arange(int(np.prod(shape)))
    if entries is not None and rng is not None and entries < flat.size:
        flat = np.sort(rng.choice(flat.size, entries, replace=False))
    return [tuple(int(i) for i in np.unravel_index(place, shape)) for place in flat]


def _at(values: Array, indices: Indices) -> Array:
    """The entries (E,) of an array at its indices."""
    return np.array([values[index] for index in indices])


def _check_reference(who: str, grads: Mapping[str, Array], params: Mapping[str, Array]) -> None:
    for name, value in params.items():
        if name not in grads or np.shape(grads[name]) != value.shape:
            shape = np.shape(grads[name]) if name in grads else None
            raise DataError(f"reference {who} has {name} of shape {shape}, give one of shape {value.shape}")
