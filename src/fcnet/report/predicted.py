"""A figure of pictures as a network saw them, enlarged, beside its predictions."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.errors import RunError
from fcnet.files import new_file, os_errors_as
from fcnet.report.style import BLUE, GREY, SMALL, house_style, new_figure, plain

ROW = 2.3
"""Inches of height for each picture."""


@dataclass(frozen=True)
class Answer:
    """A picture (channels, height, width) uint8, its name, what was done to it, its classes, best first."""

    name: str
    pixels: NDArray[np.uint8]
    steps: str
    classes: Sequence[tuple[str, float]]


def check_figure(path: Path) -> None:
    """Make sure that a file's ending is one of a figure, before anything is computed for it.

    Raises
    ------
    RunError : an ending that Matplotlib does not know
    """
    from matplotlib.backend_bases import FigureCanvasBase

    if path.suffix.lower().removeprefix(".") not in FigureCanvasBase.get_supported_filetypes():
        raise RunError(f"cannot draw into {path}, give a name that ends in .png, .svg or .pdf")


def draw_answers(answers: Sequence[Answer], path: Path, software: str) -> None:
    """Draw them one below the other into a file, whose ending says its format.

    Parameters
    ----------
    answers : what to draw
    path : the file
    software : a PNG file says that this drew it

    Raises
    ------
    RunError : as `check_figure`; the file cannot be written
    """
    check_figure(path)
    kind = path.suffix.lower().removeprefix(".")
    with house_style():
        figure = new_figure(7.5, ROW * len(answers))
        grid = figure.add_gridspec(len(answers), 2, width_ratios=(1, 2.2))
        for row, answer in enumerate(answers):
            seen, bars = figure.add_subplot(grid[row, 0]), figure.add_subplot(grid[row, 1])
            pixels = answer.pixels.transpose(1, 2, 0)
            pixels = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
            seen.imshow(pixels, interpolation="none")
            seen.set_axis_off()
            names = [plain(name, 24) for name, _ in answer.classes]
            values = [100 * probability for _, probability in answer.classes]
            places = range(len(names))
            bars.barh(places, values, color=BLUE, height=0.6)
            bars.set_yticks(places, names)
            bars.invert_yaxis()
            bars.set_xlim(0, 118)
            bars.set_xticks([])
            bars.spines["bottom"].set_visible(False)
            for place, value in zip(places, values, strict=True):
                bars.text(value + 1.5, place, f"{value:.1f} %", va="center", fontsize=SMALL)
            bars.set_title(plain(answer.name, 44))
            bars.set_xlabel(
                textwrap.fill(plain(answer.steps), 66), fontsize=SMALL - 2, color=GREY, loc="left"
            )
        with os_errors_as(f"cannot write {path}", "choose another place"), new_file(path) as file:
            about = {"Software": software} if kind == "png" else None
            figure.savefig(file, format=kind, dpi=160, metadata=about)
