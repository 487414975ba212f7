"""No loops (1c): do the executed lines grow with the number of examples, classes or units?"""

import re

import numpy as np

from fcnet.judge.case import Case
from fcnet.judge.probes import Probe, draw

HIDDEN = r"apply_along_axis|np\.vectorize|numpy\.vectorize|np\.fromiter|frompyfunc|apply_over_axes|\bmap\("


def judge_loops(case: Case) -> None:
    """Count lines at a few examples and at many; then at few and many classes and hidden units."""
    case.reached.append("loops")
    rng = case.rng
    hidden = case.source.find([HIDDEN], case.spans("scores", "loss"))
    if hidden is not None:
        call = re.search(HIDDEN, case.line_text(hidden))
        case.add(
            "LOOP_HIDDEN", "any input", "whole arrays at once", call.group(0) if call else "", line=hidden
        )
    if case.has("HARDCODED_C", "HARDCODED_N"):
        return
    few = draw(rng, 5, 7, 4, 6)
    for code, sizes, question in (
        ("LOOP", (5, 7, 4, 60), {"N": [6, 60]}),
        ("LOOP_CLASSES", (5, 70, 40, 6), {"C": [4, 40], "H": [7, 70]}),
    ):
        before, after = lines(case, few), lines(case, plain(rng, *sizes))
        grown = growing(before, after)
        if grown is not None and hidden is None:
            counts = [before.get(grown, 0), after.get(grown, 0)]
            case.add(
                code, question, "the same number of executed lines", counts, line=loop_above(case, grown)
            )
            return


def plain(rng: np.random.Generator, D: int, H: int, K: int, N: int) -> Probe:
    """A random question of these sizes; kinks do not matter here."""
    params = {
        "W1": rng.normal(size=(D, H)),
        "b1": rng.normal(size=H),
        "W2": rng.normal(size=(H, K)),
        "b2": rng.normal(size=K),
    }
    return Probe(params, rng.normal(size=(N, D)), np.resize(np.arange(K), N), 0.1)


def lines(case: Case, probe: Probe) -> dict[int, int]:
    """How often each line of the student's is executed for scores and loss."""
    student = case.student
    counts: dict[int, int] = {}
    for answer in (student.ask_scores(probe, lines=True), student.ask_loss(probe, lines=True)):
        for line, count in answer.lines.items():
            counts[line] = counts.get(line, 0) + count
    return counts


def growing(few: dict[int, int], many: dict[int, int]) -> int | None:
    """The line whose count grows most, by at least 12."""
    growth = {line: count - few.get(line, 0) for line, count in many.items()}
    line = max(growth, key=lambda one: growth[one], default=None)
    return line if line is not None and growth[line] >= 12 and few else None


def loop_above(case: Case, line: int) -> int:
    """The `for` or `while` that holds a line, or the line itself."""
    text = case.source.code_lines
    indent = len(text[line - 1]) - len(text[line - 1].lstrip())
    for number in range(line, 0, -1):
        one = text[number - 1]
        if re.match(r"\s*(for|while)\b", one) and len(one) - len(one.lstrip()) <= indent:
            return number
        if re.match(r"\s*def\b", one):
            break
    return line
