"""Questions that a submission can answer: where sizes are written into its code, others are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fcnet.judge.case import Case, code_of, sizes_of
from fcnet.judge.catalogue import kinds
from fcnet.judge.isolation import Failure
from fcnet.judge.lines import in_backward
from fcnet.judge.probes import Probe, draw
from fcnet.judge.report import Shown


def usable_sizes(case: Case, stage: str, ask: Callable[[Probe], Any]) -> bool:
    """Whether the main questions can be answered; if sizes are written into the code, others are asked."""
    seen = [ask(probe) for probe in case.probes]
    bad = next((one for one in seen if one.failure is not None or one.misshapen), None)
    if bad is None:
        return True
    rng, toy = case.rng, draw(case.rng, 4, 10, 3, 5)
    first = ask(toy)
    if first.failure is not None or first.misshapen:
        if bad.failure is not None:
            failed(case, stage, bad.failure)
            return False
        return True
    other = {"HARDCODED_C": draw(rng, 4, 10, 6, 5), "HARDCODED_N": draw(rng, 4, 10, 3, 8)}
    for code, probe in other.items():
        one = ask(probe)
        if one.failure is not None or one.misshapen:
            got = one.failure.text if one.failure is not None else one.got
            line = one.failure.line if one.failure is not None else None
            spans = case.student.spans(case.student.scores_method, case.student.loss_method)
            case.add(code, sizes_of(probe), "an answer for every size", got,
                     line=case.source.find(kinds()[code].where, spans) or line, stage=stage)  # fmt: skip
    if not case.has(*other):
        if bad.failure is not None:
            failed(case, stage, bad.failure)
            return False
        return True
    case.probes = [draw(rng, 4, 10, 3, 5), draw(rng, 4, 10, 3, 5, reg=0.2)]
    return True


def failed(case: Case, stage: str, failure: Failure) -> None:
    """Note a failure; one below the line that computes the loss belongs to the gradients."""
    turned = [name for name in ("W1", "W2") if case.student.places[name].transposed]
    if stage == "scores" and len(turned) == 1 and code_of(stage, failure, "") == "MATMUL_ORDER":
        (D, H, K), name = case.probes[0].sizes, turned[0]
        right, init = {"W1": (D, H), "W2": (H, K)}[name], case.student.spans("__init__")
        shown = Shown(sizes_of(case.probes[0]), f"{name}: {right}", f"{name}: {right[::-1]}")
        line = case.source.find([rf"{name}\b.*[=:]"], init)
        case.add("PARAMETER_SHAPES", *shown, line=line, spans=init, detail=name, stage=stage)
        return
    if stage == "loss" and in_backward(case, failure.line):
        stage = "gradients"
        case.reached.append(stage)
    case.failed(stage, failure, sizes_of(case.probes[0]))
