"""The PyTorch half: the class at 2 to 5 layers, and then the whole script."""

import re

from fcnet.judge.case import Case
from fcnet.judge.isolation import Submission
from fcnet.judge.isolation.reply import Class
from fcnet.judge.opening import choose, load
from fcnet.judge.pytorch_forward import judge_forward
from fcnet.judge.pytorch_layers import judge_construction
from fcnet.judge.pytorch_shortcuts import judge_shortcuts
from fcnet.judge.script import judge_script
from fcnet.wording import shown


def look_at_pytorch(case: Case, submission: Submission) -> None:
    """All stages of the PyTorch half, as far as they can be reached."""
    classes = load(case, submission)
    if classes is None:
        return
    case.reached.append("construction")
    if choose(case, classes, rating, "MultiLayerPerceptron") is None:
        case.add("PT_NO_CLASS", "the file", "class MultiLayerPerceptron(nn.Module)", no_class(case))
        return
    if judge_construction(case, submission):
        case.reached.append("forward")
        fit = judge_forward(case, submission)
        if fit is not None and fit.plain and not case.wrong("forward"):
            judge_shortcuts(case, submission, fit)
    if not case.has(
        "PT_FORWARD_UNIMPLEMENTED", "PT_FORWARD_FAILS", "PT_OUTPUT_FORM", "PT_DETACHED", "PT_BATCH_VIEW"
    ):
        judge_script(case, submission)


def no_class(case: Case) -> str:
    """What there is instead of a network."""
    names = ", ".join(shown(name, 40) for name in case.missing)
    return f"no such class; the import of {names} failed" if names else "no such class"


def rating(told: Class) -> int | None:
    """How likely a class is the network: by its name, else by three arguments; None if it is no module."""
    if not told.module:
        return None
    named = re.search(r"multi_?layer_?perceptron|mlp", told.name, re.I)
    return 2 if named else int(len(told.methods.get("__init__", ())) == 3)
