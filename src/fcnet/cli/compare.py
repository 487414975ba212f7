"""`fcnet compare`: what two runs differ in."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.cli.tables import print_table
from fcnet.wording import points, shown

if TYPE_CHECKING:
    from fcnet.data.dataset import Dataset
    from fcnet.runs.comparison import Verdict
    from fcnet.runs.listing import Run


@dataclass(frozen=True)
class Compare:
    """Say what two runs differ in: settings, data, versions and machine, and what they reached.

    Whether one is better is decided example by example where both were validated on the same ones and the
    data are still there, and otherwise from their number alone.

    Example: fcnet compare runs/small runs/wide
    """

    first: Annotated[Path, Positional("A")]
    """Folder of a run."""
    second: Annotated[Path, Positional("B")]
    """Folder of another."""
    data: Path | None = None
    """The data that both were trained on, if they are no longer where they were."""

    def run(self) -> int:
        from fcnet.runs.comparison import differences, judge, measured, same_task

        first, second = self._read(self.first), self._read(self.second)
        for heading, found in differences(first, second).items():
            if found:
                rows = [[shown(cell, 500) for cell in row] for row in found]
                print_table((heading, first.folder, second.folder), rows)
            elif heading != "settings" and (first.record is None or second.record is None):
                print(f"{heading}: not known before a run is finished")
            else:
                print(f"{heading}: the same")
        one, other = measured(first), measured(second)
        rows = [[name, one[name], other[name]] for name in one if one[name] or other[name]]
        print_table(("reached", first.folder, second.folder), rows)
        if not same_task(first, second):
            tell("The two do not predict the same, so their accuracies are not compared.", sys.stdout)
            return 0
        verdict = judge(first, second, self._dataset(first, second))
        tell(_sentence(verdict, second), sys.stdout)
        return 0

    def _read(self, folder: Path) -> Run:
        from fcnet.errors import RunError
        from fcnet.runs.listing import MARKS, read_run

        if not any((folder / mark).exists() for mark in MARKS):
            raise RunError(f"{folder} is not a folder of a run, name one that fcnet train wrote")
        run = read_run(folder)
        if run.problem:
            raise RunError(run.problem)
        return run

    def _dataset(self, first: Run, second: Run) -> Dataset | None:
        """The data set of both, if it is one and can still be had."""
        from fcnet.cli.loading import load_if_there
        from fcnet.runs.comparison import same_validation

        if first.record is None or not same_validation(first, second):
            return None
        dataset = load_if_there(first.record, self.data)
        same = dataset is not None and dataset.origin.sha256 == first.record["data"]["sha256"]
        return dataset if same else None


def _sentence(verdict: Verdict | None, second: Run) -> str:
    if verdict is None:
        return "Which is better cannot be said before both are finished."
    if verdict.difference == 0:
        return f"Both validation accuracies are equal: {verdict.text}."
    than = f"{points(abs(verdict.difference), sign=False)} {'more' if verdict.difference > 0 else 'less'}"
    error = points(verdict.standard_error, sign=False)
    judged = "chance alone hardly explains" if verdict.significant else "chance alone may explain"
    return (
        f"{second.folder} reaches {than} on validation (standard error {error}): {judged} this difference. "
        f"Reason: {verdict.text}. It says nothing about other seeds."
    )
