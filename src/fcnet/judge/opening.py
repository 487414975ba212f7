"""The first stages: the file loads, the class has its methods, and the parameters start as they should."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fcnet.judge.case import Case
from fcnet.judge.isolation import Failure, Reply, Submission
from fcnet.judge.isolation.reply import Class
from fcnet.judge.report import Shown
from fcnet.judge.source import imports_network
from fcnet.judge.student import GRADIENTS, LOSSES, PREDICTS, SCORES, TRAINS, Student, find_places
from fcnet.wording import shown

SIZES = (6, 9, 4)
"""D, H, K of the network whose parameters are looked at first."""

STD = 0.37
"""The standard deviation that it is asked for."""

IMPORT_ERRORS = ("ImportError", "ModuleNotFoundError")


# Loading ----------------------------------------------------------------------------------------------------
def load(case: Case, submission: Submission) -> list[Class] | None:
    """Run the file; the classes that it has, None where it does not run."""
    case.reached.append("loads")
    only_imports = imports_network(case.source)  # the rest of the file is not the network's
    definitions = case.source.notebook or case.half == "pytorch" or only_imports
    reply = submission.call("load", source=case.source.text, definitions=definitions)
    first = reply.failure
    if first is not None and not definitions and case.source.tree is not None and first.type != "SyntaxError":
        again = submission.call("load", source=case.source.text, definitions=True)
        if again.ok:
            if first.type not in IMPORT_ERRORS:
                case.notes.append(
                    "the code below the class failed and was left out; its definitions were run"
                )
            reply, definitions = again, True
    if reply.failure is not None:
        failure = reply.failure
        line = failure.line
        if case.source.tree is None and line is None:
            line = syntax_line(case.source.text)
        got = failure.text
        case.add(loading_code(case, failure), "the file", "a module that loads", got, line=line, detail=got)
        return None
    for one in reply.value.missing:
        case.missing |= dict.fromkeys(one.names, one.line)
        case.notes.append(f"{shown(one.module, 80)} is not installed here: its import was left out")
    case.definitions = definitions
    classes: list[Class] = reply.value.classes
    return classes


def syntax_line(text: str) -> int | None:
    """The line of a syntax error."""
    try:
        compile(text, "submission", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error.lineno
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def loading_code(case: Case, failure: Failure) -> str:
    """The kind of mistake that keeps a file from loading."""
    text = case.source.text
    if case.half == "pytorch":
        return "PT_LOAD_FAILS"
    if failure.kind in ("time", "died", "memory", "output", "files"):
        return "TOO_SLOW" if failure.kind == "time" else "PROCESS_DIED"
    if re.search(r"^(<{7} |={7}$|>{7} )", text, re.M):
        return "CONFLICT_MARKERS"
    if failure.type in ("IndentationError", "TabError"):
        return "INDENTATION"
    if failure.type == "SyntaxError":
        return (
            "PY2"
            if re.search(r"^\s*print\s+[\"'\w(]", text, re.M) and "print" in failure.message
            else "SYNTAX_ERROR"
        )
    if failure.type in IMPORT_ERRORS:
        return "IMPORT_FAILS"
    return "LOAD_FAILS"


def choose(case: Case, classes: Sequence[Class], rate: Callable[[Class], Any], usual: str) -> Class | None:
    """The class that is judged, with notes where that does not go without saying; None if there is none.

    Parameters
    ----------
    classes : that the file defines or imports
    rate : how well a class fits, None for not at all; the last of several that fit best is taken, and one of
        another file only where the file itself has none
    usual : the name that the exercise gives the class
    """
    rated = [
        (not told.file, rating, place)
        for place, told in enumerate(classes)
        if (rating := rate(told)) is not None
    ]
    if not rated:
        return None
    chosen = classes[max(rated)[2]]
    case.class_name, case.elsewhere = chosen.name, bool(chosen.file)
    if case.class_name != usual:
        case.notes.append(f"the class that is judged is {shown(case.class_name, 80)}")
    if chosen.file:
        case.notes.append(f"{shown(chosen.file, 80)} defines the network: lines of that file are not shown")
    return chosen


def rating(told: Class) -> tuple[int, bool] | None:
    """How many of the exercise's methods a class has, and whether it has the exercise's name."""
    wanted = {*SCORES, *LOSSES, *GRADIENTS, *TRAINS, *PREDICTS}
    count, named = len(wanted & set(told.methods)), "twolayer" in told.name.lower().replace("_", "")
    return (count, named) if (count or named) and not told.module else None


# Interface and initialisation -------------------------------------------------------------------------------
def judge_interface(case: Case, submission: Submission, classes: Sequence[Class]) -> bool:
    """Find the class, its methods and its parameters; whether there is enough to go on with."""
    described = choose(case, classes, rating, "TwoLayerNet")
    if described is None:
        imported = next((name for name in case.missing if re.search("two_?layer", name, re.I)), None)
        if imported is not None:
            got = f"the import of {shown(imported, 40)} failed"
            case.add("IMPORT_FAILS", "the file", "class TwoLayerNet", got, line=case.missing[imported])
            return False
        case.add("NO_CLASS", "the file", "class TwoLayerNet", "no class with a method loss")
        return False
    case.reached.append("interface")
    case.student = Student(submission, case.source, described, case.definitions)
    student = case.student
    D, H, K = SIZES
    reply = student.construct(D, H, K, std=STD)
    if reply.failure is not None:
        if reply.failure.type == "NotImplementedError":
            case.add("NO_PARAMETERS", f"TwoLayerNet({D}, {H}, {K})", "parameters", "not written yet")
        else:
            got = reply.failure.text
            case.add("CONSTRUCTOR_FAILS", f"{student.name}({D}, {H}, {K}, std={STD})", "a network", got,
                     line=reply.failure.line)  # fmt: skip
        return False
    attributes = reply.value
    student.places = find_places(attributes, D, H, K)
    missing = [name for name in ("W1", "b1", "W2", "b2") if name not in student.places]
    if missing:
        told_missing(case, attributes, missing)
        return False
    if student.loss_method is None or student.scores_method is None:
        got = f"methods {', '.join(sorted(student.methods))}" if student.methods else "no methods"
        case.add("LOSS_MISSING", student.name, "a method loss(X, y=None, reg=0.0)", got)
        return False
    judge_initialisation(case, reply)
    return True


def told_missing(case: Case, attributes: Mapping[str, Any], missing: list[str]) -> None:
    """Say why parameters are not found: not there, or of other shapes."""
    D, H, K = SIZES
    wanted = {"W1": (D, H), "b1": (H,), "W2": (H, K), "b2": (K,)}
    by_name = {path.rsplit("/", 1)[-1]: np.shape(value) for path, value in attributes.items()}
    there = [name for name in missing if name in by_name]
    shown = Shown(
        {"D": D, "H": H, "C": K},
        {name: str(wanted[name]) for name in missing},
        {name: str(by_name[name]) for name in there} or "no such arrays",
    )
    if not there:
        case.add("NO_PARAMETERS", *shown)
        return
    for name in there:
        code = "BIAS_SHAPES" if name[0] == "b" else "PARAMETER_SHAPES"
        case.add(code, *shown, line=case.source.find([rf"{name}\b.*[=:]"], case.spans("__init__")))


def judge_initialisation(case: Case, first: Reply) -> None:
    """Look at the parameters of fresh networks."""
    case.reached.append("initialisation")
    student = case.student
    params = student.named(first.value)
    second = student.construct(*SIZES, seed=1, std=STD)
    others = student.named(second.value) if second.ok else None
    if params is None:
        return
    question = f"{student.name}{SIZES} with std={STD}"
    for name in ("W1", "W2"):
        weights = params[name]
        spread = float(weights.std())
        if not weights.any():
            case.add("INIT_ZERO", question, f"{name}: random numbers", f"{name}: zeros")
        elif spread < 1e-12:
            case.add("INIT_CONSTANT", question, f"{name}: different numbers", "all the same")
        elif (weights > 0).all():
            case.add("INIT_POSITIVE", question, "positive and negative numbers", "positive ones alone")
        elif not STD / 1.9 < spread < 1.9 * STD and takes_std(student):
            case.add("INIT_STD_IGNORED", question, f"about {STD}", f"{name}: {spread:.3g}")
    if params["b1"].any() or params["b2"].any():
        case.add("INIT_BIAS_RANDOM", question, "biases of 0", params["b1"])
    if others is not None and params["W1"].std() > 1e-12 and np.array_equal(params["W1"], others["W1"]):
        case.add("INIT_SEED_FIXED", question, "other weights after another seed", "the same weights")


def takes_std(student: Student) -> bool:
    """Whether the constructor has an argument for the weights' size."""
    return len(student.methods.get("__init__", [])) > 3
