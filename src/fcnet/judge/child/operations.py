"""What the judge may ask of a submission. Runs inside the submission's process and never imports fcnet.

`OPERATIONS[name](**arguments)` gives a dict of plain values and arrays; what the student's code raises passes
through, and the worker reports it. Nothing that is answered here is trusted by the judge: it compares the
numbers with its own.

torch is never imported here: where the student's file imports it, it is found in `sys.modules`.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fcnet.judge.child.script import run_script
from fcnet.judge.child.stand_ins import install_stand_ins

MOST_ITEMS = 64
"""Entries of a list, tuple or dict that are described."""

MOST_RECORDS = 240
"""Calls of the loss that are recorded during a training."""

SAFE_CALLS = {
    "int", "float", "len", "dict", "list", "tuple", "set", "range", "str", "bool", "max", "min",
    "np", "numpy", "torch", "nn", "os", "namedtuple", "dataclass",
}  # fmt: skip
"""Whose calls may stand in a top-level assignment when only the definitions of a file are run."""

NEEDED = ("numpy", "torch")
"""What a network is not without."""

HEAVY = {"load", "save", "manual_seed", "loadtxt", "genfromtxt", "hub", "makedirs", "system", "remove"}


SUBMISSION = ""
"""Path of the student's file, set by the worker."""


class State:
    """What a submission's process holds between two operations."""

    def __init__(self) -> None:
        self.filename = "submission.py"
        self.module = types.ModuleType("submission")
        self.objects: dict[str, Any] = {}


STATE = State()

Reply = dict[str, Any]


def describe(value: Any, depth: int = 0) -> Any:
    """A value of the student's as one that can travel.

    Arrays and numbers as they are; a tuple, a dict with other keys than str, or any other object as a dict
    {"kind": ..., ...}; tensors as {"kind": "tensor", "value": array}.
    """
    torch = sys.modules.get("torch")
    if value is None or isinstance(value, bool | int | float | str):
        return value if not isinstance(value, str) else value[:400]
    if torch is not None and isinstance(value, torch.Tensor):
        return {"kind": "tensor", "value": value.detach().cpu().numpy().copy(), "grad": value.requires_grad}
    if isinstance(value, np.ndarray | np.generic):
        return array_or_object(np.asarray(value))
    if depth > 3:
        return {"kind": "object", "type": type(value).__name__}
    if isinstance(value, list | tuple):
        numbers = numeric(value)
        if numbers is not None and isinstance(value, list):
            return {"kind": "list", "value": numbers}
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {"kind": kind, "items": [describe(item, depth + 1) for item in value[:MOST_ITEMS]]}
    if isinstance(value, dict):
        items = {str(key): describe(item, depth + 1) for key, item in list(value.items())[:MOST_ITEMS]}
        return {"kind": "dict", "items": items}
    return {"kind": "object", "type": type(value).__name__}


def array_or_object(array: Any) -> Any:
    if array.dtype.kind in "biufc" and array.dtype.itemsize <= 16:
        return np.array(array)
    if array.dtype == np.longdouble:
        return array.astype(np.float64)
    return {"kind": "object", "type": f"an array of {array.dtype}"}


def numeric(values: Any) -> Any:
    """A list of numbers as an array; None if it is none."""
    try:
        array = np.array(values)
    except Exception:  # whatever the student's objects raise when they are asked for numbers
        return None
    return array if array.dtype.kind in "biuf" and array.size else None


# Loading ----------------------------------------------------------------------------------------------------
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
    filename = STATE.filename = SUBMISSION or STATE.filename
    STATE.module = types.ModuleType("submission")
    STATE.module.__file__ = filename
    sys.modules["submission"] = STATE.module
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    tree = ast.parse(source, filename)
    missing: list[Reply] = []
    if definitions:
        for statement in filter(is_definition, tree.body):
            run_part(statement, compile(ast.Module([statement], []), filename, "exec"), missing)
    else:
        exec(compile(tree, filename, "exec"), STATE.module.__dict__)
    return {"classes": classes(), "missing": missing}


def run_part(statement: ast.stmt, code: Any, missing: list[Reply]) -> None:
    """Run one definition. An assignment may fail, and an import of what this machine does not have."""
    try:
        exec(code, STATE.module.__dict__)
    except Exception as error:
        if isinstance(statement, ast.Assign | ast.Expr):
            return
        if not isinstance(statement, ast.Import | ast.ImportFrom) or not isinstance(error, ImportError):
            raise
        module = str(error.name or getattr(statement, "module", ""))
        if module.split(".")[0] in NEEDED:
            raise
        names = [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
        missing.append({"module": module, "line": statement.lineno, "names": names})


def is_definition(statement: ast.stmt) -> bool:
    """Whether a top-level statement only defines something."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
            return True
        case ast.Try(body=body):
            return all(isinstance(part, ast.Import | ast.ImportFrom | ast.Expr) for part in body)
        case ast.Assign(value=value) | ast.AnnAssign(value=value) if value is not None:
            return all(cheap(call) for call in ast.walk(value) if isinstance(call, ast.Call))
    return False


def cheap(call: ast.Call) -> bool:
    root: ast.expr = call.func
    names = []
    while isinstance(root, ast.Attribute):
        names.append(root.attr)
        root = root.value
    return isinstance(root, ast.Name) and root.id in SAFE_CALLS and not HEAVY & set(names)


def classes() -> list[Reply]:
    """The classes of the file in their order, with methods and signatures."""
    found = []
    for name, value in list(STATE.module.__dict__.items()):
        if isinstance(value, type) and value.__module__ == "submission":
            methods = {}
            for method in dir(value):
                if method.startswith("__") and method not in ("__init__", "__call__"):
                    continue
                member = getattr(value, method, None)
                code = getattr(inspect.unwrap(member), "__code__", None) if callable(member) else None
                if code is not None and code.co_filename == STATE.filename:
                    methods[method] = signature(member)
            torch = sys.modules.get("torch")
            is_module = torch is not None and issubclass(value, torch.nn.Module)
            found.append({"name": name, "methods": methods, "module": bool(is_module)})
    return found


def signature(function: Any) -> list[Reply]:
    """Names of the parameters without self, and whether each has a default."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return []
    return [
        {"name": p.name, "default": p.default is not p.empty, "kind": p.kind.name}
        for p in parameters
        if p.name != "self"
    ]


# Objects ----------------------------------------------------------------------------------------------------
def construct(
    target: str, cls: str, args: list[Any], keywords: dict[str, Any] | None = None, seed: int = 0
) -> Reply:
    """Make an object of a class under the name `target`, right after seeding the random numbers."""
    seed_all(seed)
    STATE.objects[target] = getattr(STATE.module, cls)(*args, **(keywords or {}))
    return {"attributes": arrays_of(STATE.objects[target])}


def seed_all(seed: int) -> None:
    import random

    random.seed(seed)
    np.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def attributes(target: str) -> Reply:
    """All arrays that an object holds, by path: "params/W1", "W1", "layers/0/W"."""
    return {"attributes": arrays_of(STATE.objects[target])}


def arrays_of(thing: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.nn.Module):
        return {name: p.detach().cpu().numpy().copy() for name, p in thing.named_parameters()}
    found: dict[str, Any] = {}
    for key, value in parts_of(thing):
        path = f"{prefix}{key}"
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.size < 2_000_000:
            found[path] = np.array(value)
        elif depth < 2 and (isinstance(value, dict | list | tuple) or type(value).__module__ == "submission"):
            found |= arrays_of(value, f"{path}/", depth + 1)
    return found


def parts_of(thing: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(thing, dict):
        yield from list(thing.items())[:MOST_ITEMS]
    elif isinstance(thing, list | tuple):
        yield from list(enumerate(thing))[:MOST_ITEMS]
    else:
        yield from list(getattr(thing, "__dict__", {}).items())[:MOST_ITEMS]


def assign(target: str, values: dict[str, Any]) -> Reply:
    """Put arrays at paths of an object, or into the parameters of a torch module."""
    thing = STATE.objects[target]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.nn.Module):
        named = dict(thing.named_parameters())
        with torch.no_grad():
            for name, value in values.items():
                named[name].copy_(torch.from_numpy(np.asarray(value)))
        return {}
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
    return {}


def part_of(thing: Any, step: str) -> Any:
    if isinstance(thing, dict):
        return thing[step]
    return thing[int(step)] if isinstance(thing, list | tuple) else getattr(thing, step)


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
    flags: list[str] | None = None,
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
    flags : "eval" or "train" put a torch module in that mode first; "no_grad" calls it so

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
        with Prepared(thing, flags or []):
            if lines:
                sys.settrace(line_counter(STATE.filename, counts))
            try:
                value = (thing if method == "__call__" else getattr(thing, method))(
                    *given, **(keywords or {})
                )
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


class Prepared:
    """A torch module in a mode, with or without gradients; nothing for other objects."""

    def __init__(self, thing: Any, flags: list[str]) -> None:
        self.thing, self.flags = thing, flags
        self.without: Any = None

    def __enter__(self) -> None:
        for flag in self.flags:
            if flag in ("eval", "train"):
                getattr(self.thing, flag)()
            if flag == "no_grad":
                self.without = sys.modules["torch"].no_grad()
                self.without.__enter__()

    def __exit__(self, *error: object) -> None:
        if self.without is not None:
            self.without.__exit__(*error)


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


def script(source: str, seconds: float, train: bool) -> Reply:
    """Run a whole PyTorch script on random pictures, and give the events."""
    import importlib

    importlib.import_module("torch")
    install_stand_ins()
    filename = STATE.filename = SUBMISSION or STATE.filename
    seed_all(0)
    return {"events": run_script(source, filename, seconds, train)}


OPERATIONS: dict[str, Callable[..., Reply]] = {
    "load": load,
    "construct": construct,
    "attributes": attributes,
    "assign": assign,
    "call": call,
    "script": script,
}
