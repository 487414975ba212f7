"""The progress of a training: a bar on a terminal, one line per evaluation elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import TracebackType
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import DownloadColumn, Progress, ProgressColumn, Task, TextColumn, TransferSpeedColumn
from rich.table import Column
from rich.text import Text

from fcnet.data.published import Progress as Shown
from fcnet.train.callbacks import Callback
from fcnet.train.history import TRAINING_SAMPLE, Evaluation
from fcnet.wording import percent, shown

SECONDS_BETWEEN_LINES = 5.0
"""Between two lines of progress where no terminal shows a bar."""

WIDTH = 14
"""Characters of a bar: with title, figures and times it fits in a line of 80."""


class Bar(ProgressColumn):
    """A bar whose done and remaining parts are other characters, and not only in another colour."""

    def render(self, task: Task) -> Text:
        utf = (sys.stdout.encoding or "").lower().startswith("utf")
        full, empty = ("█", "░") if utf else ("#", ".")
        done = round(WIDTH * min(1.0, task.completed / task.total)) if task.total else 0
        return Text(full * done, style="bar.complete").append(empty * (WIDTH - done), style="bar.back")


class Times(ProgressColumn):
    """How long it has taken, and how long it will: `0:12, 1:03 left`."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        told = f"{_clock(task.elapsed or 0.0)}"
        if task.time_remaining is not None:
            told += f", {_clock(task.time_remaining)} left"
        return Text(told, style="progress.elapsed", no_wrap=True)


def title_column() -> TextColumn:
    """What is done, in the room that the other columns leave."""
    return TextColumn("  {task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def draws_in_place(console: Console) -> bool:
    """Whether a bar can be drawn again and again: on a terminal that moves its cursor, and in a notebook that
    has ipywidgets.
    """
    moves = console.is_terminal and not console.is_dumb_terminal
    return moves and (not console.is_jupyter or find_spec("ipywidgets") is not None)


class TrainingProgress(Callback):
    """A callback that shows loss, validation accuracy and time left.

    Parameters
    ----------
    title : what is being trained, in a few words
    console : where to write; standard output if not given
    lines : about how many lines a training prints without a bar; None for one per evaluation
    """

    def __init__(self, title: str, console: Console | None = None, lines: int | None = 10) -> None:
        self.title = title
        self.lines = lines
        self.console = console or Console(file=sys.stdout)
        self.live = draws_in_place(self.console)
        self.row: Evaluation | None = None
        self.progress = Progress(
            title_column(),
            Bar(),
            TextColumn("{task.percentage:>3.0f} %", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
            Times(),
            console=self.console,
            transient=True,
            expand=True,
            disable=not self.live,
        )
        self.task = self.progress.add_task(escape(shown(title)), total=None, figures="starting")
        self.loss: float | None = None
        self.evaluations = 0

    def __enter__(self) -> TrainingProgress:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.progress.stop()

    def next(self, title: str) -> TrainingProgress:
        """Reset for another training."""
        self.title = title
        self.row = self.loss = None
        self.evaluations = 0
        self.progress.reset(self.task, description=escape(shown(title)), figures="starting")
        return self

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        """Move the bar; the loss shown is a running mean over about a hundred steps."""
        if not self.live:
            self.total = total
            return
        self.loss = loss if self.loss is None else 0.99 * self.loss + 0.01 * loss
        if step % 10 == 0 or step == total:
            figures = f"loss {self.loss:.3f}"
            if self.row is not None:
                figures += f"  validation {percent(self.row.val_accuracy)}"
            self.progress.update(self.task, completed=step, total=total, figures=figures)

    def on_evaluation(self, row: Evaluation) -> None:
        """Without a bar, print the row if its turn has come."""
        self.row = row
        if self.live:
            return
        self.evaluations += 1
        every = 1
        if self.lines is not None:
            every = max(1, round(self.total / row.step * self.evaluations / self.lines))
        if self.evaluations % every == 0 or row.step == self.total:
            left = row.seconds / row.step * (self.total - row.step)
            print(
                f"  {shown(self.title)}: epoch {row.epoch:5.1f}  loss {row.loss:.3f}  "
                f"{TRAINING_SAMPLE} {percent(row.train_accuracy)}  validation {percent(row.val_accuracy)}  "
                f"{row.seconds:4.0f} s, {left:.0f} s left",
                flush=True,
            )


@contextmanager
def showing(unit: Literal["files", "bytes"], console: Console | None = None) -> Iterator[Shown]:
    """Show how far a work of many files or bytes is: a bar on a terminal, elsewhere a line now and then.

    Parameters
    ----------
    unit : what is counted; of bytes the rate is shown, too
    console : where to show it; None for stderr

    Yields
    ------
    progress : to be called with what is done or where it comes from, and how many of how many are done
    """
    console = console or Console(stderr=True)
    if not draws_in_place(console):
        yield _Lines(console, unit)
        return
    counted = TextColumn("{task.completed:,.0f} of {task.total:,.0f}", table_column=Column(no_wrap=True))
    figures = (counted,) if unit == "files" else (DownloadColumn(), TransferSpeedColumn())
    columns = title_column(), Bar(), *figures, Times()
    with Progress(*columns, console=console, transient=unit == "files", expand=True) as bar:
        task, begun = bar.add_task("", visible=False), ("", 0)

        def show(what: str, done: int, total: int) -> None:
            nonlocal begun
            if begun != (what, total):
                begun, title = (what, total), escape(shown(what, 100))
                bar.reset(task, description=title, total=total, completed=done, visible=True)
            bar.update(task, completed=done)

        yield show


class _Lines:
    """Reports a work in a line every few seconds; a quick one not at all, except that bytes have arrived."""

    def __init__(self, console: Console, unit: Literal["files", "bytes"]) -> None:
        self.console, self.unit = console, unit
        self.begun, self.told, self.done = ("", 0), 0.0, 0

    def __call__(self, what: str, done: int, total: int) -> None:
        now, arrived = time.monotonic(), self.unit == "bytes" and done == total
        if self.begun != (what, total):
            self.begun, self.told, self.done = (what, total), now, done
        elif now - self.told >= SECONDS_BETWEEN_LINES or arrived:
            figures = f"{done:,} of {total:,}"
            if self.unit == "bytes":
                rate = max(done - self.done, 0) / max(now - self.told, 1e-9)
                left = f"{(total - done) / rate:.0f} s left" if rate else "stalled"
                figures = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB, {rate / 1e6:.2f} MB/s, {left}"
            text = f"{shown(what)}: {figures}"
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)
            self.told, self.done = now, done
