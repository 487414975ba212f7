"""Questions that a submission can answer: where sizes are written into its code, others are asked."""

from fcnet.judge.case import Case, code_of, sizes_of
from fcnet.judge.catalogue import kinds
from fcnet.judge.forms import Seen, seen_of
from fcnet.judge.isolation import Failure
from fcnet.judge.lines import in_backward
from fcnet.judge.probes import Probe, draw
from fcnet.judge.report import Shown


def usable_sizes(case: Case, stage: str) -> bool:
    """Whether the main questions can be answered; if sizes are written into the code, others are asked."""

    def ask(probe: Probe) -> Seen:
        return seen_of(case.student, stage, probe)

    bad = next((one for one in [ask(probe) for probe in case.probes] if not one.usable), None)
    if bad is None:
        return True
    rng = case.rng
    toy = ask(draw(rng, 4, 10, 3, 5)).usable
    for code, sizes in (("HARDCODED_C", (4, 10, 6, 5)), ("HARDCODED_N", (4, 10, 3, 8))) if toy else ():
        probe = draw(rng, *sizes)
        one = ask(probe)
        if not one.usable:
            line = one.failure.line if one.failure is not None else None
            line = case.source.find(kinds()[code].where, case.spans("scores", "loss")) or line
            case.add(
                code, sizes_of(probe), "an answer for every size", one.got, line=line, spans=(), stage=stage
            )
    if not toy or not case.has("HARDCODED_C", "HARDCODED_N"):
        if bad.failure is not None:
            failed(case, stage, bad.failure)
        return bad.failure is None
    case.probes = [draw(rng, 4, 10, 3, 5), draw(rng, 4, 10, 3, 5, reg=0.2)]
    return True


def failed(case: Case, stage: str, failure: Failure) -> None:
    """Note a failure; one below the line that computes the loss belongs to the gradients."""
    turned = [name for name in ("W1", "W2") if case.student.places[name].transposed]
    if stage == "scores" and len(turned) == 1 and code_of(stage, failure, "") == "MATMUL_ORDER":
        (D, H, K), name = case.probes[0].sizes, turned[0]
        right, init = {"W1": (D, H), "W2": (H, K)}[name], case.spans("__init__")
        shown = Shown(sizes_of(case.probes[0]), f"{name}: {right}", f"{name}: {right[::-1]}")
        line = case.source.find([rf"{name}\b.*[=:]"], init)
        case.add("PARAMETER_SHAPES", *shown, line=line, spans=init, detail=name, stage=stage)
        return
    if stage == "loss" and in_backward(case, failure.line):
        stage = "gradients"
        case.reached.append(stage)
    case.failed(stage, failure, sizes_of(case.probes[0]))
