"""The verdict on a parameter: its gradient beside all that is known of its derivative."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fcnet.arrays import Array
from fcnet.audit.diagnosis import diagnose
from fcnet.audit.extrapolation import UNSETTLED, Numbers
from fcnet.audit.numeric import Differences
from fcnet.audit.result import ParameterAudit
from fcnet.audit.subjects import Net, Subject
from fcnet.audit.tolerances import TOLERANCES, disagree, relative_error


@dataclass(frozen=True)
class Entries:
    """The entries of a parameter that are looked at, and what is known of each, (E,).

    places : flat indices
    theta : their values
    claimed : the gradients there
    numbers, by_h : what the reference that decides says, and the central differences
    references : what further references say, by name
    """

    places: Array
    theta: Array
    claimed: Array
    numbers: Numbers
    by_h: Differences
    references: Mapping[str, Array]

    @property
    def asked(self) -> Array:
        """(E,) bool, whether there is a derivative to be compared."""
        return np.asarray(self.numbers.exists & ~self.by_h.at_zero)


def verdict_on(
    name: str, looked_at: Mapping[str, Entries], subject: Subject, steps: Sequence[float]
) -> ParameterAudit:
    """Compare one parameter's gradient with every reference. Entries without a derivative stay out."""
    one, shape = looked_at[name], subject.params[name].shape
    a, asked = one.claimed, one.asked
    error = np.where(asked, relative_error(a, one.numbers.value), 0.0)
    by_h = np.where(asked, relative_error(a, one.by_h.central), np.nan)
    compared = (~np.isnan(by_h)).sum(axis=1)
    errors = [float(np.nanmax(row)) if count else None for row, count in zip(by_h, compared, strict=True)]
    most = compared.max(initial=0)
    best = min(
        (i for i in range(len(errors)) if compared[i] == most and errors[i] is not None),
        key=lambda i: errors[i] or 0.0,
        default=None,
    )
    return ParameterAudit(
        name=name,
        shape=shape,
        entries=len(a),
        errors=tuple(errors),
        compared=tuple(int(count) for count in compared),
        best_h=None if best is None else float(steps[best]),
        best_error=None if best is None else errors[best],
        complex_error=float(error.max(initial=0.0)),
        dead=int((one.by_h.dead & (a == 0)).sum()),
        no_derivative=int((~asked).sum()),
        kinks=one.by_h.kinks,
        worst=_index(one.places[error.argmax()], shape) if len(a) else (),
        references={
            who: float(np.where(asked, relative_error(a, told), 0.0).max(initial=0.0))
            for who, told in one.references.items()
        },
        reason=_reason(name, looked_at, subject),
    )


def _reason(name: str, looked_at: Mapping[str, Entries], subject: Subject) -> str:
    """The problem with the gradient of one parameter, "" if there is none."""
    one = looked_at[name]
    a, derivative, by_h, asked = one.claimed, one.numbers.value, one.by_h, one.asked
    if isinstance(subject, Net) and not one.numbers.exists.any() and not by_h.at_zero.all():
        return UNSETTLED
    exact = not one.numbers.error.any()
    tolerance = "complex_step" if exact else "travelling"
    wrong = asked & (disagree(a, derivative, tolerance, 10 * one.numbers.error) | (by_h.dead & (a != 0)))
    if wrong.any():
        others = {
            other: its.numbers.value[asked]
            for other, its in looked_at.items()
            if other != name
            and subject.params[other].shape == subject.params[name].shape
            and np.array_equal(its.places, one.places)
        }
        hint = diagnose(
            a[asked],
            derivative[asked],
            by_h.dead[asked],
            one.theta[asked],
            max(1, subject.examples),
            subject.reg,
            others,
        )
        worst = int(np.where(wrong, np.abs(a - derivative), -1.0).argmax())
        index = list(_index(one.places[worst], subject.params[name].shape))
        hint = hint or f"{wrong.sum()} of {len(a)} entries are wrong"
        told_by = "the complex step says" if exact else "central differences say"
        return f"{hint} (at {index} {a[worst]:.6g}, {told_by} {derivative[worst]:.6g})"
    allowed = TOLERANCES["central"] * np.abs(derivative).max(initial=0.0)
    rounding = TOLERANCES["central_rounding"] * by_h.rounding[:, None]
    off = np.abs(by_h.central - derivative) > allowed + rounding
    seen = ~np.isnan(by_h.central)
    if exact and (asked & seen.any(axis=0) & (off | ~seen).all(axis=0)).any():
        return "complex step and central differences contradict each other: is the loss analytic?"
    for who, told in one.references.items():
        if (asked & disagree(a, told, "reference")).any():
            return f"{who} disagrees, by {relative_error(a, told).max():.1e}"
    return ""


def _index(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(place, shape))
