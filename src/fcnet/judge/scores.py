"""Scores (1a): the numbers that a network gives without labels."""

from fcnet.judge.case import Case, sizes_of, told
from fcnet.judge.explaining import step
from fcnet.judge.forms import scores_of
from fcnet.judge.hypotheses import close
from fcnet.judge.sizes import usable_sizes


def judge_scores(case: Case) -> bool:
    """Look at the scores; whether the loss can be looked at."""
    case.reached.append("scores")
    student = case.student
    if not usable_sizes(case, "scores"):
        return False
    for place, probe in enumerate(case.probes):
        seen = scores_of(student, probe)
        for form in seen.forms:
            case.add(form.code, told(probe, ["scores"]), form.wanted, form.got)
        if seen.value is None:
            return not case.has("FORWARD_UNIMPLEMENTED")
        case.observed[place, "scores", 0.0] = seen.value
    again = scores_of(student, case.probes[0], seed=1)
    if again.value is None or not close(again.value, case.observed[0, "scores", 0.0]):
        case.add("DROPOUT_ALWAYS_ON", sizes_of(case.probes[0]), "the same scores twice",
                 "other scores the second time")  # fmt: skip
        return False
    step(case, "scores", [(place, "scores", 0.0) for place in range(len(case.probes))])
    if not case.guesses:
        case.add("SCORES_UNKNOWN", *case.smallest(["scores"]))
    return True
