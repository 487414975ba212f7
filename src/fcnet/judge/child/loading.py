"""The student's file is run, whole or its definitions alone, and what it defines is listed."""

import ast
import inspect
import linecache
import operator
import sys
import types
from pathlib import Path
from typing import Any

from fcnet.judge.child.values import file_of

SAFE_CALLS = {
    "int", "float", "len", "dict", "list", "tuple", "set", "range", "str", "bool", "max", "min",
    "np", "numpy", "torch", "nn", "os", "namedtuple", "dataclass",
}  # fmt: skip
"""Whose calls may stand in a top-level assignment when only the definitions of a file are run."""

NEEDED = ("numpy", "torch")
"""What a network is not without."""

HEAVY = {"load", "save", "manual_seed", "loadtxt", "genfromtxt", "hub", "makedirs", "system", "remove"}

Reply = dict[str, Any]


def empty_module(filename: str) -> types.ModuleType:
    """The module `submission` of a file that is to be run."""
    module = types.ModuleType("submission")
    module.__file__ = filename
    sys.modules["submission"] = module
    return module


def run_file(module: types.ModuleType, source: str, definitions: bool) -> list[Reply]:
    """Run the student's file in a module; see `operations.load`. Returns the imports that failed."""
    filename = str(module.__file__)
    # a notebook's cells, which `inspect` would not find in its file
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    tree = ast.parse(source, filename)
    missing: list[Reply] = []
    if definitions:
        for statement in filter(is_definition, tree.body):
            code = compile(ast.Module([statement], []), filename, "exec")
            run_part(module, statement, code, missing)
    else:
        exec(compile(tree, filename, "exec"), module.__dict__)
    return missing


def run_part(module: types.ModuleType, statement: ast.stmt, code: Any, missing: list[Reply]) -> None:
    """Run one definition. An assignment may fail, and an import of what this machine does not have."""
    try:
        exec(code, module.__dict__)
    except Exception as error:
        if isinstance(statement, ast.Assign | ast.Expr):
            return
        if not isinstance(statement, ast.Import | ast.ImportFrom) or not isinstance(error, ImportError):
            raise
        lacking = str(error.name or getattr(statement, "module", ""))
        if lacking.split(".")[0] in NEEDED:
            raise
        names = [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
        missing.append({"module": lacking, "line": statement.lineno, "names": names})


def is_definition(statement: ast.stmt) -> bool:
    """Whether a top-level statement only defines something."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
            return True
        case ast.Try(body=body):
            imports = [isinstance(part, ast.Import | ast.ImportFrom) for part in body]
            others = [isinstance(part, ast.Expr) for part in body]
            return any(imports) and all(map(operator.or_, imports, others))
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


def classes(module: types.ModuleType, filename: str) -> list[Reply]:
    """The classes of the file in their order, and then those that it imports from its folder.

    A method may come from another file of the folder, but not from an installed package. A class of a module
    that is imported whole is named with the module.

    Returns
    -------
    found : {"name": ..., "methods": {name: signature}, "module": is it made from nn.Module,
        "file": where it is defined, "" for the file itself}
    """
    names = list(module.__dict__.items())
    own = Path(filename).parent
    for place, value in list(names):
        if isinstance(value, types.ModuleType) and file_of(value.__name__):
            names += [(f"{place}.{name}", one) for name, one in list(value.__dict__.items())]
    found = []
    for name, value in names:
        if isinstance(value, type) and file_of(value.__module__):
            torch = sys.modules.get("torch")
            is_module = torch is not None and issubclass(value, torch.nn.Module)
            file = "" if value.__module__ == "submission" else file_of(value.__module__)
            found.append(
                {"name": name, "methods": methods_of(value, own), "module": bool(is_module), "file": file}
            )
    return sorted(found, key=lambda told: bool(told["file"]))


def methods_of(cls: type, folder: Path) -> Reply:
    """The methods of a class that are defined in a folder, with their signatures."""
    methods = {}
    for method in dir(cls):
        if method.startswith("__") and method not in ("__init__", "__call__"):
            continue
        member = getattr(cls, method, None)
        code = getattr(inspect.unwrap(member), "__code__", None) if callable(member) else None
        if code is not None and folder in Path(code.co_filename).parents:
            methods[method] = signature(member)
    return methods


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


def line_in(error: BaseException, filename: str) -> int:
    """The deepest line of a file on the way to an exception, or its line of wrong syntax; 0 for none."""
    if isinstance(error, SyntaxError) and error.filename == filename:
        return error.lineno or 0
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
