"""The output of `fcnet reproduce`: each stage and its result."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from fcnet.cli.progress import Bar, Times, TrainingProgress, draws_in_place, title_column
from fcnet.errors import FcnetError
from fcnet.experiments.duration import expected
from fcnet.experiments.reproduce import Reproduction
from fcnet.report.discussion import discuss
from fcnet.report.exercise import HEADING, exercise_rows
from fcnet.report.figures import FIGURES, draw, write
from fcnet.report.page.html import write_report
from fcnet.report.reading import Records
from fcnet.train.history import TRAINING_SAMPLE
from fcnet.wording import by, mean_percent, percent, shown, times

OFFICIAL = {True: ", the official files", False: ", not the official files", None: ""}


class Story:
    """Runs the stages in the exercise's order and prints the result of each."""

    def __init__(self, reproduction: Reproduction) -> None:
        self.reproduction = reproduction
        self.console = Console(highlight=False)
        self.start = time.perf_counter()
        self.failed: list[str] = []

    def tell(self) -> None:
        """All of it, to the table at the end.

        Raises
        ------
        FcnetError : a check of the toy problem failed
        """
        dataset = self.reproduction.dataset
        self.say(
            f"{_foreign(dataset.label)}: {len(dataset.train):,} training and {len(dataset.test):,} test "
            f"images from {_foreign(dataset.origin.path)}{OFFICIAL[dataset.origin.official]}"
        )
        if dataset.name == "CIFAR-10" and not (self.reproduction.out / "toy.json").exists():
            self.say(f"{expected('quick' if self.reproduction.quick else 'reproduce')} in all")
        self.toy()
        self.default()
        self.ladder()
        self.tuned()
        self.question4()
        results = self.reproduction.results()
        report = self.report()
        self.table(results)
        seconds, numbers = time.perf_counter() - self.start, self.reproduction.out / "results.json"
        self.say(f"{seconds:.0f} s in all; every number is in {_foreign(numbers)}")
        self.say(f"the report: {_foreign(report)}")

    def report(self) -> Path:
        """Draw the figures and write the page, which takes some seconds."""
        out, dataset = self.reproduction.out, self.reproduction.dataset
        console, live = self.console, draws_in_place(self.console)
        columns = title_column(), Bar(), Times()
        with Progress(*columns, console=console, transient=True, expand=True, disable=not live) as bar:
            drawn = list(
                bar.track(draw(Records(out, dataset)), len(FIGURES), description="figures and report")
            )
        write(drawn, out / "figures")
        return write_report(out, dataset, drawn=drawn)

    def toy(self) -> None:
        self.heading("Questions 1 and 2: scores, loss and gradients on the toy problem")
        toy = self.reproduction.toy()
        worst = max(toy["gradient_relative_error"].values())
        audit = toy["audit"]
        complex_error = max(p["complex_error"] for p in audit["parameters"].values())
        dead = sum(p["dead"] for p in audit["parameters"].values())
        first, final = toy["loss_history"][0], toy["final_training_loss"]
        scores, loss = toy["scores_difference"], toy["loss_difference"]
        self.check("scores", scores < 1e-7, f"off by {scores:.1e} in sum (< 1e-7)")
        self.check("loss", loss < 1e-10, f"{toy['loss']:.11f}, off by {loss:.1e} (< 1e-10)")
        self.check("gradients", worst < 1e-8, f"central differences agree to {worst:.1e} (< 1e-8)")
        self.check(
            "gradients",
            audit["passed"],
            f"the complex step agrees to {complex_error:.1e}; {dead} are exactly 0 (units that are off)",
        )
        if references := [e for p in audit["parameters"].values() for e in p["references"].values()]:
            worst = max(references)
            self.check("gradients", worst < 1e-9, f"torch.autograd agrees to {worst:.1e} (< 1e-9)")
        self.check("training", final <= 0.02, f"loss {first:.2f} to {final:.4f} in 100 steps (<= 0.02)")
        if self.failed:
            raise FcnetError(f"on the toy problem {', '.join(self.failed)} are wrong, see above")

    def default(self) -> None:
        self.heading("Question 3: the default settings, and what is wrong with them")
        record = self.training("default run", self.reproduction.default)
        self.accuracies(record)
        for number, finding in enumerate(record["findings"], start=1):
            self.item(f"{number}.", finding["sentence"])

    def ladder(self) -> None:
        if self.reproduction.quick:
            return
        self.heading("Question 3: one change at a time, each trained for 980 steps")
        with TrainingProgress("ladder", self.console, lines=1) as progress:
            rungs = self.reproduction.ladder(progress.next)
        table = Table(box=None, pad_edge=False, padding=(0, 2))
        for name in ("  change", TRAINING_SAMPLE, "validation", "seconds"):
            table.add_column(name, justify="left" if "change" in name else "right", overflow="fold")
        for rung in rungs:
            reached = (percent(rung[name]) for name in ("train_accuracy", "val_accuracy"))
            table.add_row(f"  {_foreign(rung['change'])}", *reached, f"{rung['seconds']:.1f}")
        self.console.print(table)

    def tuned(self) -> None:
        self.heading("Question 3: the tuned two-layer net")
        record = self.training("tuned run", self.reproduction.tuned)
        self.accuracies(record)
        test = self.reproduction.test()
        used = times(test["count"])
        self.say(f"  [bold]test accuracy {percent(test['accuracy'])}[/bold], the test set used {used}")

    def question4(self) -> None:
        from fcnet.extras import missing, sentence

        if missing("torch"):
            self.heading("Question 4: left out")
            self.say(f"  {escape(sentence('torch', 'torch'))}")
            return
        self.heading("Question 4: the two-layer net in PyTorch, and the same settings in NumPy")
        with_torch = self.training("PyTorch", partial(self.reproduction.pytorch, "torch"))
        self.accuracies(with_torch, f"PyTorch in {_foreign(with_torch['engine']['precision'])}: ")
        with_numpy = self.training("NumPy", partial(self.reproduction.pytorch, "numpy"))
        self.accuracies(with_numpy, f"NumPy in {_foreign(with_numpy['engine']['precision'])}: ")
        self.heading("Question 4: what depth brings")
        with TrainingProgress("depth", self.console, lines=1) as progress:
            study = self.reproduction.depth(progress.next)
        self.console.print(depth_table(study["rows"]))
        said = Records(self.reproduction.out).study
        assert said is not None
        for number, text in enumerate(discuss(said, len(self.reproduction.dataset.classes)), start=1):
            self.item(f"{number}.", text)
        test = self.reproduction.test_best(study["rows"])
        self.say(
            f"  [bold]test accuracy of the best net by validation {percent(test['accuracy'])}[/bold], "
            f"the test set used {times(test['count'])}"
        )

    def table(self, results: dict[str, Any]) -> None:
        table = Table(
            title=f"{_foreign(self.reproduction.dataset.label)}: the exercise", title_justify="left"
        )
        for name in HEADING:
            table.add_column(name, justify="right" if name in ("wanted", "reached") else "left")
        for row in exercise_rows(results):
            table.add_row(*map(_foreign, row.cells))
        self.console.print()
        self.console.print(table)

    def training(self, title: str, stage: Callable[..., Any]) -> Any:
        with TrainingProgress(title, self.console) as progress:
            return stage(progress)

    def accuracies(self, record: dict[str, Any], engine: str = "") -> None:
        metrics = record["metrics"]
        units = by(record["config"]["hidden"])
        training, validation = percent(metrics["train_accuracy"]), percent(metrics["val_accuracy"])
        self.say(
            f"  {engine}{units} hidden units, {record['steps']:,} steps, {record['seconds']:.1f} s: "
            f"training accuracy {training}, [bold]validation accuracy {validation}[/bold]"
        )

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{text}[/bold cyan]")

    def check(self, what: str, passed: bool, detail: str) -> None:
        mark = "[green]ok[/green]" if passed else "[red]WRONG[/red]"
        self.say(f"  {mark}  {what}: {detail}")
        if not passed:
            self.failed.append(what)

    def item(self, mark: str, text: str) -> None:
        """A paragraph behind its number, indented as a whole on a terminal, one line elsewhere."""
        if not self.console.is_terminal:
            self.say(f"  {mark} {_foreign(text)}")
            return
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(f"  {mark}", _foreign(text))
        self.console.print(grid)

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=not self.console.is_terminal)


def _foreign(text: object) -> str:
    """Text from a file, in which nothing is markup and nothing controls the terminal."""
    return escape(shown(text))


def depth_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The study of depth: one network a row, mean and standard deviation over its seeds."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for name in ("  equal", "start"):
        table.add_column(name)
    for name in ("layers", "units", "parameters", "training", "validation", "seconds"):
        table.add_column(name, justify="right")
    for row in rows:
        accuracies = (
            mean_percent(row[f"{part}_accuracy_mean"], row[f"{part}_accuracy_std"], len(row["seeds"]))
            for part in ("training", "validation")
        )
        table.add_row(
            f"  {row['budget']}", _foreign(row["initialisation"]), str(row["layers"]), str(row["width"]),
            f"{row['parameters']:,}", *accuracies, f"{row['seconds']:.1f}",
        )  # fmt: skip
    return table
