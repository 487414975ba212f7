"""The derivation as a Markdown page, with mathematics as GitHub renders it."""

from __future__ import annotations

import re

from fcnet.audit.tolerances import TOLERANCES
from fcnet.derivation.proof import Proof, proofs
from fcnet.derivation.text import CHAPTERS
from fcnet.derivation.typeset import formula, line

INTRODUCTION = """# The derivation

From the loss to the gradients by W2, b2, W1 and b1, step by step: (16) and (18)-(20) of the exercise
verified, the other three, which it asks for, derived, and then the same for any number of layers.
"""


def derivation_page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for chapter in CHAPTERS:
        parts += [f"## {chapter.title}", fenced(chapter.text.strip())]
        for equation in chapter.equations:
            parts += [
                f"### {equation.title}, {equation.number}",
                fenced(equation.text.strip()),
                "In rows, with shapes, and in code:",
                f"```math\n{formula(equation)}\n```",
                f"```python\n{line(equation)}\n```",
                f"> {verdict(proofs()[equation])}",
            ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def fenced(text: str) -> str:
    """Displayed formulas as fences, in which Markdown leaves every backslash alone."""
    return re.sub(r"^\$\$\s*(.*?)\s*\$\$$", r"```math\n\1\n```", text, flags=re.DOTALL | re.MULTILINE)


def verdict(proof: Proof) -> str:
    """The proof's outcome in a sentence, the same on every machine."""
    if not proof.holds:
        return f"NOT PROVED: {'; '.join(proof.failures)}"
    numbers = f"on {proof.networks} networks of random sizes to {TOLERANCES['complex_step']:.0e}"
    if not proof.entries:
        return f"Proved: the NumPy line equals the formula entry by entry {numbers}."
    return (
        f"Proved: SymPy's derivative minus the formula is exactly 0 ({proof.entries} entries, each on "
        f"{proof.branches} branches of the ReLUs); the NumPy line agrees with the complex step {numbers}."
    )
