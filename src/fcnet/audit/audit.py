"""The audit itself: its stages in their order, and the comparison of the last one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.audit.deciding import decide
from fcnet.audit.extrapolation import UNSETTLED
from fcnet.audit.numeric import STEPS, differences
from fcnet.audit.result import Audit
from fcnet.audit.stages import Failed, gradients_of
from fcnet.audit.subjects import Auditable, Layered, Net, Subject, subject_of
from fcnet.audit.verdict import Entries, verdict_on
from fcnet.errors import DataError, ExtensionError
from fcnet.validation import check_positive

References = Mapping[str, Mapping[str, Array]]


def audit_network(net: Auditable, X: Any, y: Any, reg: float = 0.0, **options: Any) -> Audit:
    """Hold a network's gradients against the derivatives of its loss: `audit_gradients` of a network."""
    return audit_gradients(net, X, y, reg, **options)


def audit_gradients(
    what: Any,
    *given: Any,
    entries: int | None = None,
    rng: np.random.Generator | None = None,
    steps: Sequence[float] = STEPS,
    references: References | None = None,
    progress: Callable[[str, int, int], object] | None = None,
    **named: Any,
) -> Audit:
    """Hold gradients against the derivative of the loss, whatever computes them.

        audit_gradients(net, X, y, reg)               `params`, `loss`, `preactivations`, `with_params`
        audit_gradients(function, params, gradients)  of a dict of arrays; gradients as a dict or a function
        audit_gradients(module, loss)                 a torch module; loss(module) is a tensor
        audit_gradients(loss, values)                 objects with `data` and `grad`; loss() has `backward()`

    Parameters
    ----------
    what, given : as above. A network is in float64; X is (N, D), y is (N,), reg is lambda of (13), 0 without.
        All are left unchanged.
    entries : how many entries of each parameter to look at, drawn by `rng`; None looks at all
    rng : draws the entries
    steps : of a network: the range of h for the central differences
    references : further reference gradients at the same point, by name:
        {"torch.autograd": {"W1": (D, H), ...}}
    progress : of a network: called with "entries audited", how many are done, and how many there are
    named : X, y and reg by their names

    Returns
    -------
    audit : the verdict with the numbers behind it; `audit.passed`, `audit.table()`

    Raises
    ------
    DataError : the arguments are none of the above; `entries` without `rng`; a reference with other names or
        shapes; a network of fcnet's own layers that drops the imaginary part
    """
    if entries is not None:
        check_positive(entries=entries)
        if rng is None:
            raise DataError("entries needs a generator and rng is None, give a numpy.random.Generator")
    subject = subject_of(what, *given, **named)
    network = isinstance(subject, Net)
    result = Audit(tuple(steps) if network else (), entries, subject.reg, subject.examples)
    try:
        if network and isinstance(what, Layered):
            result = replace(result, prediction=_check_layers(what))
        grads = gradients_of(subject)
    except Failed as failed:
        return replace(result, stage=failed.stage, reason=failed.reason)
    references = references or {}
    for name, one in references.items():
        _check_reference(name, one, subject.params)
    places = {name: _places(value.size, entries, rng) for name, value in subject.params.items()}
    found = _compared(result, subject, grads, places, references, progress)
    if isinstance(subject, Net) and subject.own:
        # what a layer of a user's own keeps from one set of parameters to the next is no mistake in it, and
        # hides none
        anew = subject.asked_anew(places)
        return _compared(result, anew, grads, places, references, progress) if anew else found
    return found


def _check_layers(net: Layered) -> float:
    """The first stage: a network tries its layers, and says how far their predictions are off at most.

    Raises
    ------
    Failed : one of them does something wrong
    """
    try:
        difference = net.check_layers()
    except ExtensionError as error:
        raise Failed("layer", str(error)) from error
    along = "random directions"
    for mistake, function, slopes in net.claims_in_training():
        start = {along: np.zeros(len(slopes))}
        told = audit_gradients(lambda at, function=function: function(at[along]), start, {along: slopes})
        if told.stage in ("value", "gradient"):  # elsewhere, differences say nothing
            raise Failed("layer", f"{mistake}, along {told.reason}")
    return difference


def _compared(
    result: Audit,
    subject: Subject,
    grads: Mapping[str, Array],
    places: Mapping[str, Array],
    references: References,
    progress: Callable[[str, int, int], object] | None,
) -> Audit:
    """The last stage: gradients beside derivatives."""
    claimed = {name: grads[name].reshape(-1)[flat].astype(np.float64) for name, flat in places.items()}
    decision = decide(subject, places, claimed)
    numbers = count(1)
    if subject.own is None and not any(one.exists.any() for one in decision.numbers.values()):
        return replace(result, stage="derivative", reason=UNSETTLED)

    def done() -> None:
        if progress is not None:
            progress("entries audited", next(numbers), sum(map(len, places.values())))

    looked_at = {
        name: Entries(
            places=flat,
            theta=subject.params[name].reshape(-1)[flat],
            claimed=claimed[name],
            numbers=decision.numbers[name],
            by_h=differences(subject, name, flat, result.steps, decision.numbers[name].value, done),
            references={who: np.asarray(told[name]).reshape(-1)[flat] for who, told in references.items()},
        )
        for name, flat in places.items()
    }
    verdicts = {name: verdict_on(name, looked_at, subject, result.steps) for name in looked_at}
    wrong = [f"{name}: {verdict.reason}" for name, verdict in verdicts.items() if not verdict.passed]
    return replace(
        result,
        at_zero=_at_zero(subject.measured(subject.params)[1]),
        parameters=verdicts,
        decided_by=decision.decided_by,
        note=decision.note,
        stage="gradient" if wrong else "",
        reason="; ".join(wrong),
    )


def _at_zero(preactivations: Sequence[Array]) -> tuple[tuple[int, int, int], ...]:
    """Those that are exactly 0, as (layer, example, unit)."""
    return tuple(
        (layer, int(example), int(unit))
        for layer, z in enumerate(preactivations)
        for example, unit in np.argwhere(z == 0)
    )


def _places(size: int, entries: int | None, rng: np.random.Generator | None) -> Array:
    """All flat indices of an array of this size, or a number of them drawn without replacement, in order."""
    if entries is None or rng is None or entries >= size:
        return np.arange(size)
    return np.sort(rng.choice(size, entries, replace=False))


def _check_reference(who: str, grads: Mapping[str, Array], params: Mapping[str, Array]) -> None:
    for name, value in params.items():
        if name not in grads or np.shape(grads[name]) != value.shape:
            shape = np.shape(grads[name]) if name in grads else None
            raise DataError(f"reference {who} has {name} of shape {shape}, give one of shape {value.shape}")
