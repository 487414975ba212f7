"""Draws every figure of a reproduction from its records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fcnet.data.dataset import Dataset
from fcnet.report.captions import caption
from fcnet.report.default import default_run, default_weights
from fcnet.report.depth import depth, signal
from fcnet.report.ladder import ladder
from fcnet.report.overview import overview
from fcnet.report.reading import Records
from fcnet.report.style import house_style, save
from fcnet.report.toy import gradient_error, toy_training
from fcnet.report.tuned import confusion, tuned_curves, tuned_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[Records], "Figure | None"]

DRAWINGS: tuple[Drawing, ...] = (
    overview, toy_training, gradient_error, default_run, default_weights, ladder,
    tuned_curves, tuned_weights, confusion, depth, signal,
)  # fmt: skip
"""In the order in which they are read; a figure's file has the name of its function."""


def draw_all(out: Path, dataset: Dataset) -> list[tuple[Path, str]]:
    """Draw what the records in `out` allow into its folder `figures`.

    Parameters
    ----------
    out : the folder of a reproduction
    dataset : that it was made from

    Returns
    -------
    figures : the path of each, and what it shows in one sentence

    Raises
    ------
    RunError : a record is damaged, or a figure cannot be written
    """
    return draw(out, out / "figures", dataset.label)


def draw(out: Path, folder: Path, label: str | None = None) -> list[tuple[Path, str]]:
    """Draw what the records in `out` allow into `folder`; returns each figure's path and caption.

    label : the data set's, with what must be known about this copy; as the records have it, if not given
    """
    records = Records(out, label)
    drawn = []
    with house_style():
        for drawing in DRAWINGS:
            figure = drawing(records)
            if figure is not None:
                path = folder / f"{drawing.__name__}.svg"
                save(figure, path)
                drawn.append((path, caption(drawing.__name__, records)))
    return drawn
