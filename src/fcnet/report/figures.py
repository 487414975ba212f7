"""Draws every figure of a reproduction from its records, once: for its folder and for the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.files import write_atomically
from fcnet.report.default import default_run, default_weights
from fcnet.report.depth import depth, signal
from fcnet.report.ladder import ladder
from fcnet.report.overview import overview
from fcnet.report.panels import Panel, panels
from fcnet.report.reading import Records
from fcnet.report.style import Drawing, house_style, svg
from fcnet.report.toy import gradient_error, toy_training
from fcnet.report.tuned import confusion, tuned_curves, tuned_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

FIGURES: dict[str, Callable[[Records], Drawing | None]] = {
    "overview": overview, "toy_training": toy_training, "gradient_error": gradient_error,
    "default_run": default_run, "default_weights": default_weights, "ladder": ladder,
    "tuned_curves": tuned_curves, "tuned_weights": tuned_weights, "confusion": confusion, "depth": depth,
    "signal": signal,
}  # fmt: skip
"""The figures in reading order; each function returns None if its records are missing."""


@dataclass(frozen=True)
class Drawn:
    """A figure as SVG, with what it shows in a sentence or two, and its curves in numbers."""

    name: str
    svg: str
    caption: str
    panels: tuple[Panel, ...]


def draw(records: Records) -> Iterator[Drawn]:
    """Draw the figures that the records allow, one after the other.

    Raises
    ------
    RunError : a record is damaged
    """
    for name, figure in FIGURES.items():
        with house_style():
            drawing = figure(records)
            markup = svg(drawing.figure) if drawing else ""  # settles the layout that panels are read from
        if drawing is not None:
            yield Drawn(name, markup, drawing.caption, panels(drawing.figure))


def write(drawn: Sequence[Drawn], folder: Path) -> list[Path]:
    """Write figures into a folder, each as NAME.svg; returns their paths.

    Raises
    ------
    RunError : a file cannot be written
    """
    paths = [folder / f"{one.name}.svg" for one in drawn]
    for path, one in zip(paths, drawn, strict=True):
        write_atomically(path, one.svg)
    return paths
