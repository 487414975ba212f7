"""Passes over pictures that are kept for evaluation: how many predictions are right, and what is printed.

Each whole pass over a loader ends with an event "pass". Its measures are shares by name: of right
predictions, of predictions by the smallest score, and what wrong ways of counting make of them. The lines
that the script prints after a pass are events "print".
"""

import sys
from collections.abc import Callable
from typing import Any

MOST_PRINTS = 300
"""Lines that are noted."""

MOST_TEXT = 200
"""Characters of a line."""


class Passes:
    """The pass that is under way.

    Parameters
    ----------
    note : takes an event's kind, number, text, source and measures
    """

    def __init__(self, note: Callable[..., None]) -> None:
        self.note = note
        self.batches: list[tuple[int, int, int]] = []  # size, right and least of each batch
        self.labels: Any = None
        self.reading = False  # whether a loader is being read
        self.ended = self.prints = 0

    def begin(self) -> None:
        """A loader begins."""
        self.batches, self.labels, self.reading = [], None, True

    def batch(self, labels: Any) -> None:
        """The next batch has these labels (N,)."""
        self.labels = labels
        self.batches.append((len(labels), 0, 0))

    def called(self, outputs: Any) -> None:
        """A network's outputs; those of the last call for a batch count."""
        torch = sys.modules["torch"]
        if self.labels is None or not isinstance(outputs, torch.Tensor) or outputs.dim() != 2:
            return
        if len(outputs) == len(self.labels):
            right, least = (
                int((outputs.detach().sort(1)[1][:, place] == self.labels).sum()) for place in (-1, 0)
            )
            self.batches[-1] = (len(self.labels), right, least)

    def end(self, source: str) -> None:
        """All batches of the loader of this part of the data were taken."""
        self.labels, self.reading = None, False
        sizes = [size for size, _, _ in self.batches]
        if not sizes or source == "train":
            return
        self.ended += 1
        total, right = sum(sizes), sum(right for _, right, _ in self.batches)
        shares = {
            "right": right / total,
            "least": sum(least for _, _, least in self.batches) / total,
            "minibatches": right / len(sizes),
            "size": right / sizes[0],
            "last": self.batches[-1][1] / sizes[-1],
            "last over all": self.batches[-1][1] / total,
            "mean": sum(right / size for size, right, _ in self.batches) / len(sizes),
            "full": right / (len(sizes) * sizes[0]),
        }
        self.note("pass", total, source=source, **shares)

    def printed(self, line: str) -> None:
        """The script prints a line."""
        if self.ended and not self.reading and self.prints < MOST_PRINTS and line.strip():
            self.prints += 1
            self.note("print", 0, line[:MOST_TEXT])


class Tee:
    """Standard output whose lines are noted."""

    def __init__(self, stream: Any, passes: Passes) -> None:
        self.stream, self.passes, self.rest = stream, passes, ""

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).replace("\r", "\n").split("\n")
        for line in lines:
            self.passes.printed(line)
        self.rest = self.rest[-MOST_TEXT:]
        return int(self.stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
