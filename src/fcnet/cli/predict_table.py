"""`fcnet predict` on a table: a line for each row, or a CSV file."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.cli import tell
from fcnet.wording import harmless, percent, shown

if TYPE_CHECKING:
    from fcnet.runs.tables import TablePrediction
    from fcnet.train.model import Model

MOST = 20
"""Rows that are printed; a file has all of them."""


def predict_rows(model: Model, path: Path, top: int, out: Path | None, as_json: bool) -> int:
    """Print what a network says of a table, or write it to a file; returns the exit status 0.

    Raises
    ------
    DataError : as `predict_table`
    RunError : the file cannot be written
    """
    from fcnet.runs.tables import predict_table

    found = predict_table(model, path)
    for remark in found.remarks:
        tell(f"{path}: {remark}")
    if out is not None:
        from fcnet.files import write_atomically

        write_atomically(out, as_csv(found, model))
        tell(f"wrote {len(found.probabilities):,} rows to {out}", sys.stderr if as_json else sys.stdout)
    if as_json:
        print(json.dumps(_as_json(found, model, path, top), indent=2, allow_nan=False))
    elif out is None:
        _print(found, model, top)
    return 0


def as_csv(found: TablePrediction, model: Model) -> str:
    """A line for each row: its number from 1, the most probable class, and the probability of each class.

    A class that a spreadsheet would take for a formula has a `'` before it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = [name if _is_number(name) else harmless(name) for name in model.classes]
    writer.writerow(["row", "prediction", *(f"probability of {name}" for name in model.classes)])
    for row, (place, own) in enumerate(zip(found.places, found.probabilities.tolist(), strict=True), 1):
        writer.writerow([row, names[place], *(f"{value:.6g}" for value in own)])
    return text.getvalue()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _print(found: TablePrediction, model: Model, top: int) -> None:
    for row, own in enumerate(found.probabilities[:MOST], 1):
        best = (-own).argsort(kind="stable")[:top]
        named = ", ".join(f"{shown(model.classes[place])} {percent(own[place])}" for place in best)
        print(f"row {row}: {named}")
    if len(found.probabilities) > MOST:
        print(f"and {len(found.probabilities) - MOST:,} more rows, all of which --out writes to a CSV file")


def _as_json(found: TablePrediction, model: Model, path: Path, top: int) -> dict[str, object]:
    rows = []
    for own in found.probabilities:
        best = (-own).argsort(kind="stable")[:top]
        rows.append([{"name": model.classes[place], "probability": float(own[place])} for place in best])
    return {"table": str(path), "remarks": list(found.remarks), "rows": rows}
