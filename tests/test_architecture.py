"""The arrows between the folders point one way, and heavy packages are imported where they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fcnet

ROOT = Path(fcnet.__file__).parent

ALLOWED = {
    # the bottom: what everything may use
    "arrays": set(),
    "errors": set(),
    "extras": {"errors"},
    "extension": {"errors"},
    "registry": {"errors"},
    "wording": set(),
    "memory": {"errors", "wording"},
    "notebook": {"wording"},
    "validation": {"errors"},
    "files": {"errors"},
    "lock": {"errors", "files"},
    "schema": {"errors", "files"},
    "records": {"errors", "extension", "files", "schema"},
    "stages": {"records", "schema", "wording"},
    # the specification
    "two_layernet": {"errors", "validation"},
    "data": {
        "errors", "extension", "extras", "registry", "wording", "memory", "validation", "files", "schema",
        "lock",
    },
    "net": {"errors", "extension", "registry", "validation", "files", "schema"},
    "audit": {"notebook", "errors", "validation"},
    "pytest_plugin": {"audit"},
    "train": {
        "notebook", "errors", "extension", "registry", "memory", "validation", "files", "schema", "records",
        "data", "net",
    },
    "report": {
        "errors", "extension", "extras", "validation", "wording", "files", "schema", "records", "stages",
        "two_layernet", "data", "net.weights", "train.history", "train.model",
    },
    "web": set(),
    "explore": {
        "errors", "extras", "files", "records", "data", "net", "train.model", "report.derivation",
        "report.page.render", "judge.catalogue", "web",
    },
    "live": {
        "errors", "extension", "wording", "files", "lock", "records", "data", "train.model", "runs", "web",
    },
    "estimator": {"notebook", "errors", "wording", "data", "net", "train.ranges", "train.schedules"},
    "torch_net": {"errors", "extension", "registry", "validation", "data", "net", "train"},
    "runs": {
        "notebook", "errors", "extension", "registry", "wording", "files", "lock", "schema", "records",
        "data", "net", "train", "torch_net",
    },
    "protocol": {
        "errors", "extension", "registry", "wording", "files", "lock", "schema", "records", "data", "net",
        "train", "torch_net", "runs",
    },
    "experiments": {
        "errors", "validation", "wording", "files", "lock", "schema", "records", "stages", "two_layernet",
        "data", "net", "audit", "train", "torch_net", "runs",
    },
    "tuning": {
        "errors", "extension", "extras", "registry", "wording", "files", "lock", "schema", "records", "data",
        "net", "train", "runs", "report.style",
    },
    "export": {"errors", "files", "net", "train.model"},
    "judge": {
        "errors", "wording", "extras", "files", "lock", "records", "data", "two_layernet",
    },
    "doctor": {
        "errors", "extras", "wording", "memory", "files", "records", "data", "net", "torch_net",
        "judge.child", "judge.isolation",
    },
    # the top: nothing below may import it
    "cli": {
        "doctor", "errors", "extension", "extras", "registry", "validation", "wording", "files", "schema",
        "records", "two_layernet", "data", "net", "audit", "train", "report", "experiments", "torch_net",
        "runs", "protocol", "export", "tuning", "explore", "live", "judge",
    },
    "__init__": {"extras", "two_layernet", "estimator", "live.notebook"},
    "__main__": {"cli"},
}  # fmt: skip
"""For each file or folder of `src/fcnet`, what it may import besides `arrays`; with errors also extras."""


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def home(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(tree: ast.AST, at_import_only: bool = False) -> Iterator[str]:
    """Names of imported modules; with `at_import_only`, not those inside functions or for type checkers."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module="fcnet", names=names):
                yield from (f"fcnet.{name.name}" for name in names if name.name != "__version__")
            case ast.ImportFrom(module=module, level=level):
                assert level == 0, f"a relative import in line {node.lineno}"
                yield module or ""
            case ast.expr():  # an import is a statement
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef() if at_import_only:
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) if at_import_only:
                continue
            case _:
                yield from imports(node, at_import_only)


def forbidden(name: str, module: str, allowed: dict[str, set[str]] = ALLOWED) -> bool:
    """Whether a module of fcnet, named by its home, must not import `name`."""
    if name != "fcnet" and not name.startswith("fcnet."):
        return False
    target = name.removeprefix("fcnet").removeprefix(".")
    homes = {target, target.split(".")[0]}
    usable = allowed[module] | {"arrays"} | ({"extras"} if "errors" in allowed[module] else set())
    return module not in homes and not homes & usable


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    wrong = [name for name in imports(parsed(path)) if forbidden(name, home(path))]
    assert not wrong, f"{home(path)} must not import {', '.join(wrong)}"


def test_the_table_has_no_circle() -> None:
    """Whoever adds a line to it cannot turn an arrow round."""
    below: dict[str, set[str]] = {}
    left = {name: {target.split(".")[0] for target in targets} for name, targets in ALLOWED.items()}
    while left:
        ready = [name for name, targets in left.items() if targets <= below.keys()]
        assert ready, f"these import each other: {sorted(left)}"
        below |= {name: left.pop(name) for name in ready}


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("fcnet.train.fit", "net"),
        ("fcnet.net.network", "data"),
        ("fcnet.cli.commands", "train"),
        ("fcnet.train.fit", "report"),
        ("fcnet.train.engine", "report"),
        ("fcnet.net.network", "two_layernet"),
        ("fcnet.train.config", "records"),
    ],
)
def test_an_arrow_the_wrong_way_is_seen(name: str, module: str) -> None:
    assert forbidden(name, module)
    tree = ast.parse(f"def f():\n    from {name} import x\n")
    assert list(imports(tree)) == [name]
    assert list(imports(tree, at_import_only=True)) == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_are_not_imported_with_the_module(path: Path) -> None:
    tree = parsed(path)
    at_import = set(imports(tree, at_import_only=True))
    names = {name.split(".")[0] for name in at_import}
    if home(path) != "torch_net":  # the one place that imports torch, and is imported only where it is used
        assert "torch" not in {name.split(".")[0] for name in imports(tree)}
        assert not any(name.startswith("fcnet.torch_net") for name in at_import)
    if home(path) != "report":
        assert "matplotlib" not in names
    if home(path) != "estimator":  # its base class is scikit-learn's; fcnet imports it on first use
        assert "sklearn" not in names


def test_the_specification_needs_numpy_alone() -> None:
    tree = parsed(ROOT / "two_layernet.py")
    used = {name.split(".")[0] for name in imports(tree)} - {"fcnet", *sys.stdlib_module_names}
    assert used == {"numpy"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import fcnet", {"numpy", "torch", "sklearn", "matplotlib", "scipy", "rich"}),
        ("from fcnet import FCNetClassifier", {"torch", "matplotlib", "rich", "optuna"}),
        ("from fcnet import TwoLayerNet", {"torch", "sklearn", "matplotlib", "scipy"}),
        (
            "import fcnet.cli.commands",
            {"torch", "sklearn", "matplotlib", "scipy", "sympy", "jinja2", "optuna", "fcnet.cli.options"},
        ),
        (
            "import fcnet.cli.commands as c; c.parse(['train', '--out', 'run', '--hidden', '5'])",
            {"numpy", "scipy", "torch", "sklearn", "optuna", "asyncio", "rich"},
        ),
        (
            "import fcnet.cli.tune_worker, fcnet.cli.record_seed, fcnet.train.interruption",
            {"numpy", "torch", "optuna"},
        ),
        (
            "import fcnet.runs.training, fcnet.experiments.reproduce",
            {"torch", "sklearn", "matplotlib", "sympy"},
        ),
        (
            "import fcnet.runs.prediction",
            {"torch", "sklearn", "filelock", "importlib.metadata", "fcnet.data.cache", "fcnet.data.datasets"},
        ),
        (
            "import fcnet.report.page.html",
            {"torch", "sklearn", "matplotlib", "sympy", "jinja2", "latex2mathml", "markdown_it"},
        ),
    ],
)
def test_starting_is_quick_because_little_is_imported(statement: str, absent: set[str]) -> None:
    code = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "fcnet" in loaded.split()
    assert not absent & set(loaded.split())
