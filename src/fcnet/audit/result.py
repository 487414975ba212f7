"""What an audit found, as frozen data: to be printed, written as JSON, and drawn."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fcnet.audit.tolerances import TOLERANCES
from fcnet.notebook import table

KINKS_IN_RECORD, KINKS_IN_TABLE = 50, 5
"""Kinks that a record or a table lists one by one; their number is always whole."""


@dataclass(frozen=True)
class Kink:
    """An entry and a step h between whose ends ReLUs switch, so that no central difference exists there.

    `example` and `unit` are those of the first of `flips` pre-activations, in hidden layer `layer` (from 0).
    """

    parameter: str
    index: tuple[int, ...]
    h: float
    layer: int
    example: int
    unit: int
    flips: int


@dataclass(frozen=True)
class ParameterAudit:
    """The verdict on one parameter's gradient.

    Attributes
    ----------
    shape, entries : of the parameter; how many of its entries were looked at
    errors : for each h, the largest relative error of analytic against central difference; None where
        a kink leaves nothing to compare
    compared : for each h, how many entries have a central difference
    best_h, best_error : the h with the smallest error, among those with the most entries compared
    complex_error : the largest relative error of analytic against the reference that decides, the complex
        step with few exceptions
    dead : entries of dead units, exactly 0 in both
    no_derivative : entries on a kink itself, where no derivative exists and none is compared
    kinks : each entry and h with a kink inside
    worst : index of the entry furthest from that reference
    references : for each further reference, the largest relative error against it
    passed, reason : the verdict, and the problem, "" if there is none
    """

    name: str
    shape: tuple[int, ...]
    entries: int
    errors: tuple[float | None, ...]
    compared: tuple[int, ...]
    best_h: float | None
    best_error: float | None
    complex_error: float
    dead: int
    no_derivative: int
    kinks: tuple[Kink, ...]
    worst: tuple[int, ...]
    references: Mapping[str, float]
    reason: str

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reason


@dataclass(frozen=True)
class Audit:
    """The verdict on a network's gradients.

    Attributes
    ----------
    steps : the range of h
    entries : None if all entries were looked at, else how many of each parameter at most
    at_zero : pre-activations that are exactly 0, as (layer, example, unit): the loss has a kink there
    parameters : by name; empty if an earlier stage failed
    stage, reason : where the audit stopped and why; "" if it passed
    decided_by : the reference that decides
    note : of a network, why that is not the complex step, "" if it is
    prediction : of a network of layers, how far `predict` is from `forward` without training, in the layer
        where they differ most, by its largest output; None of anything else
    """

    steps: tuple[float, ...]
    entries: int | None
    reg: float
    examples: int
    at_zero: tuple[tuple[int, int, int], ...] = ()
    parameters: Mapping[str, ParameterAudit] = field(default_factory=dict)
    stage: str = ""
    reason: str = ""
    decided_by: str = "complex step"
    note: str = ""
    prediction: float | None = None

    @property
    def passed(self) -> bool:
        """Whether every stage was passed."""
        return not self.stage

    def rows(self) -> list[tuple[str, ...]]:
        """The table's rows, a heading first: one parameter a row."""
        references = tuple(dict.fromkeys(name for p in self.parameters.values() for name in p.references))
        heading = ("parameter", "entries", "best h", "central", self.decided_by, *references)
        rows = (_row(parameter, references) for parameter in self.parameters.values())
        return [(*heading, "dead", "kinks", "verdict"), *rows]

    def table(self) -> str:
        """The whole verdict as plain text."""
        rows = self.rows() if self.parameters else []
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        for layer, example, unit in self.at_zero[:KINKS_IN_TABLE]:
            lines.append(f"layer {layer} example {example} unit {unit} is exactly 0: no derivative")
        if len(self.at_zero) > KINKS_IN_TABLE:
            lines.append(f"and {len(self.at_zero) - KINKS_IN_TABLE} more")
        if self.note:
            lines.append(self.note)
        if self.prediction is not None and self.passed:
            how = f"to {self.prediction:.1e}" if self.prediction else "to the last bit"
            lines.append(f"every layer predicts what its forward pass gives, {how}")
        lines.append("passed" if self.passed else f"failed at {self.stage}: {self.reason}")
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        heading, *rows = self.rows() if self.parameters else [("parameter", "verdict")]
        verdict = "passed" if self.passed else f"failed at {self.stage}: {self.reason}"
        verdict += f"; {self.note}" if self.note else ""
        return table(heading, rows, f"{'✓' if self.passed else '✗'} {verdict}")

    def to_record(self) -> dict[str, Any]:
        """Everything as JSON can hold it: per parameter the error at each h, and the complex step's."""
        record = {
            "passed": self.passed,
            "stage": self.stage,
            "reason": self.reason,
            "reg": self.reg,
            "examples": self.examples,
            "entries": "all" if self.entries is None else self.entries,
            "steps": list(self.steps),
            "at_zero": [list(place) for place in self.at_zero[:KINKS_IN_RECORD]],
            "at_zero_count": len(self.at_zero),
            "tolerances": dict(TOLERANCES),
            "parameters": {name: _parameter_record(p) for name, p in self.parameters.items()},
        }
        if self.prediction is not None:
            record["prediction"] = self.prediction
        if self.note:
            record |= {"decided_by": self.decided_by, "note": self.note}
        return record


def _row(p: ParameterAudit, references: tuple[str, ...]) -> tuple[str, ...]:
    best = ("-", "-") if p.best_error is None else (f"{p.best_h:.0e}", f"{p.best_error:.1e}")
    entries = f"{p.entries}/{int(np.prod(p.shape))}"
    unasked = f" ({p.no_derivative} entries have no derivative)" if p.no_derivative else ""
    verdict = p.reason or f"passed{unasked}"
    told = (f"{p.references[name]:.1e}" for name in references)
    errors = (*best, f"{p.complex_error:.1e}", *told)
    return (p.name, entries, *errors, str(p.dead), str(len(p.kinks)), verdict)


def _parameter_record(p: ParameterAudit) -> dict[str, Any]:
    """JSON has no NaN: an error that is not finite becomes None, and the reason says why."""
    record = asdict(p) | {"passed": p.passed, "shape": list(p.shape), "worst": list(p.worst)}
    record["errors"], record["compared"] = [_finite(error) for error in p.errors], list(p.compared)
    record["complex_error"] = _finite(p.complex_error)
    record["kink_count"] = len(p.kinks)
    record["kinks"] = [asdict(kink) | {"index": list(kink.index)} for kink in p.kinks[:KINKS_IN_RECORD]]
    record["references"] = {name: _finite(error) for name, error in p.references.items()}
    return record


def _finite(error: float | None) -> float | None:
    return None if error is None or not np.isfinite(error) else float(error)
