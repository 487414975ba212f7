"""`fcnet record`: accuracies over seeds that are drawn beforehand, and their verification."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.errors import FcnetError
from fcnet.wording import percent

if TYPE_CHECKING:
    from fcnet.data.dataset import Dataset
    from fcnet.protocol import contents
    from fcnet.protocol.contents import Beat, Recipe, Record, Summary


@dataclass(frozen=True)
class _Measure:
    """What planning and running have in common."""

    recipe: Annotated[Path, Positional("RECIPE.toml")]
    """TOML file with the settings of fcnet train, the budget, and what is folded."""
    out: Path
    """Folder for the plan, the log, the runs and the record."""
    data: Path | None = None
    """Folder with CIFAR-10, or digits for a trial; looked for as by fcnet train if not given."""
    beat: Annotated[str | None, "RECORD"] = None
    """The record to beat: the file of a record, or an accuracy in percent, such as 78.62."""
    nonce: Annotated[str | None, "TEXT"] = None
    """What the seeds depend on besides recipe, data and source; drawn at random if not given."""

    def _read(self) -> tuple[Recipe, Dataset, Beat | None]:
        from fcnet.cli.loading import load
        from fcnet.protocol.recipe import read_recipe

        if self.nonce is not None and not self.nonce.strip():
            raise FcnetError("--nonce is empty, give some characters, or leave it out and one is drawn")
        recipe = read_recipe(self.recipe)
        beat = None if self.beat is None else beat_of(self.beat)
        return recipe, load(self.data, require_cifar10=True), beat


@dataclass(frozen=True)
class Plan(_Measure):
    """Draw the seeds of a recipe and write the plan, without training anything.

    Publish plan.json before you run it, so that others know that you did not repeat the draw until you liked
    the result.

    Example: fcnet record plan recipe.toml --out records/mine
    """

    def run(self) -> int:
        from fcnet.protocol.folder import RecordFolder
        from fcnet.protocol.measure import planned

        recipe, dataset, beat = self._read()
        plan = planned(self.out, recipe, dataset, beat, self.nonce)
        _say_plan(plan, RecordFolder(self.out).plan)
        return 0


@dataclass(frozen=True)
class Run(_Measure):
    """Train a recipe with seeds that are drawn beforehand, and write the record.

    Each seed is a run folder in OUT/seeds, trained in a process of its own on two processors or one GPU. A
    seed that diverges or exceeds the budget is a failure, and stays in. The test images are used once per
    seed, without and with folding. The same command resumes what was stopped.

    Example: fcnet record run recipe.toml --out records/mine
    """

    at_once: int = 1
    """Seeds that are trained at the same time. They share the GPU, and the clock of each runs on; only for a
    budget of a GPU."""

    def run(self) -> int:
        from fcnet.protocol.folder import RecordFolder
        from fcnet.protocol.measure import measure
        from fcnet.protocol.process import in_processes
        from fcnet.train.interruption import stopped_by_sigterm

        recipe, dataset, beat = self._read()
        try:
            with stopped_by_sigterm():
                perform = in_processes(self.out, self.data)
                record = measure(self.out, recipe, dataset, perform, beat, self.nonce, self.at_once)
        except KeyboardInterrupt as stop:
            words = ["fcnet", "record", "run", str(self.recipe), "--out", str(self.out)]
            words += [] if self.data is None else ["--data", str(self.data)]
            words += [] if self.at_once == 1 else ["--at-once", str(self.at_once)]
            raise type(stop)(f"resume with: {shlex.join(words)}") from None
        _say_record(record)
        tell(f"the record is {RecordFolder(self.out).record}", sys.stdout)
        return 0


@dataclass(frozen=True)
class Verify:
    """Look for cherry-picking in a record: a seed left out or added, an edited number, a used test set.

    Every finding is one line. The exit status is 0 for a record without findings, and 1 otherwise. A record
    alone cannot show that nobody repeated the draw; see docs/records.md.

    Example: fcnet record verify records/mine/record.json --runs records/mine
    """

    file: Annotated[Path, Positional("RECORD.json")]
    """The file of the record."""
    plan: Path | None = None
    """The plan that was published before the trainings."""
    recipe: Path | None = None
    """The recipe's TOML file."""
    runs: Path | None = None
    """The folder of fcnet record run, whose run folders are compared too."""

    def run(self) -> int:
        from fcnet.protocol import beside, contents
        from fcnet.protocol.contents import Record, read
        from fcnet.protocol.folder import RecordFolder
        from fcnet.protocol.plan import source_hash
        from fcnet.protocol.recipe import read_recipe
        from fcnet.protocol.verify import findings

        record = read(self.file, Record)
        found = list(findings(record))
        if self.plan is not None:
            found += beside.against_plan(record, read(self.plan, contents.Plan))
        if self.recipe is not None:
            found += beside.against_recipe(record, read_recipe(self.recipe))
        if self.runs is not None:
            if not RecordFolder(self.runs).plan.is_file():
                raise FcnetError(f"{self.runs} is not a folder of fcnet record run, give --runs another")
            found += beside.against_runs(record, self.runs)
        for line in found:
            tell(line, sys.stdout)
        if found:
            return 1
        _say_record(record)
        tell(f"{self.file}: nothing is wrong in what was compared", sys.stdout)
        if source_hash() != record.plan.source_sha256:
            tell(
                f"to repeat it, check out commit {record.plan.commit}: this source of fcnet is another one",
                sys.stdout,
            )
        return 0


def beat_of(text: str) -> Beat:
    """The record to beat that an option names.

    Raises
    ------
    RunError : it is a file and no record
    FcnetError : it is neither a file nor a percentage
    """
    from fcnet.protocol.contents import Beat, Record, read

    if Path(text).exists():
        record = read(Path(text), Record)
        return Beat(record.plan.recipe.name, record.result.accuracies)
    try:
        accuracy = float(text) / 100
    except ValueError:
        accuracy = -1.0
    if not 0 <= accuracy <= 1:
        raise FcnetError(f"--beat is {text}, give the file of a record or an accuracy in percent")
    return Beat(f"{text} %", [accuracy])


def _say_plan(plan: contents.Plan, place: Path) -> None:
    from fcnet.protocol.contents import digest

    budget = plan.recipe.budget
    seeds = ", ".join(map(str, plan.seeds))
    where = "2 processors" if budget.device == "cpu" else "one GPU"
    minutes = f"{budget.minutes:g} minute{'' if budget.minutes == 1 else 's'}"
    tell(f"{plan.recipe.name}: {minutes} on {where}, seeds {seeds}", sys.stdout)
    tell(f"the plan is {place}, its hash {digest(plan)}", sys.stdout)


def _say_record(record: Record) -> None:
    """Every seed with and without folding, then the means."""
    from fcnet.protocol.log import ended
    from fcnet.protocol.statistics import SIGNIFICANT

    plan, result, seeds = record.plan, record.result, ended(record.log)
    folds = plan.recipe.fold is not None
    tell(f"{'seed':>10}  {'test':>8}  {'folded':>8}  {'validation':>10}  {'seconds':>8}", sys.stdout)
    for seed in plan.seeds:
        one = seeds[seed]
        cells = [
            percent(one.plain.accuracy, 2) if one.plain else one.outcome,
            percent(one.folded.accuracy, 2) if one.folded else "",
            "" if one.val_accuracy is None else percent(one.val_accuracy, 2),
        ]
        tell(f"{seed:>10}  {cells[0]:>8}  {cells[1]:>8}  {cells[2]:>10}  {one.seconds:>8.1f}", sys.stdout)
    kinds = [("test", result.plain_summary), *([("folded", result.summary)] if folds else [])]
    for kind, summary in kinds:
        tell(f"{kind}: {_stated(summary)}", sys.stdout)
    if result.failures:
        tell(f"{result.failures} of {len(plan.seeds)} seeds failed, which counts as guessing", sys.stdout)
    if plan.beat is not None and result.p is not None:
        beaten = "beaten" if result.p < SIGNIFICANT else "not beaten"
        tell(f"{plan.beat.what} is {beaten}: p = {result.p:.2g}, {result.test}", sys.stdout)


def _stated(summary: Summary) -> str:
    """A mean with its spread, in words."""
    if summary.deviation is None or summary.low is None or summary.high is None:
        return f"{percent(summary.mean, 2)}, one seed"
    return (
        f"mean {percent(summary.mean, 2)}, standard deviation {100 * summary.deviation:.2f} points, "
        f"95 % interval {100 * summary.low:.2f} to {percent(summary.high, 2)}"
    )
