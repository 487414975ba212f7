"""The derivation: its text is a template, its equations and the outcome of their proof are a record."""

import json
from typing import Any

from fcnet.report.markdown import TEMPLATES, Markdown, render

RECORD = TEMPLATES / "derivation.json"
"""The tool that makes the documents writes it; a test proves every equation again and compares."""


def derivation(record: dict[str, Any] | None = None) -> Markdown:
    """The derivation as a page, with its own heading.

    Parameters
    ----------
    record : formulas, lines, and outcome of the proof; the one of this package if not given
    """
    record = record or json.loads(RECORD.read_text())
    equations = record["equations"]

    def equation(name: str) -> Markdown:
        found = equations[name]
        mark = "not proved" if found["failures"] else "✓"
        return Markdown(
            f"In rows, with shapes, and in code {mark}:\n\n```math\n{found['formula']}\n```\n\n"
            f"```python\n{found['line']}\n```"
        )

    outcome = record | {"failed": [name for name, found in equations.items() if found["failures"]]}
    return render("derivation", equation=equation, proof=outcome)
