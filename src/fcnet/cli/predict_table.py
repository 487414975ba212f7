"""`fcnet predict` on a table: a line for each row, or a CSV file."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.cli import tell
from fcnet.wording import harmless, percent, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    from fcnet.runs.prediction import named
    from fcnet.runs.tables import predict_table

    probabilities, remarks = predict_table(model, path)
    for remark in remarks:
        tell(f"{path}: {remark}")
    if out is not None:
        from fcnet.files import write_atomically

        write_atomically(out, as_csv(probabilities, model))
        tell(f"wrote {len(probabilities):,} rows to {out}", sys.stderr if as_json else sys.stdout)
    if as_json:
        rows = [as_objects(named(row, model.classes, top)) for row in probabilities]
        print(json.dumps({"table": str(path), "remarks": remarks, "rows": rows}, indent=2, allow_nan=False))
    elif out is None:
        for number, row in enumerate(probabilities[:MOST], 1):
            said = (f"{shown(name)} {percent(value)}" for name, value in named(row, model.classes, top))
            print(f"row {number}: {', '.join(said)}")
        if len(probabilities) > MOST:
            print(f"and {len(probabilities) - MOST:,} more rows, all of which --out writes to a CSV file")
    return 0


def as_csv(probabilities: NDArray[np.float64], model: Model) -> str:
    """A line for each row: its number from 1, the most probable class, and the probability of each class.

    A class that a spreadsheet would take for a formula has a `'` before it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = [name if _is_number(name) else harmless(name) for name in model.classes]
    writer.writerow(["row", "prediction", *(f"probability of {name}" for name in model.classes)])
    places = probabilities.argmax(axis=1)
    for number, (place, row) in enumerate(zip(places, probabilities.tolist(), strict=True), 1):
        writer.writerow([number, names[place], *(f"{value:.6g}" for value in row)])
    return text.getvalue()


def as_objects(classes: Sequence[tuple[str, float]]) -> list[dict[str, object]]:
    """Classes with their probabilities, for JSON."""
    return [{"name": name, "probability": probability} for name, probability in classes]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
