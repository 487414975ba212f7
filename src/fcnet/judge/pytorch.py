"""The PyTorch half: the class at 2 to 5 layers, and then the whole script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fcnet.judge.asked import Asked
from fcnet.judge.case import Case
from fcnet.judge.opening import load
from fcnet.judge.pytorch_forward import judge_forward
from fcnet.judge.pytorch_layers import judge_construction
from fcnet.judge.pytorch_shortcuts import judge_shortcuts
from fcnet.judge.script import judge_script
from fcnet.wording import shown


def look_at_pytorch(case: Case, submission: Asked) -> None:
    """All stages of the PyTorch half, as far as they can be reached."""
    loaded = load(case, submission)
    if loaded is None:
        return
    case.reached.append("construction")
    described = choose(loaded.get("classes", ()))
    if described is None:
        case.add("PT_NO_CLASS", "the file", "class MultiLayerPerceptron(nn.Module)", no_class(case))
        return
    name, file = str(described["name"]), str(described.get("file") or "")
    if name != "MultiLayerPerceptron":
        case.notes.append(f"the network that is judged is {shown(name, 80)}")
    if file:
        case.notes.append(f"{shown(file, 80)} defines the network: lines of that file are not shown")
    right = judge_construction(case, submission, name)
    if right:
        case.reached.append("forward")
        fit = judge_forward(case, submission, name)
        if fit is not None and fit.plain and not case.wrong("forward"):
            judge_shortcuts(case, submission, name, fit)
    if not case.has(
        "PT_FORWARD_UNIMPLEMENTED", "PT_FORWARD_FAILS", "PT_OUTPUT_FORM", "PT_DETACHED", "PT_BATCH_VIEW"
    ):
        judge_script(case, submission)


def no_class(case: Case) -> str:
    """What there is instead of a network."""
    names = ", ".join(shown(name, 40) for name in case.missing)
    return f"no such class; the import of {names} failed" if names else "no such class"


def choose(classes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The network's class: by its name, else the last that takes three arguments, else the last.

    Those that another file defines come last.
    """
    modules = [c for c in classes if c.get("module")]
    modules = [c for c in modules if not c.get("file")] or modules
    named = [c for c in modules if re.search(r"multi_?layer_?perceptron|mlp", str(c["name"]), re.I)]
    three = [c for c in modules if len(c["methods"].get("__init__", ())) == 3]
    found = named or three or modules
    return found[-1] if found else None
