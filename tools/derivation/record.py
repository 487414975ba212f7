"""What the pages show of each equation: its formula, its line, and the outcome of its proof."""

from __future__ import annotations

from typing import Any

from derivation.equation import Equation
from derivation.proof import Proof, prove_all
from derivation.typeset import formula, line
from fcnet.audit.tolerances import TOLERANCES


def record() -> dict[str, Any]:
    """Prove every equation; some seconds.

    Returns
    -------
    record : `equations`, by name the formula (LaTeX), the line (Python) and what failed; and in numbers what
        was checked, the same on every machine
    """
    proofs = prove_all()
    return {
        "equations": {proof.equation.__name__: shown(proof) for proof in proofs},
        "derivatives": sum(proof.entries > 0 for proof in proofs),
        "entries": sum(proof.entries for proof in proofs),
        "branches": min(proof.branches for proof in proofs if proof.entries),
        "networks": min(proof.networks for proof in proofs),
        "tolerance": TOLERANCES["complex_step"],
    }


def shown(proof: Proof) -> dict[str, Any]:
    """Formula, line and failures of one equation."""
    equation: type[Equation] = proof.equation
    return {"formula": formula(equation), "line": line(equation), "failures": list(proof.failures)}
