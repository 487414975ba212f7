"""`fcnet runs`: runs side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from fcnet.wording import shown

if TYPE_CHECKING:
    from rich.table import Table

    from fcnet.runs.listing import Run

COLOURS = {"finished": "green", "unfinished": "yellow", "diverged": "red", "damaged": "red"}


@dataclass(frozen=True)
class Runs:
    """List the runs in a folder side by side, the best on validation images first.

    Shown are the settings in which they differ. Runs that are damaged are listed with what is wrong.

    Example: fcnet runs runs
    """

    folder: Annotated[Path, tyro.conf.Positional] = Path("runs")
    """Where to look, in all folders below it too."""
    sort: Literal["validation", "test", "seconds", "name"] = "validation"
    """What decides the order."""
    json: bool = False
    """Print a JSON list for programs instead of a table."""

    def run(self) -> int:
        from fcnet.errors import RunError
        from fcnet.runs.listing import find_runs, read_run

        runs = self._sorted([read_run(folder) for folder in find_runs(self.folder)])
        if self.json:
            print(json.dumps([run.as_json() for run in runs], indent=2, allow_nan=False))
            return 0
        if not runs:
            raise RunError(
                f"{self.folder} holds no runs, make one: fcnet train --out {self.folder / 'first'}"
            )
        from rich.console import Console

        console = Console()
        console.print(self._table(runs))
        for run in runs:
            if run.problem:
                console.print(
                    f"{shown(run.folder)}: {shown(run.problem)}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
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

    def _table(self, runs: Sequence[Run]) -> Table:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        from fcnet.runs.listing import differing

        names = differing(runs)
        data = len({run.data for run in runs if run.data}) > 1
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        table.add_column("run", overflow="fold")
        table.add_column("valid.", justify="right", no_wrap=True)
        table.add_column("test", justify="right", no_wrap=True)
        table.add_column("seconds", justify="right", no_wrap=True)
        table.add_column("state", no_wrap=True)
        if data:
            table.add_column("data", overflow="fold")
        if names:
            table.add_column("settings that differ", overflow="fold")
        for run in runs:
            state = run.state if run.state != "unfinished" else f"at {100 * run.progress:.0f} %"
            cells: list[str | Text] = [
                Text(shown(self._name(run.folder))), _percent(run.val_accuracy), _percent(run.test_accuracy),
                _seconds(run.seconds), Text(state, COLOURS[run.state]),
            ]  # fmt: skip
            cells += [Text(shown(run.data))] if data else []
            cells += [Text(shown(self._settings(run, names)))] if names else []
            table.add_row(*cells)
        return table

    def _name(self, folder: Path) -> Path:
        return folder.relative_to(self.folder) if folder != self.folder else folder

    def _settings(self, run: Run, names: Sequence[str]) -> str:
        from fcnet.runs.listing import typed

        if run.config is None:
            return ""
        return ", ".join(f"{name} {typed(getattr(run.config, name))}" for name in names)


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
