"""The audit of anything that has a loss and claims gradients.

Nothing is known here of layers, so kinks are found in the numbers (`extrapolation`), and no derivative is
asked for there. The complex step decides where the loss takes complex parameters, else central differences
that are extrapolated to h = 0 (Ridders), with the error that the extrapolation itself shows.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.audit.audit import audit_network
from fcnet.audit.diagnosis import diagnose
from fcnet.audit.extrapolation import UNSETTLED, Numbers, allowed, extrapolated_differences, moved
from fcnet.audit.numeric import COMPLEX_STEP
from fcnet.audit.result import Audit, ParameterAudit
from fcnet.audit.subjects import Subject, subject_of
from fcnet.audit.tolerances import TOLERANCES, relative_error
from fcnet.errors import DataError
from fcnet.validation import check_positive

Array = NDArray[Any]


def audit_gradients(
    what: Any, *given: Any, entries: int | None = None, rng: np.random.Generator | None = None, **options: Any
) -> Audit:
    """Hold gradients against the derivative of the loss, whatever computes them.

        audit_gradients(net, X, y, reg)               `params`, `loss`, `preactivations`, `with_params`
        audit_gradients(function, params, gradients)  of a dict of arrays; gradients as a dict or a function
        audit_gradients(module, loss)                 a torch module; loss(module) is a tensor
        audit_gradients(loss, values)                 objects with `data` and `grad`; loss() has `backward()`

    Parameters
    ----------
    what, given : as above
    entries : how many entries of each parameter to look at, drawn by `rng`; None looks at all
    rng : draws the entries
    options : for a network, those of `audit_network`

    Returns
    -------
    audit : the verdict; `audit.passed`, `audit.table()`

    Raises
    ------
    DataError : the arguments are none of the above; `entries` without `rng`
    """
    if entries is not None:
        check_positive(entries=entries)
        if rng is None:
            raise DataError("entries needs a generator and rng is None, give a numpy.random.Generator")
    if hasattr(what, "preactivations"):
        return audit_network(what, *given, entries=entries, rng=rng, **options)
    subject = subject_of(what, *given)
    result = Audit((), entries, 0.0, 0)
    loss = subject.loss(subject.params)
    grads = subject.gradients()
    stage, reason = _before_numbers(subject, loss, grads)
    if stage:
        return replace(result, stage=stage, reason=reason)
    told, decided_by = _derivatives(subject, _chosen(subject, entries, rng))
    if not any(numbers.exists.any() for numbers in told.values()):
        return replace(result, stage="derivative", reason=UNSETTLED)
    verdicts = {
        name: _verdict(name, np.asarray(grads[name]), numbers, subject) for name, numbers in told.items()
    }
    wrong = [f"{name}: {verdict.reason}" for name, verdict in verdicts.items() if not verdict.passed]
    return replace(
        result,
        parameters=verdicts,
        decided_by=decided_by,
        stage="gradient" if wrong else "",
        reason="; ".join(wrong),
    )


def _before_numbers(subject: Subject, loss: Any, grads: dict[str, Any]) -> tuple[str, str]:
    """The first stage that fails, with its reason; both "" if none does."""
    for name, value in subject.params.items():
        if name not in grads:
            return "name", f"no gradient for {name}"
        grad = np.asarray(grads[name])
        if grad.shape != value.shape:
            return "shape", f"the gradient of {name} has shape {grad.shape}, the parameter {value.shape}"
        if grad.dtype.kind not in "fiu" or not np.isfinite(grad).all():
            return "value", f"the gradient of {name} is not made of finite real numbers"
    if np.ndim(loss) or not np.isrealobj(loss) or not np.isfinite(loss):
        return "value", f"the loss is {loss!r}, it has to be one finite number"
    again = subject.loss(subject.params)
    if abs(again - loss) > TOLERANCES["repeat"] * max(1.0, abs(loss)):
        return (
            "value",
            f"two equal calls give {loss:.12g} and {again:.12g}: is there dropout, or another draw?",
        )
    return "", ""


def _chosen(subject: Subject, entries: int | None, rng: np.random.Generator | None) -> dict[str, Array]:
    """Flat indices of the entries to look at."""
    chosen = {}
    for name, value in subject.params.items():
        flat = np.arange(value.size)
        draw = entries is not None and rng is not None and entries < value.size
        chosen[name] = np.sort(rng.choice(flat, entries, replace=False)) if draw and rng is not None else flat
    return chosen


def _derivatives(subject: Subject, chosen: dict[str, Array]) -> tuple[dict[str, Numbers], str]:
    """The derivatives by all chosen entries, and which reference decided."""
    told = {name: extrapolated_differences(subject, name, flat) for name, flat in chosen.items()}
    exact = {}
    for name, numbers in told.items():
        steps = _complex_steps(subject, name, numbers.chosen)
        if steps is None:
            return told, "extrapolation"
        off = np.abs(steps - numbers.value) > allowed(steps, numbers, "travelling")
        if (off & numbers.exists).any():  # the loss is not analytic: abs, or an order of complex numbers
            return told, "extrapolation"
        exact[name] = replace(numbers, value=steps, error=np.zeros(steps.shape))
    return exact, "complex step"


def _complex_steps(subject: Subject, name: str, chosen: Array) -> Array | None:
    """The derivatives by the complex step; None where the loss does not take complex parameters."""
    found = np.zeros(len(chosen))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a ComplexWarning means that the imaginary part is dropped
        for place, index in enumerate(chosen):
            try:
                loss = subject.loss(moved(subject.params, name, int(index), COMPLEX_STEP * 1j))
            except Exception:
                return None
            if not np.iscomplexobj(loss):
                return None
            found[place] = float(np.imag(loss)) / COMPLEX_STEP
    return found


def _verdict(name: str, grad: Array, numbers: Numbers, subject: Subject) -> ParameterAudit:
    """Compare one parameter's gradient with its derivative; entries at a kink stay out."""
    claimed = grad.reshape(-1)[numbers.chosen].astype(np.float64)
    tolerance = "travelling" if numbers.error.any() else "complex_step"
    asked = numbers.exists
    wrong = asked & ~(np.abs(claimed - numbers.value) <= allowed(claimed, numbers, tolerance))
    error = np.where(asked, relative_error(claimed, numbers.value), 0.0)
    shape = subject.params[name].shape
    worst = int(np.where(asked, np.abs(claimed - numbers.value), -1.0).argmax()) if len(claimed) else 0
    place = np.unravel_index(numbers.chosen[worst], shape) if len(claimed) else ()
    index = tuple(int(i) for i in place)
    reason = ""
    if wrong.any():
        theta = subject.params[name].reshape(-1)[numbers.chosen][asked]
        off = np.zeros(int(asked.sum()), bool)
        hint = diagnose(claimed[asked], numbers.value[asked], off, theta, 1, 0.0, {})
        hint = hint or f"{wrong.sum()} of {len(claimed)} entries are wrong"
        reason = (
            f"{hint} (at {list(index)} {claimed[worst]:.6g}, the derivative is {numbers.value[worst]:.6g})"
        )
    return ParameterAudit(
        name=name, shape=shape, entries=len(claimed), errors=(), compared=(), best_h=None, best_error=None,
        complex_error=float(error.max(initial=0.0)), dead=0, no_derivative=int((~asked).sum()), kinks=(),
        worst=index, references={}, reason=reason,
    )  # fmt: skip
