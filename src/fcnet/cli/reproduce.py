"""`fcnet reproduce`: the whole exercise, with what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fcnet.experiments.reproduce import Reproduction


@dataclass(frozen=True)
class Reproduce:
    """Answer the exercise's questions on real data, from the toy checks to the test set.

    Stages that are complete are not repeated, so a run that was stopped goes on when called again.

    Example: fcnet reproduce --quick --out runs/quick
    """

    data: Path | None = None
    """Folder with CIFAR-10; $FCNET_DATA, ./data, ./datasets and the user's cache if not given."""
    out: Path | None = None
    """Folder for all results; runs/reproduce, or runs/quick with --quick, if not given."""
    quick: bool = False
    """A short training instead of the tuned one: all of it in under 90 seconds."""
    require_cifar10: bool = False
    """Fail rather than use scikit-learn's digits where CIFAR-10 cannot be had."""

    def run(self) -> int:
        from fcnet.cli.loading import digits_notice, load
        from fcnet.experiments.reproduce import Reproduction

        out = self.out or Path("runs/quick" if self.quick else "runs/reproduce")
        dataset = load(self.data, self.require_cifar10)
        reproduction = Reproduction(dataset, out, self.quick)
        reproduction.prepare()
        try:
            _Story(reproduction).tell()
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing is lost, the same command goes on from here") from None
        if notice := digits_notice(dataset):
            print(notice)
        return 0


class _Story:
    """Runs the stages in the exercise's order and says what each showed."""

    def __init__(self, reproduction: Reproduction) -> None:
        from rich.console import Console

        self.reproduction = reproduction
        self.console = Console(highlight=False)
        self.start = time.perf_counter()

    def tell(self) -> None:
        from fcnet.report.figures import draw_all

        dataset = self.reproduction.dataset
        official = {True: "the official files", False: "not the official files", None: ""}[dataset.origin.official]
        self.say(
            f"{dataset.label}: {len(dataset.train):,} training and {len(dataset.test):,} test images from "
            f"{dataset.origin.path}" + (f", {official}" if official else "")
        )
        self.toy()
        self.default()
        self.ladder()
        self.tuned()
        results = self.reproduction.results()
        figures = draw_all(self.reproduction.out, dataset)
        self.heading("Figures")
        for path, caption in figures:
            self.say(f"  {path}  [dim]{caption}[/dim]")
        self.table(results)

    def toy(self) -> None:
        self.heading("Questions 1 and 2: scores, loss and gradients on the toy problem")
        toy = self.reproduction.toy()
        worst = max(toy["gradient_relative_error"].values())
        audit = toy["audit"]
        complex_error = max(p["complex_error"] for p in audit["parameters"].values())
        dead = sum(p["dead"] for p in audit["parameters"].values())
        self.check("scores", toy["scores_difference"] < 1e-7, f"off by {toy['scores_difference']:.1e} in sum (< 1e-7)")
        self.check(
            "loss", toy["loss_difference"] < 1e-10, f"{toy['loss']:.11f}, off by {toy['loss_difference']:.1e} (< 1e-10)"
        )
        self.check("gradients", worst < 1e-8, f"central differences agree to {worst:.1e} (< 1e-8)")
        self.check(
            "gradients",
            audit["passed"],
            f"the complex step agrees to {complex_error:.1e}; {dead} entries are exactly 0 (units that are off)",
        )
        self.check(
            "training",
            toy["final_training_loss"] <= 0.02,
            f"loss {toy['loss_history'][0]:.2f} to {toy['final_training_loss']:.4f} in 100 steps (<= 0.02)",
        )

    def default(self) -> None:
        self.heading("Question 3: the default settings, and what is wrong with them")
        record = self.training("default run", self.reproduction.default)
        self.accuracies(record)
        for number, finding in enumerate(record["findings"], start=1):
            self.say(f"  {number}. {finding['sentence']}")

    def ladder(self) -> None:
        if self.reproduction.quick:
            return
        from rich.table import Table

        self.heading("Question 3: one change at a time, four epochs each")
        rungs = self.training("ladder", self.reproduction.ladder)
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
        times = "once" if test["count"] == 1 else f"{test['count']} times"
        self.say(f"  [bold]test accuracy {percent(test['accuracy'])}[/bold], the test set used {times}")

    def table(self, results: dict[str, Any]) -> None:
        from rich.table import Table

        toy, default, tuned = results["toy"], results["default"], results["tuned"]
        table = Table(title=f"{self.reproduction.dataset.label}: questions 1 to 3", title_justify="left")
        for name, justify in (("question", "left"), ("quantity", "left"), ("wanted", "right"), ("reached", "right")):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        real = self.reproduction.dataset.name == "CIFAR-10"
        floor = "above 48 %" if real else ""
        for row in (
            ("1", "scores, sum of differences", "< 1e-7", f"{toy['scores_difference']:.1e}"),
            ("1", "loss of the toy problem", "1.30378789133", f"{toy['loss']:.11f}"),
            ("2", "gradients, largest relative error", "< 1e-8", f"{max(toy['gradient_relative_error'].values()):.1e}"),
            ("3", "toy training, final loss", "<= 0.02", f"{toy['final_training_loss']:.4f}"),
            ("3", "default run, validation accuracy", "about 29 %" if real else "", percent(default["validation_accuracy"])),
            ("3", "tuned run, validation accuracy", floor, percent(tuned["validation_accuracy"])),
            ("3", "tuned run, test accuracy", "", percent(tuned["test_accuracy"])),
            ("3", "tuned run, training time", "", f"{tuned['training_seconds']:.1f} s"),
        ):  # fmt: skip
            table.add_row(*row)
        self.console.print()
        self.console.print(table)
        self.say(
            f"{time.perf_counter() - self.start:.0f} s in all; "
            f"every number is in {self.reproduction.out / 'results.json'}"
        )

    def training(self, title: str, stage: Callable[..., Any]) -> Any:
        from fcnet.cli.progress import TrainingProgress

        with TrainingProgress(title, self.console) as progress:
            return stage(progress)

    def accuracies(self, record: dict[str, Any]) -> None:
        metrics = record["metrics"]
        units = " x ".join(str(size) for size in record["config"]["hidden"])
        self.say(
            f"  {units} hidden units, {record['steps']:,} steps, {record['seconds']:.1f} s: training accuracy "
            f"{percent(metrics['train_accuracy'])}, [bold]validation accuracy {percent(metrics['val_accuracy'])}[/bold]"
        )

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{text}[/bold cyan]")

    def check(self, what: str, passed: bool, detail: str) -> None:
        mark = "[green]ok[/green]" if passed else "[red]WRONG[/red]"
        self.say(f"  {mark}  {what}: {detail}")

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=not self.console.is_terminal)


def percent(fraction: float) -> str:
    """A fraction as people read it."""
    return f"{100 * fraction:.1f} %"
