"""What the judge may ask of a submission. Runs inside the submission's process and never imports fcnet.

`OPERATIONS[name](**arguments)` gives plain values and arrays, in the forms that `isolation/reply.py` has for
them. What the student's code raises passes through, and the worker reports it. Nothing that is answered here
is trusted by the judge: it compares the numbers with its own.

torch is imported only where the student's file imports it; it is found in `sys.modules`.
"""

import operator
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from fcnet.judge.child.compiler import leave_out_compiler, leave_out_compiler_once_imported
from fcnet.judge.child.loading import Reply, classes, empty_module, run_file
from fcnet.judge.child.script import run_script
from fcnet.judge.child.stand_ins import install_stand_ins
from fcnet.judge.child.values import arrays_of, describe, part_of

MOST_RECORDS = 240
"""Calls of the loss that are recorded during a training."""

SUBMISSION = ""
"""Path of the student's file, set by the worker."""


class State:
    """What a submission's process holds between two operations."""

    def __init__(self) -> None:
        self.filename = "submission.py"
        self.module = types.ModuleType("submission")
        self.objects: dict[str, Any] = {}


STATE = State()


def load(source: str, definitions: bool = False) -> Reply:
    """Run the student's file, and list what it defines.

    Parameters
    ----------
    source : the file's text, or that of a notebook's cells
    definitions : run imports, functions, classes and simple assignments only; imports may fail

    Returns
    -------
    reply : {"classes": [...], "missing": [imports that failed]}
    """
    install_stand_ins()
    leave_out_compiler_once_imported()
    STATE.filename = SUBMISSION or STATE.filename
    STATE.module = empty_module(STATE.filename)
    missing = run_file(STATE.module, source, definitions)
    return {"classes": classes(STATE.module, STATE.filename), "missing": missing}


def construct(
    target: str, cls: str, args: list[Any], keywords: dict[str, Any] | None = None, seed: int = 0
) -> Reply:
    """Make an object of a class under the name `target`, right after seeding the random numbers."""
    seed_all(seed)
    STATE.objects[target] = operator.attrgetter(cls)(STATE.module)(*args, **(keywords or {}))
    settle_lazy_layers(STATE.objects[target], args)
    return arrays_of(STATE.objects[target])


def settle_lazy_layers(thing: Any, args: list[Any]) -> None:
    """Let layers of a torch module take their sizes from a first batch, if there are some that do."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(thing, torch.nn.Module):
        return
    if any(torch.nn.parameter.is_lazy(p) for p in thing.parameters()):
        with torch.no_grad():
            thing(torch.zeros(2, args[0]))


def seed_all(seed: int) -> None:
    import random

    random.seed(seed)
    np.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def attributes(target: str) -> Reply:
    """All arrays that an object holds, by path: "params/W1", "W1", "layers/0/W"."""
    return arrays_of(STATE.objects[target])


def assign(target: str, values: dict[str, Any]) -> None:
    """Put arrays at paths of an object, or into the parameters of a torch module."""
    thing = STATE.objects[target]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.nn.Module):
        named = dict(thing.named_parameters())
        with torch.no_grad():
            for name, value in values.items():
                named[name].copy_(torch.from_numpy(np.asarray(value)))
        return
    for path, value in values.items():
        *way, last = path.split("/")
        place = thing
        for step in way:
            place = part_of(place, step)
        if isinstance(place, dict):
            place[last] = np.array(value)
        elif isinstance(place, list):
            place[int(last)] = np.array(value)
        else:
            setattr(place, last, np.array(value))


def call(
    target: str,
    method: str,
    args: list[Any],
    keywords: dict[str, Any] | None = None,
    *,
    seed: int = 0,
    readonly: bool = False,
    lines: bool = False,
    tensors: bool = False,
    spy: str = "",
    evaluate: bool = False,
) -> Reply:
    """Call a method of an object, or a function of the file where `target` is "".

    Parameters
    ----------
    args, keywords : what it is given
    seed : of the random numbers, set just before
    readonly : arrays may not be written
    lines : count the lines of the file that are executed
    tensors : arrays are given as tensors
    spy : the name of a method of the object whose calls are recorded
    evaluate : put a torch module in the mode for evaluation first

    Returns
    -------
    reply : {"value": described, "changed": [numbers of arguments that were written], "lines": {line: count},
        "records": [...]}
    """
    thing: Any = STATE.module if not target else STATE.objects[target]
    before = [value.tobytes() if isinstance(value, np.ndarray) else b"" for value in args]
    for value in args if readonly else ():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    given = [as_tensor(value) if tensors else value for value in args]
    counts: dict[int, int] = {}
    records: list[Reply] = []
    if spy:
        set_spy(thing, spy, records)
    seed_all(seed)
    try:
        if evaluate:
            thing.eval()
        if lines:
            sys.settrace(line_counter(STATE.filename, counts))
        try:
            value = (thing if method == "__call__" else getattr(thing, method))(*given, **(keywords or {}))
        finally:
            sys.settrace(None)
    finally:
        if spy:
            thing.__dict__.pop(spy, None)
    changed = [
        place for place, value in enumerate(args) if before[place] and value.tobytes() != before[place]
    ]
    reply: Reply = {"value": describe(value), "changed": changed}
    if lines:
        reply["lines"] = {str(line): count for line, count in counts.items()}
    if spy:
        reply["records"] = records
    return reply


def as_tensor(value: Any) -> Any:
    torch = sys.modules.get("torch")
    return torch.from_numpy(value.copy()) if torch is not None and isinstance(value, np.ndarray) else value


def line_counter(filename: str, counts: dict[int, int]) -> Callable[..., Any]:
    def trace(frame: Any, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != filename:
            return None
        if event == "line":
            counts[frame.f_lineno] = counts.get(frame.f_lineno, 0) + 1
        return trace

    return trace


def set_spy(thing: Any, method: str, records: list[Reply]) -> None:
    """Record what the training hands to its loss, and the parameters at that moment."""
    original = getattr(thing, method)

    def spied(*args: Any, **keywords: Any) -> Any:
        if len(records) < MOST_RECORDS:
            record = {
                "args": [describe(value) for value in args],
                "keywords": {str(name): describe(value) for name, value in keywords.items()},
                "params": arrays_of(thing),
            }
            records.append(record)
        return original(*args, **keywords)

    thing.__dict__[method] = spied


def script(source: str, seconds: float, train: bool) -> list[list[Any]]:
    """Run a whole PyTorch script on random pictures, and give the events."""
    leave_out_compiler()
    install_stand_ins()
    filename = STATE.filename = SUBMISSION or STATE.filename
    seed_all(0)
    return run_script(source, filename, seconds, train)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "load": load,
    "construct": construct,
    "attributes": attributes,
    "assign": assign,
    "call": call,
    "script": script,
}
