"""The steps of a pass: every equation of the derivation with what it reads and writes, and the update."""

import ast
import json
import re
from typing import Any

from fcnet.report.derivation import RECORD
from fcnet.report.page.render import mathml, to_html

TEXT = RECORD.parent / "derivation.md.j2"
"""The derivation's text, which has a place for each equation of the record."""

GIVEN = {
    "X": "X", "y": "y", "N": "N", "K": "K", "reg": r"\lambda", "W1": "W^{(1)}", "b1": "b^{(1)}",
    "W2": "W^{(2)}", "b2": "b^{(2)}", "example": "i",
}  # fmt: skip
"""Symbols of what no equation writes."""

SHORT = {"norms": r"\lVert W \rVert^2", "f": "a^{(3)}"}
"""Shorter symbols of values whose left side is long."""

FUNCTIONS = {"np", "relu", "softmax", "log_softmax"}
"""Names in the equations' lines that are not values."""

BACKWARD = "Labels"
"""The first equation on the way down; what follows belongs to it until layers of any number begin."""

PLACE = re.compile(
    r"^### (?P<title>[^\n]+?), (?P<number>\([^\n]*|2c[^\n]*|on the way)\n"
    r'(?P<text>.*?)\{\{ equation\("(?P<name>\w+)"\) \}\}',
    re.MULTILINE | re.DOTALL,
)
"""An equation in the derivation's text."""

UPDATE: dict[str, Any] = {
    "number": "Algorithm 1",
    "name": "update",
    "title": "Every weight takes a step downhill",
    "reads": ["W1", "b1", "W2", "b2", "dW1", "db1", "dW2", "db2"],
    "formula": r"v \leftarrow \mu \, v - \alpha \nabla \tilde J(\theta), \quad \theta \leftarrow \theta + v",
    "line": "v = momentum * v - learning_rate * gradient; theta = theta + v",
    "text": r"""
The velocity $v$ remembers the steps before; with $\mu = 0$ it is the step of plain gradient descent. The
gradient points uphill, so the step goes the other way, and the learning rate $\alpha$ says how far.
""",
    "part": "update",
}
"""Algorithm 1, which the derivation does not need."""


def equations() -> list[dict[str, Any]]:
    """The two-layer network's equations in the order of the derivation, which is that of computation.

    number : of the exercise, such as (16), or what the derivation calls it
    name : of the value that it gives
    title : in a few words
    reads : names of the values that its line uses, in their order
    formula : LaTeX with the shapes of all factors
    line : of NumPy, NAME = EXPRESSION
    text : how one arrives at it, in Markdown with mathematics
    part : "forward" or "backward"
    """
    record = json.loads(RECORD.read_text())["equations"]
    found, part = [], "forward"
    for place in PLACE.finditer(TEXT.read_text()):
        part = "backward" if place["name"] == BACKWARD else part
        formula, line = record[place["name"]]["formula"], record[place["name"]]["line"]
        name, _, expression = line.partition(" = ")
        found.append({
            "number": place["number"], "name": name, "title": place["title"], "reads": _reads(expression),
            "formula": formula, "line": line, "text": place["text"].strip(), "part": part,
        })  # fmt: skip
    return found


def _reads(expression: str) -> list[str]:
    names = [node for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)]
    ordered = sorted(names, key=lambda node: node.col_offset)
    return list(dict.fromkeys(node.id for node in ordered if node.id not in FUNCTIONS))


def steps() -> list[dict[str, Any]]:
    """Every step of a pass in the order of computation, texts as HTML and formulas as MathML.

    Raises
    ------
    MissingExtraError : the extra `report`, which typesets them, is not installed
    """
    return [
        one | {"formula": mathml(one["formula"], display=True), "text": to_html(one["text"])}
        for one in [*equations(), UPDATE]
    ]


def symbols() -> dict[str, str]:
    """MathML of the name of every value that the steps read and write."""
    written = {one["name"]: one["formula"].partition(" = ")[0] for one in equations()}
    updated = {f"new_{name}": GIVEN[name] for name in ("W1", "b1", "W2", "b2")}
    velocities = {f"v_{name}": f"v_{{{GIVEN[name]}}}" for name in ("W1", "b1", "W2", "b2")}
    return {name: mathml(latex) for name, latex in (GIVEN | written | SHORT | updated | velocities).items()}
