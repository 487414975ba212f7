"""The steps of a pass: every equation of the derivation with what it reads and writes, and the update."""

from __future__ import annotations

import inspect
from typing import Any

from fcnet.derivation.backward import BACKWARD
from fcnet.derivation.equation import Equation
from fcnet.derivation.forward import FORWARD
from fcnet.derivation.typeset import formula, line
from fcnet.report.page.prose import mathml, prose

GIVEN = {
    "X": "X", "y": "y", "N": "N", "K": "K", "reg": r"\lambda", "W1": "W^{(1)}", "b1": "b^{(1)}",
    "W2": "W^{(2)}", "b2": "b^{(2)}", "example": "i",
}  # fmt: skip
"""Symbols of what no equation writes."""

SHORT = {"norms": r"\lVert W \rVert^2", "f": "a^{(3)}"}
"""Shorter symbols of values whose left side is long."""

UPDATE = {
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


def steps() -> list[dict[str, Any]]:
    """Every step of a pass in the order of computation, texts as HTML and formulas as MathML."""
    up = [_step(equation, "forward") for equation in FORWARD]
    down = [_step(equation, "backward") for equation in BACKWARD]
    update = UPDATE | {
        "formula": mathml(str(UPDATE["formula"]), display=True),
        "text": prose(str(UPDATE["text"])),
    }
    return [*up, *down, update]


def symbols() -> dict[str, str]:
    """MathML of the name of every value that the steps read and write."""
    written = {equation.name: equation.left.partition(" = ")[0] for equation in (*FORWARD, *BACKWARD)}
    updated = {f"new_{name}": GIVEN[name] for name in ("W1", "b1", "W2", "b2")}
    velocities = {f"v_{name}": f"v_{{{GIVEN[name]}}}" for name in ("W1", "b1", "W2", "b2")}
    return {name: mathml(latex) for name, latex in (GIVEN | written | SHORT | updated | velocities).items()}


def _step(equation: type[Equation], part: str) -> dict[str, Any]:
    return {
        "number": equation.number,
        "name": equation.name,
        "title": equation.title,
        "reads": list(inspect.signature(equation.line).parameters),
        "formula": mathml(formula(equation), display=True),
        "line": line(equation),
        "text": prose(equation.text),
        "part": part,
    }
