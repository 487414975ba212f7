"""`fcnet runs`: runs side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.extension import program
from fcnet.wording import percent, seconds, shown

if TYPE_CHECKING:
    from rich.table import Table

    from fcnet.runs.listing import Run

COLOURS = {
    "finished": "", "unfinished": "yellow", "diverged": "red", "needs own code": "yellow", "damaged": "red",
}  # fmt: skip
"""Of a row; its state says the same in words."""

LONGEST_NAME = 32
"""Characters of a run's name that a row has room for, at most."""


@dataclass(frozen=True)
class Runs:
    """List the runs in a folder side by side, for each data set the best on validation examples first.

    Each run is shown with the settings that set it apart: those that most others do not have. What does not
    fit the width of the terminal is cut off; --json has all. Damaged runs are listed with what is wrong.

    Example: fcnet runs runs
    """

    folder: Annotated[Path, Positional("[FOLDER]")] = Path("runs")
    """Where to look, in all folders below it too."""
    sort: Literal["validation", "test", "seconds", "name"] = "validation"
    """What decides the order."""
    json: bool = False
    """Print a JSON list for programs instead of a table."""

    def run(self) -> int:
        from fcnet.errors import RunError
        from fcnet.runs.listing import by_data, find_runs, read_run

        runs = self._sorted([read_run(folder) for folder in find_runs(self.folder, tell)])
        if self.json:
            print(json.dumps([run.as_json() for run in runs], indent=2, allow_nan=False))
            return 0
        if not runs:
            first = quote(str(self.folder / "first"))
            raise RunError(f"{self.folder} holds no runs, make one: {program()} train --out {first}")
        from rich.console import Console

        console = Console()
        for label, group in by_data(runs).items():
            console.print(shown(label) or "data not known", style="bold", markup=False, highlight=False)
            console.print(self._table(group, console.width))
        for run in runs:
            if run.problem:
                tell(f"{run.folder}: {run.problem}", sys.stdout)
        return 0

    def _sorted(self, runs: Sequence[Run]) -> list[Run]:
        def accuracy(run: Run) -> float:
            value = run.test_accuracy if self.sort == "test" else run.val_accuracy
            return -1.0 if value is None else value

        if self.sort == "name":
            return list(runs)
        if self.sort == "seconds":
            return sorted(runs, key=lambda run: run.seconds or 0.0)
        return sorted(runs, key=accuracy, reverse=True)

    def _table(self, runs: Sequence[Run], width: int) -> Table:
        """The runs of one data set; each row fits in so many characters."""
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        from fcnet.runs.listing import apart

        columns = {
            "run": [shown(self._name(run.folder)) for run in runs],
            "valid.": [_percent(run.val_accuracy) for run in runs],
            "test": [_percent(run.test_accuracy) for run in runs],
            "seconds": [_seconds(run.seconds) for run in runs],
            "state": [_state(run) for run in runs] if any(run.state != "finished" for run in runs) else [],
            "set apart by": [shown(text) for text in apart(runs)],
        }
        columns = {name: cells for name, cells in columns.items() if any(cells)}
        widths = {name: max(map(len, (name, *cells))) for name, cells in columns.items()}
        widths["run"] = min(widths["run"], LONGEST_NAME)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        for name in columns:
            left = width - sum(taken + 2 for other, taken in widths.items() if other != name)
            table.add_column(
                name,
                justify="right" if name in ("valid.", "test", "seconds") else "left",
                width=min(widths[name], left) if name == "set apart by" else widths[name],
                no_wrap=True,
                overflow="ellipsis",
            )
        for run, row in zip(runs, zip(*columns.values(), strict=True), strict=True):
            table.add_row(*map(escape, row), style=COLOURS[run.state])
        return table

    def _name(self, folder: Path) -> Path:
        return folder.relative_to(self.folder) if folder != self.folder else folder


def _state(run: Run) -> str:
    return run.state if run.state != "unfinished" else f"at {percent(run.progress, digits=0)}"


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return seconds(value) if value < 10 else f"{value:,.0f}"


def _percent(value: float | None) -> str:
    return "" if value is None else percent(value)
