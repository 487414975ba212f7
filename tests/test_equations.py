"""`docs/equations.md` and the code name the same equations, functions and tests."""

import ast
import importlib
import re
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
CODE = (ROOT / "src" / "fcnet" / "two_layernet.py").read_text(encoding="utf-8")
ROWS = [row.strip("|").split(" | ") for row in PAGE.splitlines() if row.startswith("| ")][1:]


def numbers(text: str) -> set[int]:
    """The equations that a text names, ranges included: (4), (8)-(11)."""
    found: set[int] = set()
    for first, last in re.findall(r"\((\d+)\)(?:-\((\d+)\))?", text):
        found.update(range(int(first), int(last or first) + 1))
    return found


def test_every_equation_has_a_line_of_code_with_its_number() -> None:
    comments = {
        number for line in CODE.splitlines() if "  # " in line for number in numbers(line.split("  # ")[1])
    }
    assert comments == set(range(1, 21))


def test_every_equation_is_in_a_docstring() -> None:
    docstrings = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(CODE))
        if hasattr(node, "body") and isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)
    ]
    assert numbers(" ".join(re.findall(r"Equations: (.*)", "\n".join(docstrings)))) == set(range(1, 21))


def test_the_page_has_a_row_for_each_equation_and_the_algorithm() -> None:
    expected = [f"({number})" for number in range(1, 21)] + ["Question 2c", "Algorithm 1"]
    assert [row[0].strip() for row in ROWS] == expected
    assert all(len(row) == 4 and "`" in row[2] and "`" in row[3] and "$" in row[1] for row in ROWS)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(fcnet[\w.]*:[\w.]+)`", PAGE))))
def test_every_function_on_the_page_exists(name: str) -> None:
    module, path = name.split(":")
    assert callable(reduce(getattr, path.split("."), importlib.import_module(module)))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/\w+\.py::\w+)`", PAGE))))
def test_every_test_on_the_page_exists(name: str) -> None:
    file, function = name.split("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_name_in_code_type_on_the_page_is_checked() -> None:
    for row in ROWS:
        for name in re.findall(r"`([^`]*)`", row[2] + row[3]):
            assert re.fullmatch(r"fcnet[\w.]*:[\w.]+|tests/\w+\.py::\w+", name), name
