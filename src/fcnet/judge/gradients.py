"""Gradients (2): against the exact derivatives, explained as a whole and then one by one."""

import numpy as np

from fcnet.judge.case import Case, sizes_of, told
from fcnet.judge.catalogue import kinds
from fcnet.judge.explaining import note, step
from fcnet.judge.forms import gradients_of, loss_of
from fcnet.judge.hypotheses import Channel, Guess, answers, close, explain
from fcnet.judge.lines import below_the_loss
from fcnet.judge.probes import NAMES, Probe, draw


def judge_gradients(case: Case) -> bool:
    """Look at the gradients; whether training can be looked at."""
    case.reached.append("gradients")
    student = case.student
    for place, probe in enumerate(case.probes):
        for reg in (0.0, probe.reg):
            seen = gradients_of(student, probe.at(reg))
            if seen.failure is not None:
                case.failed("gradients", seen.failure, told(probe.at(reg), ["W1"]))
                return False
            for code, name, wanted, got in seen.forms:
                case.add(code, sizes_of(probe), wanted, got, line=line_of_gradient(case, code, name),
                         spans=(), detail=name)  # fmt: skip
            if case.has("BACKWARD_UNIMPLEMENTED"):
                return False
            for name, value in seen.values.items():
                case.observed[place, name, reg] = value
    again = gradients_of(student, case.probes[0])
    for name, value in again.values.items():
        before = case.observed.get((0, name, case.probes[0].reg))
        if before is not None and not close(value, before):
            got = f"another gradient of {name}"
            case.add("GRAD_STALE", sizes_of(case.probes[0]), "the same gradient twice", got)
            return True
    if not case.has("PARAMS_CHANGED"):
        judge_gradient_numbers(case)
    return True


def line_of_gradient(case: Case, code: str, name: str) -> int | None:
    """The line that computes the gradient of a parameter."""
    where, spans = kinds()[code].where, case.spans("gradients")
    if code.endswith("_MISSING"):
        return case.source.find(where, [*below_the_loss(case), *spans])
    own = (rf"{name}\b.*=.*(sum|dot|@|mean|delta|d\w+)", rf"{name}\b.*=") if name else ()
    return case.source.find((*own, *where), spans)


def gradient_channels(case: Case, names: tuple[str, ...], with_penalty: bool) -> list[Channel]:
    """The channels of some parameters, at lambda 0 or at the probes' own."""
    return [
        (place, name, probe.reg if with_penalty else 0.0)
        for place, probe in enumerate(case.probes)
        for name in names
        if (place, name, 0.0) in case.observed
    ]


def judge_gradient_numbers(case: Case) -> None:
    """Explain the gradients without and with the penalty; the rest part by part."""
    chained = bool(case.guesses)
    if not chained and fits_own_loss(case):
        return
    starts = case.guesses = case.guesses or case.possible or list(case.starts)
    step(case, "gradients", gradient_channels(case, NAMES, False))
    if case.guesses:
        step(case, "gradients", gradient_channels(case, NAMES, True))
    if case.guesses or (chained and fits_own_loss(case)):
        return
    case.possible, case.settled = starts, starts[0]
    unexplained = []
    for name in NAMES:
        guesses = explain_one(case, starts, name)
        if guesses:
            handouts = {guess.handout for guess in guesses}
            starts = [guess for guess in starts if guess.handout in handouts]
        else:
            unexplained.append(name)
    if unexplained:
        name_rest(case, starts[0], unexplained)


def explain_one(case: Case, starts: list[Guess], name: str) -> list[Guess]:
    """Explain the gradient of one parameter on its own."""
    guesses = starts
    for with_penalty in (False, True):
        channels = gradient_channels(case, (name,), with_penalty)
        guesses = explain(guesses, "gradients", case.look(channels), most=1)
        if not guesses:
            return []
    note(case, starts, guesses)
    return guesses


def name_rest(case: Case, start: Guess, unexplained: list[str]) -> None:
    """Gradients that no mistake of the catalogue explains: a common factor, or just wrong."""
    factors = {name: factor_of(case, start, name) for name in unexplained}
    known = {name: factor for name, factor in factors.items() if factor is not None}
    shown = case.smallest(unexplained)
    if known:
        told_factors = ", ".join(
            f"{name}: {factor:.6g} times the right one" for name, factor in known.items()
        )
        case.add("GRAD_FACTOR", *shown, line=line_of_gradient(case, "GRAD_FACTOR", next(iter(known))),
                 spans=(), detail=told_factors)  # fmt: skip
    rest = [name for name in unexplained if name not in known]
    if rest:
        case.add("GRAD_UNKNOWN", *shown, line=line_of_gradient(case, "GRAD_UNKNOWN", rest[0]),
                 spans=(), detail=f"wrong: {', '.join(rest)}")  # fmt: skip


def factor_of(case: Case, start: Guess, name: str) -> float | None:
    """By what the gradient of a parameter at lambda 0 is multiplied; None if it is not."""
    factor = None
    for place, probe in enumerate(case.probes):
        seen, right = case.observed.get((place, name, 0.0)), answers(start.text, probe.at(0.0)).get(name)
        if seen is None or right is None or seen.shape != right.shape or not right.any():
            return None
        here = float((seen * right).sum() / (right * right).sum())
        if not close(seen, here * right, 1e-9) or abs(here) < 1e-12 or abs(here - 1) < 1e-9:
            return None
        factor = here if factor is None else factor
    return factor


def fits_own_loss(case: Case) -> bool:
    """Whether the gradients are the derivatives of the submission's own loss, which is wrong already.

    Central differences of the student's loss decide, so they are asked only where that loss is wrong anyway.
    """
    if not case.wrong("scores", "loss") and (case.settled is None or not case.settled.mistakes):
        return False
    probe = draw(case.rng, 2, 3, 4, 5) if len({p.sizes for p in case.probes}) > 1 else case.probes[0]
    seen = gradients_of(case.student, probe)
    if set(seen.values) != set(NAMES) or not any(value.any() for value in seen.values.values()):
        return False  # a constant has gradients of zero, and no network is one
    h = 1e-5
    for name in NAMES:
        for index in np.ndindex(*probe.params[name].shape):
            moved = []
            for sign in (1, -1):
                params = {n: np.array(value) for n, value in probe.params.items()}
                params[name][index] += sign * h
                one = loss_of(case.student, Probe(params, probe.X, probe.y, probe.reg))
                if one.value is None:
                    return False
                moved.append(float(one.value))
            off = abs((moved[0] - moved[1]) / (2 * h) - seen.values[name][index])
            if not off <= 1e-5 * max(1, abs(moved[0])):  # "not <=": NaN fits nothing
                return False
    return True
