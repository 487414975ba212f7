"""How a search looks while it runs: a table of the best trials on a terminal, one line a trial elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fcnet.tuning.standing import Row, Standing, in_words

SHOWN = 8
"""Complete trials in the table."""


class View:
    """Shows where a search stands.

    Parameters
    ----------
    workers : how many work from here, for the time left
    console : where to write; standard output if not given
    """

    def __init__(self, workers: int, console: Console | None = None) -> None:
        self.workers = workers
        self.console = console or Console(file=sys.stdout)
        self.live = self.console.is_terminal
        self.begun = time.monotonic()
        self.standing: Standing | None = None
        self.left: tuple[float, float] | None = None
        self.told: set[int] = set()
        self._live = Live(
            console=self.console, get_renderable=self.render, refresh_per_second=2, auto_refresh=self.live
        )

    def __enter__(self) -> View:
        if self.live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.live:
            self._live.stop()

    def update(self, standing: Standing) -> None:
        """Show a new standing; where there is no terminal, print the trials that have ended since."""
        first = self.standing is None
        self.standing = standing
        estimate = standing.seconds_left(self.workers)
        self.left = None if estimate is None else (time.monotonic(), estimate)
        if self.live:
            return
        new = [row for row in standing.done if row.number not in self.told]
        self.told |= {row.number for row in new}
        if first:
            if new:
                self._print(f"{len(new)} of {standing.plan.trials} trials are there already")
            return
        for row in new:
            self._print(self.line(row, standing))

    def line(self, row: Row, standing: Standing) -> str:
        """A trial that has ended, in one line."""
        place = standing.done.index(row) + 1
        best = standing.best
        words = "" if row.settings is None else in_words(row.settings, standing.plan.base)
        took = "" if row.seconds is None else f" in {duration(row.seconds)}"
        parts = [f"{place}/{standing.plan.trials}  trial {row.number}: {_result(row)}{took}"]
        if best is not None:
            parts.append("the best so far" if best is row else f"best {100 * (best.value or 0):.1f} %")
        if self.left is not None and place == len(standing.done) < standing.plan.trials:
            parts.append(f"about {duration(self.left[1])} left")
        return ", ".join(parts) + f" ({words})"

    def render(self) -> Group:
        """The table, with the time as it is now."""
        if self.standing is None:
            return Group(Text("starting"))
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column("trial", justify="right")
        table.add_column("validation", justify="right", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("what differs from the base")
        base = self.standing.plan.base
        for place, row in enumerate(self.standing.ranking[:SHOWN]):
            words = "" if row.settings is None else in_words(row.settings, base)
            style = "bold" if place == 0 else ""
            took = "" if row.seconds is None else duration(row.seconds)
            table.add_row(str(row.number), _result(row), took, words, style=style)
        for row in self.standing.running:
            words = "" if row.settings is None else in_words(row.settings, base)
            table.add_row(
                str(row.number), _result(row), f"{100 * row.progress:.0f} % done", words, style="dim"
            )
        return Group(Text(self.headline()), table)

    def headline(self) -> str:
        """How much is done, and how long it takes."""
        standing = self.standing
        assert standing is not None
        states = [(state, standing.number_of(state)) for state in ("pruned", "diverged", "failed", "running")]
        parts = [f"{len(standing.done)} of {standing.plan.trials} trials"]
        parts += [f"{number} {state}" for state, number in states if number]
        parts.append(f"{duration(time.monotonic() - self.begun)} spent")
        if self.left is not None and len(standing.done) < standing.plan.trials:
            at, estimate = self.left
            parts.append(f"about {duration(max(estimate - (time.monotonic() - at), 0))} left")
        return ", ".join(parts)

    def _print(self, text: str) -> None:
        print(text, file=self.console.file, flush=True)


def _result(row: Row) -> str:
    if row.value is not None:
        return f"{100 * row.value:.1f} %"
    if row.state == "diverged":
        return "diverged"
    if row.state == "pruned":
        return "pruned" if row.reached is None else f"pruned at {100 * row.reached:.1f} %"
    return "" if row.reached is None else f"{100 * row.reached:.1f} %"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
