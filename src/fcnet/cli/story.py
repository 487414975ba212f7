"""What `fcnet reproduce` says while it works: each stage, and what it showed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fcnet.cli.progress import TrainingProgress
from fcnet.errors import FcnetError
from fcnet.experiments.reproduce import Reproduction
from fcnet.report.figures import draw_all
from fcnet.report.page.html import write_report

OFFICIAL = {True: ", the official files", False: ", not the official files", None: ""}


class Story:
    """Runs the stages in the exercise's order and says what each showed."""

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
            f"{dataset.label}: {len(dataset.train):,} training and {len(dataset.test):,} test images from "
            f"{escape(dataset.origin.path)}{OFFICIAL[dataset.origin.official]}"
        )
        self.toy()
        self.default()
        self.ladder()
        self.tuned()
        self.question4()
        results = self.reproduction.results()
        figures = draw_all(self.reproduction.out, dataset)
        self.heading("Figures")
        for path, caption in figures:
            self.say(f"  {escape(str(path))}  [dim]{escape(caption)}[/dim]")
        self.table(results)
        self.say(f"the report: {escape(str(write_report(self.reproduction.out, dataset)))}")

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
        if witnesses := [e for p in audit["parameters"].values() for e in p["witnesses"].values()]:
            worst = max(witnesses)
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
        for name in ("  change", "training", "validation", "seconds"):
            table.add_column(name, justify="left" if "change" in name else "right", overflow="fold")
        for rung in rungs:
            table.add_row(
                f"  {rung['change']}", percent(rung["train_accuracy"]), percent(rung["val_accuracy"]),
                f"{rung['seconds']:.1f}",
            )  # fmt: skip
        self.console.print(table)

    def tuned(self) -> None:
        self.heading("Question 3: the tuned two-layer net")
        record = self.training("tuned run", self.reproduction.tuned)
        self.accuracies(record)
        test = self.reproduction.test()
        used = times(test["count"])
        self.say(f"  [bold]test accuracy {percent(test['accuracy'])}[/bold], the test set used {used}")

    def question4(self) -> None:
        from fcnet.extras import sentence
        from fcnet.runs.engines import has_torch

        if not has_torch():
            self.heading("Question 4: left out")
            self.say(f"  {escape(sentence('torch', 'torch'))}")
            return
        self.heading("Question 4: the two-layer net in PyTorch, and the same settings in NumPy")
        with_torch = self.training("PyTorch", partial(self.reproduction.pytorch, "torch"))
        self.accuracies(with_torch, f"PyTorch in {with_torch['engine']['precision']}: ")
        with_numpy = self.training("NumPy", partial(self.reproduction.pytorch, "numpy"))
        self.accuracies(with_numpy, f"NumPy in {with_numpy['engine']['precision']}: ")
        self.heading("Question 4: what depth buys")
        with TrainingProgress("depth", self.console, lines=1) as progress:
            study = self.reproduction.depth(progress.next)
        self.console.print(depth_table(study["rows"]))
        for number, finding in enumerate(study["discussion"], start=1):
            self.item(f"{number}.", finding["sentence"])
        test = self.reproduction.test_best(study["rows"])
        self.say(
            f"  [bold]test accuracy of the best net by validation {percent(test['accuracy'])}[/bold], "
            f"the test set used {times(test['count'])}"
        )

    def table(self, results: dict[str, Any]) -> None:
        toy, default, tuned = results["toy"], results["default"], results["tuned"]
        table = Table(title=f"{self.reproduction.dataset.label}: the exercise", title_justify="left")
        for name in ("question", "quantity"):
            table.add_column(name)
        for name in ("wanted", "reached"):
            table.add_column(name, justify="right")
        real = self.reproduction.dataset.name == "CIFAR-10"  # the exercise wants nothing of digits
        about, above = ("about 29 %", "above 48 %") if real else ("", "")
        worst = max(toy["gradient_relative_error"].values())
        for row in (
            ("1", "scores, sum of differences", "< 1e-7", f"{toy['scores_difference']:.1e}"),
            ("1", "loss of the toy problem", "1.30378789133", f"{toy['loss']:.11f}"),
            ("2", "gradients, largest relative error", "< 1e-8", f"{worst:.1e}"),
            ("3", "toy training, final loss", "<= 0.02", f"{toy['final_training_loss']:.4f}"),
            ("3", "default run, validation accuracy", about, percent(default["validation_accuracy"])),
            ("3", "tuned run, validation accuracy", above, percent(tuned["validation_accuracy"])),
            ("3", "tuned run, test accuracy", "", percent(tuned["test_accuracy"])),
            ("3", "tuned run, training time", "", f"{tuned['training_seconds']:.1f} s"),
            *question4_rows(results.get("pytorch"), above),
        ):
            table.add_row(*row)
        self.console.print()
        self.console.print(table)
        self.say(
            f"{time.perf_counter() - self.start:.0f} s in all; "
            f"every number is in {escape(str(self.reproduction.out / 'results.json'))}"
        )

    def training(self, title: str, stage: Callable[..., Any]) -> Any:
        with TrainingProgress(title, self.console) as progress:
            return stage(progress)

    def accuracies(self, record: dict[str, Any], engine: str = "") -> None:
        metrics = record["metrics"]
        units = " x ".join(str(size) for size in record["config"]["hidden"])
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
            self.say(f"  {mark} {escape(text)}")
            return
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(f"  {mark}", escape(text))
        self.console.print(grid)

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=not self.console.is_terminal)


def question4_rows(pytorch: dict[str, Any] | None, above: str) -> list[tuple[str, str, str, str]]:
    """What question 4 adds to the last table; nothing where it was left out."""
    if pytorch is None:
        return []
    two, best = pytorch["two_layer"], pytorch["best"]
    return [
        ("4", "PyTorch, validation accuracy", above, percent(two["validation_accuracy"])),
        ("4", f"best depth ({best['layers']}), validation", "", percent(best["validation_accuracy"])),
        ("4", f"best depth ({best['layers']}), test accuracy", "", percent(best["test_accuracy"])),
    ]


def depth_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The study of depth: one network a row, mean and standard deviation over its seeds."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for name in ("  equal", "start"):
        table.add_column(name)
    for name in ("layers", "units", "parameters", "training %", "validation %", "seconds"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            f"  {row['budget']}", row["initialisation"], str(row["layers"]), str(row["width"]),
            f"{row['parameters']:,}", deviation(row, "training"), deviation(row, "validation"),
            f"{row['seconds']:.1f}",
        )  # fmt: skip
    return table


def deviation(row: dict[str, Any], what: str) -> str:
    """A mean in percent, with its standard deviation where there are seeds enough."""
    mean = f"{100 * row[f'{what}_accuracy_mean']:.1f}"
    return f"{mean} ± {100 * row[f'{what}_accuracy_std']:.1f}" if len(row["seeds"]) > 1 else mean


def times(count: int) -> str:
    """How often, in words."""
    return "once" if count == 1 else f"{count} times"


def percent(fraction: float) -> str:
    """A fraction as people read it."""
    return f"{100 * fraction:.1f} %"
