"""From numbers to findings: what explains a step is kept, and named when all steps are done."""

import numpy as np

from fcnet.judge.case import Case, sizes_of
from fcnet.judge.catalogue import kinds
from fcnet.judge.hypotheses import SINGLE, Channel, Guess, answers, explain
from fcnet.judge.lines import below_the_loss
from fcnet.judge.probes import NAMES


def step(case: Case, stage: str, channels: list[Channel]) -> None:
    """Explain some channels by what explains the ones before, and note the mistakes that this takes."""
    starts = case.guesses or case.starts

    def tried(tolerance: float, most: int) -> list[Guess]:
        look = case.look(channels, tolerance)
        return explain(starts, stage, look, most=most, constants=lambda: constant_penalty(case))

    guesses = tried(case.tolerance, 1)
    if not guesses and case.tolerance < SINGLE and rounded(case, starts, channels):
        guesses = tried(SINGLE, 1)
        if guesses:
            case.tolerance = SINGLE
            got = "numbers that are rounded as in float32"
            case.add("SINGLE_PRECISION", sizes_of(case.probes[0]), "numbers in float64", got,
                     spans=case.spans("loss", "__init__"))  # fmt: skip
    guesses = guesses or tried(case.tolerance, 2)
    case.guesses = guesses
    if guesses:
        case.settled, case.possible = guesses[0], guesses


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
        spans = [*below_the_loss(case), *case.spans("gradients")] if stage == "gradients" else None
        single = alone(case, chosen, code, number)
        shown = case.smallest(what, single)
        if shown.got is None:
            shown = case.smallest(what)
        case.add(code, *shown, spans=spans)


def alone(case: Case, guess: Guess, code: str, number: int) -> Guess | None:
    """The handout with one of a guess's mistakes."""
    mutants = kinds()[code].mutants
    base = next(start for start in case.starts if start.handout == guess.handout)
    return base.and_also(code, number, mutants[number % 100]) if number % 100 < len(mutants) else None
