"""The view of a running search: a table on a terminal, one line for each trial elsewhere."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fcnet.tuning.status import FRUITLESS, Row, Status, in_words
from fcnet.wording import percent, shown

SHOWN = 8
"""Most complete trials in the table."""


class View:
    """Shows the status of a search.

    Parameters
    ----------
    console : where to write; standard output if not given

    Attributes
    ----------
    screen : the table is shown within this context, where there is a terminal
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stdout)
        self.begun = time.monotonic()
        self.status: Status | None = None
        self.end: float | None = None  # estimated, on the monotonic clock
        self.told: set[int] = set()
        self.screen: AbstractContextManager[object] = nullcontext()
        self.live = self.console.is_terminal and not self.console.is_dumb_terminal
        if self.live:
            self.screen = Live(console=self.console, get_renderable=self.render, refresh_per_second=2)

    def update(self, status: Status) -> bool:
        """Show a new status; where there is no terminal, print the trials that have ended since.

        Returns
        -------
        new : whether it is the first, or a trial has ended since the last
        """
        first = self.status is None
        self.status = status
        self.end = None if status.seconds_left is None else time.monotonic() + status.seconds_left
        new = [row for row in status.done if row.number not in self.told]
        self.told |= {row.number for row in new}
        if new and not self.live:
            asked = status.search.trials
            before = f"{len(new)}{f' of {asked}' if asked >= len(new) else ''} trials are there already"
            lines = [before] if first else [self.line(row, status) for row in new]
            print(*map(shown, lines), sep="\n", file=self.console.file, flush=True)
        return first or bool(new)

    def line(self, row: Row, status: Status) -> str:
        """A trial that has ended, in one line."""
        place = status.done.index(row) + 1
        best = status.best
        took = "" if row.seconds is None else f" in {duration(row.seconds)}"
        parts = [f"{place}/{status.search.trials}  trial {row.number}: {_result(row)}{took}"]
        if best is not None:
            parts.append("the best so far" if best is row else f"best {percent(best.value or 0)}")
        if place == len(status.done):
            parts += self._left(status)
        return ", ".join(parts) + f" ({_changes(row, status)})"

    def render(self) -> Group:
        """The table, with the time as it is now: running trials first, then as many of the best as fit."""
        if self.status is None:
            return Group(Text("starting"))
        status, room = self.status, max(self.console.height - 5, 2)  # but for the headline and the header
        running = status.running[: room - 1]
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), expand=True)
        table.add_column("trial", justify="right")
        table.add_column("validation", justify="right", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("what differs from the base", no_wrap=True, overflow="ellipsis", ratio=1)
        rows = [(row, f"{100 * row.progress:.0f} % done", "dim") for row in running]
        for place, row in enumerate(status.ranking[: min(SHOWN, room - len(running))]):
            took = "" if row.seconds is None else duration(row.seconds)
            rows.append((row, took, "bold" if place == 0 else ""))
        for row, took, style in rows:
            table.add_row(
                str(row.number), _result(row), took, Text(shown(_changes(row, status))), style=style
            )
        return Group(Text(self.headline(status)), table)

    def headline(self, status: Status) -> str:
        """The progress and the time of the search."""
        parts = [f"{len(status.done)} of {status.search.trials} trials"]
        states = ("pruned", *FRUITLESS, "failed", "stopped", "running")
        parts += [f"{number} {state}" for state in states if (number := status.counts[state])]
        parts.append(f"{duration(time.monotonic() - self.begun)} spent")
        return ", ".join(parts + self._left(status))

    def _left(self, status: Status) -> list[str]:
        """The time left in words; none once the estimate is used up, since trials still run then."""
        left = 0.0 if self.end is None else self.end - time.monotonic()
        return (
            [f"about {duration(left)} left"] if left >= 1 and len(status.done) < status.search.trials else []
        )


def _changes(row: Row, status: Status) -> str:
    return "" if row.settings is None else in_words(row.settings, status.search.base)


def _result(row: Row) -> str:
    if row.value is not None:
        return percent(row.value)
    reached = "" if row.reached is None else percent(row.reached)
    if row.state == "pruned":
        return f"pruned at {reached}" if reached else "pruned"
    return row.state if row.state in FRUITLESS else reached


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
