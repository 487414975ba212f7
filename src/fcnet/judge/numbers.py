"""Scores, loss and gradients: a submission's numbers, held against ours and those of mistakes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.judge.case import Case, sizes_of, told
from fcnet.judge.catalogue import kinds
from fcnet.judge.forms import Loss, gradients_from, loss_from, scores_from
from fcnet.judge.hypotheses import SINGLE, Channel, Guess, agrees, answers, close, explain
from fcnet.judge.isolation import Failure
from fcnet.judge.probes import NAMES, Probe, draw, toy_probe
from fcnet.judge.report import Shown
from fcnet.judge.student import Answer

Array = NDArray[Any]

LARGEST_PROBABILITY = 1 + 1e-6


# Scores (1a) ------------------------------------------------------------------------------------------------
def judge_scores(case: Case) -> bool:
    """Look at the scores; whether the loss can be looked at."""
    case.reached.append("scores")
    student = case.student
    spans = student.spans(student.scores_method)
    if not usable_sizes(case, "scores", lambda probe: scores_from(student.ask_scores(probe), probe, student)):
        return False
    for place, probe in enumerate(case.probes):
        seen = scores_from(student.ask_scores(probe), probe, student)
        if seen.code:
            case.add(seen.code, spans=spans, shown=Shown(told(probe, ["scores"]), seen.wanted, seen.got))
        if seen.value is None:
            return not case.has("FORWARD_NONE", "FORWARD_UNIMPLEMENTED") or seen.code == "FORWARD_NONE"
        case.observed[place, "scores", 0.0] = seen.value
    again = scores_from(student.ask_scores(case.probes[0], seed=1), case.probes[0], student)
    if again.value is None or not close(again.value, case.observed[0, "scores", 0.0]):
        case.add("DROPOUT_ALWAYS_ON", spans=spans, shown=Shown(
            sizes_of(case.probes[0]), "the same scores twice", "other scores the second time"))  # fmt: skip
        return False
    step(case, "scores", [(place, "scores", 0.0) for place in range(len(case.probes))], most=2)
    if not case.guesses:
        case.add("SCORES_UNKNOWN", spans=spans, shown=case.smallest(["scores"], ask_for(case)))
        case.guesses = []
    return True


def usable_sizes(case: Case, stage: str, ask: Callable[[Probe], Any]) -> bool:
    """Whether the main questions can be answered; if sizes are written into the code, others are asked."""

    def works(probe: Probe) -> Any:
        return ask(probe)

    seen = [works(probe) for probe in case.probes]
    bad = next((one for one in seen if one.failure is not None or one.misshapen), None)
    if bad is None:
        return True
    rng, toy = case.rng, draw(case.rng, 4, 10, 3, 5)
    first = works(toy)
    if first.failure is not None or first.misshapen:
        if bad.failure is not None:
            failed(case, stage, bad.failure)
            return False
        return True
    other = {"HARDCODED_C": draw(rng, 4, 10, 6, 5), "HARDCODED_N": draw(rng, 4, 10, 3, 8)}
    for code, probe in other.items():
        one = works(probe)
        if one.failure is not None or one.misshapen:
            got = f"{one.failure.type}: {one.failure.message}" if one.failure is not None else one.got
            line = one.failure.line if one.failure is not None else None
            spans = case.student.spans(case.student.scores_method, case.student.loss_method)
            case.add(code, line=case.source.find(kinds_where(code), spans) or line, stage=stage,
                     shown=Shown(sizes_of(probe), "an answer for every size", got))  # fmt: skip
    if not case.has(*other):
        if bad.failure is not None:
            failed(case, stage, bad.failure)
            return False
        return True
    case.probes = [draw(rng, 4, 10, 3, 5), draw(rng, 4, 10, 3, 5, reg=0.2)]
    return True


def failed(case: Case, stage: str, failure: Failure) -> None:
    """Note a failure; one below the line that computes the loss belongs to the gradients."""
    if stage == "loss" and in_backward(case, failure.line):
        stage = "gradients"
        case.reached.append(stage)
    case.failed(stage, failure, Shown(sizes_of(case.probes[0])))


def kinds_where(code: str) -> tuple[str, ...]:
    """Where the catalogue looks for a kind."""
    return kinds()[code].where


# Loss (1b) --------------------------------------------------------------------------------------------------
def judge_loss(case: Case) -> bool:
    """Look at the loss; whether the gradients can be looked at."""
    case.reached.append("loss")
    student = case.student
    spans = student.spans(student.loss_method)
    if student.loss_method is None:
        case.add("LOSS_MISSING")
        return False
    if not usable_sizes(case, "loss", lambda probe: loss_seen(case, probe)):
        return False
    for place, probe in enumerate(case.probes):
        for reg in (0.0, probe.reg):
            seen = loss_seen(case, probe.at(reg))
            if seen.failure is not None:
                failed(case, "loss", seen.failure)
                return False
            if seen.code:
                case.add(
                    seen.code, spans=spans, shown=Shown(told(probe.at(reg), ["loss"]), seen.wanted, seen.got)
                )
            if seen.value is not None:
                case.observed[place, "loss", reg] = seen.value
    losses = [value for (_, what, _), value in case.observed.items() if what == "loss"]
    if not losses:
        return not case.has("LOSS_UNIMPLEMENTED")
    if all(value == 0 for value in losses):
        case.add(
            "LOSS_UNIMPLEMENTED", spans=spans, shown=Shown(told(case.probes[0], ["loss"]), "a loss", 0.0)
        )
        case.observed = {channel: value for channel, value in case.observed.items() if channel[1] != "loss"}
        return True
    judge_loss_numbers(case, spans)
    return True


def loss_seen(case: Case, probe: Probe) -> Loss:
    """The loss of a probe, as it was given."""
    return loss_from(case.student.ask_loss(probe), probe)


def in_backward(case: Case, line: int | None) -> bool:
    """Whether a line comes after the one that computes the loss."""
    node = case.source.method(case.student.name, case.student.loss_method or "")
    last = last_line_of_loss(case)
    if line is None or node is None or last is None:
        return False
    return last < line <= (node.end_lineno or line)


def last_line_of_loss(case: Case) -> int | None:
    """The last line of the method that gives the loss a value."""
    node = case.source.method(case.student.name, case.student.loss_method or "")
    if node is None:
        return None
    known = [
        part.lineno
        for part in ast.walk(node)
        if isinstance(part, ast.Assign | ast.AugAssign) and not isinstance(part.value, ast.Constant)
        for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
        if isinstance(target, ast.Name) and ("loss" in target.id.lower() or target.id in ("J", "cost"))
    ]
    return max(known, default=None)


def judge_loss_numbers(case: Case, spans: list[tuple[int, int]]) -> None:
    """Explain the loss without and with the penalty."""
    places = range(len(case.probes))
    if not case.guesses:  # the scores are not explained: the loss may be right all the same
        case.guesses = [
            g
            for g in case.starts
            if agrees(g.text, case.observed, case.probes, [(p, "loss", 0.0) for p in places], case.tolerance)
        ]
    chained = bool(case.guesses)
    plain = [(place, "loss", 0.0) for place in places]
    full = [(place, "loss", case.probes[place].reg) for place in places]
    if chained:
        step(case, "loss", plain, constants=lambda: constant_penalty(case))
        if case.guesses:
            step(case, "loss", full, constants=lambda: constant_penalty(case))
    if not case.guesses and not follows_from_scores(case):
        case.add("LOSS_UNKNOWN", spans=spans, shown=case.smallest(["loss"], ask_for(case)))


def constant_penalty(case: Case) -> dict[str, float]:
    """The lambda that a submission has instead of its argument, if its penalty is one constant's."""
    found = []
    for place, probe in enumerate(case.probes):
        right = answers(case.base.text, probe.at(0.0))["loss"]
        seen = case.observed.get((place, "loss", 0.0))
        norms = sum((probe.params[name] ** 2).sum() for name in ("W1", "W2"))
        if seen is not None:
            found.append(float((seen - right) / norms))
    if not found or abs(found[0]) < 1e-12 or not np.allclose(found, found[0], rtol=1e-8):
        return {}
    return {"REG_HARDCODED": float(f"{found[0]:.12g}")}


def follows_from_scores(case: Case) -> bool:
    """Whether the loss is what equations 12 and 13 make of the submission's own scores, right or wrong."""
    for place, probe in enumerate(case.probes):
        scores, N = case.observed.get((place, "scores", 0.0)), len(probe.X)
        if scores is None or scores.shape != (N, probe.sizes[2]):
            return False
        norms = sum((probe.params[name] ** 2).sum() for name in ("W1", "W2"))
        with np.errstate(all="ignore"):
            shifted = scores - scores.max(axis=1, keepdims=True)
            as_logits = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            losses = [-logs[np.arange(N), probe.y].mean() for logs in (np.log(scores), as_logits)]
        plain, full = (case.observed.get((place, "loss", reg)) for reg in (0.0, probe.reg))
        if plain is None or full is None or not (np.isfinite(plain).all() and np.isfinite(full).all()):
            return False
        fits = [
            close(plain, np.asarray(loss), 1e-8)
            and close(full, np.asarray(loss + share * probe.reg * norms), 1e-8)
            for loss in losses
            for share in (1.0, 0.5)
        ]
        if not any(fits):
            return False
    return True


# Gradients (2) ----------------------------------------------------------------------------------------------
def judge_gradients(case: Case) -> bool:
    """Look at the gradients; whether training can be looked at."""
    case.reached.append("gradients")
    student = case.student
    spans = student.spans(student.gradients_method)
    for place, probe in enumerate(case.probes):
        for reg in (0.0, probe.reg):
            seen = gradients_from(student.ask_loss(probe.at(reg), gradients=True), probe.at(reg), student)
            if seen.failure is not None:
                case.failed("gradients", seen.failure, Shown(told(probe.at(reg), ["W1"])))
                return False
            for code, name, wanted, got in seen.forms:
                case.add(code, line=line_of_gradient(case, code, name, spans), detail=name,
                         shown=Shown(sizes_of(probe), wanted, got))  # fmt: skip
            if case.has("BACKWARD_UNIMPLEMENTED"):
                return False
            for name, value in seen.values.items():
                case.observed[place, name, reg] = value
    again = gradients_from(student.ask_loss(case.probes[0], gradients=True), case.probes[0], student)
    for name, value in again.values.items():
        before = case.observed.get((0, name, case.probes[0].reg))
        if before is not None and not close(value, before):
            case.add(
                "GRAD_STALE",
                spans=spans,
                shown=Shown(
                    sizes_of(case.probes[0]), "the same gradient twice", f"another gradient of {name}"
                ),
            )
            return True
    if not case.has("PARAMS_CHANGED"):
        judge_gradient_numbers(case, spans)
    return True


def line_of_gradient(case: Case, code: str, name: str, spans: list[tuple[int, int]]) -> int | None:
    """The line that computes the gradient of a parameter."""
    own = (rf"{name}\b.*=.*(sum|dot|@|mean|delta|d\w+)", rf"{name}\b.*=")
    return case.source.find(own if name else kinds_where(code), spans) or case.source.find(
        kinds_where(code), spans
    )


def gradient_channels(case: Case, names: tuple[str, ...], with_penalty: bool) -> list[Channel]:
    """The channels of some parameters, at lambda 0 or at the probes' own."""
    return [
        (place, name, probe.reg if with_penalty else 0.0)
        for place, probe in enumerate(case.probes)
        for name in names
        if (place, name, 0.0) in case.observed
    ]


def judge_gradient_numbers(case: Case, spans: list[tuple[int, int]]) -> None:
    """Explain the gradients without and with the penalty; the rest part by part."""
    chained = bool(case.guesses)
    if not chained and fits_own_loss(case):
        return
    starts = case.guesses = case.guesses or case.possible or list(case.starts)
    step(case, "gradients", gradient_channels(case, NAMES, False), constants=lambda: constant_penalty(case))
    if case.guesses:
        step(
            case, "gradients", gradient_channels(case, NAMES, True), constants=lambda: constant_penalty(case)
        )
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
        name_rest(case, starts[0], unexplained, spans)


def explain_one(case: Case, starts: list[Guess], name: str) -> list[Guess]:
    """Explain the gradient of one parameter on its own."""
    guesses = starts
    for with_penalty in (False, True):
        channels = gradient_channels(case, (name,), with_penalty)
        guesses = explain(
            guesses, "gradients", case.observed, case.probes, channels, case.tolerance, most=1, seconds=2.0
        )
        if not guesses:
            return []
    note(case, starts, guesses)
    return guesses


def name_rest(case: Case, start: Guess, unexplained: list[str], spans: list[tuple[int, int]]) -> None:
    """Gradients that no mistake of the catalogue explains: a common factor, or just wrong."""
    factors = {name: factor_of(case, start, name) for name in unexplained}
    known = {name: factor for name, factor in factors.items() if factor is not None}
    shown = case.smallest(unexplained, ask_for(case))
    if known:
        told_factors = ", ".join(
            f"{name}: {factor:.6g} times the right one" for name, factor in known.items()
        )
        case.add("GRAD_FACTOR", line=line_of_gradient(case, "GRAD_FACTOR", next(iter(known)), spans),
                 shown=shown, detail=told_factors)  # fmt: skip
    rest = [name for name in unexplained if name not in known]
    if rest:
        case.add("GRAD_UNKNOWN", line=line_of_gradient(case, "GRAD_UNKNOWN", rest[0], spans), shown=shown,
                 detail=f"wrong: {', '.join(rest)}")  # fmt: skip


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
    before = any(
        finding.stage in ("scores", "loss") and finding.severity == "error" for finding in case.findings
    )
    if not before and (case.settled is None or not case.settled.mistakes):
        return False
    probe = draw(case.rng, 2, 3, 4, 5) if len({p.sizes for p in case.probes}) > 1 else case.probes[0]
    seen = gradients_from(case.student.ask_loss(probe, gradients=True), probe, case.student)
    if set(seen.values) != set(NAMES) or not any(value.any() for value in seen.values.values()):
        return False  # a constant has gradients of zero, and no network is one
    h = 1e-5
    for name in NAMES:
        for index in np.ndindex(*probe.params[name].shape):
            moved = []
            for sign in (1, -1):
                params = {n: np.array(value) for n, value in probe.params.items()}
                params[name][index] += sign * h
                one = loss_seen(case, Probe(params, probe.X, probe.y, probe.reg))
                if one.value is None:
                    return False
                moved.append(float(one.value))
            off = abs((moved[0] - moved[1]) / (2 * h) - seen.values[name][index])
            if not off <= 1e-5 * max(1, abs(moved[0])):  # "not <=": NaN fits nothing
                return False
    return True


# Common -----------------------------------------------------------------------------------------------------
def step(
    case: Case,
    stage: str,
    channels: list[Channel],
    most: int = 2,
    constants: Callable[[], dict[str, float]] = dict,
) -> None:
    """Explain some channels by what explains the ones before, and note the mistakes that this takes."""
    starts = case.guesses or case.starts
    guesses = explain(
        starts, stage, case.observed, case.probes, channels, case.tolerance, most=1, constants=constants
    )
    if not guesses and case.tolerance < SINGLE and rounded(case, starts, channels):
        guesses = explain(
            starts, stage, case.observed, case.probes, channels, SINGLE, most=1, constants=constants
        )
        if guesses:
            case.tolerance = SINGLE
            spans = case.student.spans(case.student.loss_method, "__init__")
            case.add(
                "SINGLE_PRECISION",
                spans=spans,
                shown=Shown(
                    sizes_of(case.probes[0]), "numbers in float64", "numbers that are rounded as in float32"
                ),
            )
    if not guesses and most > 1:
        guesses = explain(
            starts,
            stage,
            case.observed,
            case.probes,
            channels,
            case.tolerance,
            most=most,
            constants=constants,
        )
    case.guesses = guesses
    if guesses:
        case.settled, case.possible = guesses[0], guesses


def rounded(case: Case, starts: list[Guess], channels: list[Channel]) -> bool:
    """Whether most numbers are off by a little, as float32 makes them; a single wrong entry is a mistake."""
    off = total = 0
    for place, what, reg in channels:
        seen = case.observed.get((place, what, reg))
        if seen is None:
            continue
        nearest = min(
            (answers(guess.text, case.probes[place].at(reg)).get(what, np.zeros(())) for guess in starts),
            key=lambda right: (
                np.inf if right.shape != seen.shape else float(np.abs(right - seen).max(initial=0.0))
            ),
        )
        if nearest.shape != seen.shape:
            continue
        counted = nearest != 0
        off += int((np.abs(seen - nearest)[counted] > 1e-11 * np.abs(nearest)[counted]).sum())
        total += int(counted.sum())
    return total == 0 or off > 0.5 * total


def settle(case: Case) -> None:
    """Note the mistakes of what explained the most numbers."""
    if case.settled is not None:
        note(case, [], case.possible)


def note(case: Case, starts: list[Guess], guesses: list[Guess]) -> None:
    """Note the mistakes of the first guess that the starts did not have."""
    chosen = guesses[0]
    known = {mistake for guess in starts for mistake in guess.mistakes}
    for code, number in chosen.mistakes:
        if (code, number) in known or case.has(code):
            continue
        stage = kinds()[code].stage
        what = {"scores": ["scores"], "loss": ["loss"]}.get(stage, list(NAMES))
        spans = case.student.spans(*methods_of(case, what))
        if stage == "gradients":
            spans = [*below_the_loss(case), *spans]
        single = alone(case, chosen, code, number)
        shown = case.smallest(what, ask_for(case), single)
        if shown.got is None:
            shown = case.smallest(what, ask_for(case))
        case.add(code, spans=spans, shown=shown)


def below_the_loss(case: Case) -> list[tuple[int, int]]:
    """The lines of the gradients where one method computes both: those after the last of the loss."""
    last = last_line_of_loss(case)
    node = case.source.method(case.student.name, case.student.gradients_method or "")
    if node is None or last is None or not node.lineno <= last < (node.end_lineno or last):
        return []
    return [(last + 1, node.end_lineno or last + 1)]


def alone(case: Case, guess: Guess, code: str, number: int) -> Guess | None:
    """The handout with one of a guess's mistakes."""
    mutants = kinds()[code].mutants
    base = next(start for start in case.starts if start.handout == guess.handout)
    return base.and_also(code, number, mutants[number % 100]) if number % 100 < len(mutants) else None


def methods_of(case: Case, what: list[str]) -> list[str | None]:
    """The methods that compute an answer."""
    student = case.student
    if "scores" in what:
        return [student.scores_method]
    return [student.loss_method] if "loss" in what else [student.gradients_method]


def ask_for(case: Case) -> Callable[[Probe], dict[str, Array]]:
    """A function that asks the submission for scores, loss and gradients of a probe."""
    student = case.student

    def ask(probe: Probe) -> dict[str, Array]:
        found: dict[str, Array] = {}
        scores = scores_from(student.ask_scores(probe), probe, student)
        if scores.value is not None:
            found["scores"] = scores.value
        loss = loss_from(student.ask_loss(probe), probe) if student.loss_method else None
        if loss is not None and loss.value is not None:
            found["loss"] = loss.value
        if student.gradients_method:
            found |= gradients_from(student.ask_loss(probe, gradients=True), probe, student).values
        return found

    return ask


__all__ = ["Answer", "judge_gradients", "judge_loss", "judge_scores", "toy_probe"]
