"""The figures of a search, drawn from study.json alone.

history      accuracy of each trial, and the best so far
importance   what mattered
parallel     every complete trial as a line through the settings that mattered most
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fcnet.report.style as style
from fcnet.errors import RunError
from fcnet.extras import require
from fcnet.files import write_atomically
from fcnet.records import read_json
from fcnet.train.config import TrainConfig
from fcnet.tuning.search import FORMAT
from fcnet.tuning.space import Dimension, Space
from fcnet.tuning.status import FRUITLESS
from fcnet.wording import setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150
"""Of the PNG files."""

WIDTH = 9.6
"""Inches of every figure."""

FAINTEST = 0.12
"""Opacity of the worst of the complete trials; the better, the stronger, on light pages and on dark ones."""

ACCURACY = "validation accuracy (%)"

AXES = 6
"""Settings in the parallel coordinates, so that their names and numbers stay readable."""

UNUSED = 0.12
"""Fraction of an axis below its numbers, where it has trials in which its setting had no effect."""

WORDS = {
    "reg": "L2 (lambda)",
    "shift": "shift (pixels)",
    "rotate": "rotate (degrees)",
    "zoom": "zoom (fraction)",
    "decay": "decay per epoch",
    "warmup_epochs": "warm-up (epochs)",
    "depth": "hidden layers",
    "hidden_1": "hidden units",
    "initialisation": "initial weights",
}
"""Settings whose name is not enough of a label."""


@dataclass(frozen=True)
class Recorded:
    """A search as its record has it.

    numbers, accuracies : of its complete trials, accuracies in per cent
    params : what the sampler suggested for each of them
    dimensions : what was varied, the most important first; as in the space where that is unknown
    importance : share of each name, the most important first; empty where that is unknown
    base : accuracy of the base in per cent, if it is complete
    credit : what a figure of it was made from
    """

    numbers: tuple[int, ...]
    accuracies: tuple[float, ...]
    params: tuple[dict[str, Any], ...]
    dimensions: tuple[Dimension, ...]
    importance: dict[str, float]
    base: float | None
    credit: str


def read_search(path: Path) -> Recorded:
    """Read study.json.

    Raises
    ------
    RunError : it is missing or damaged, or of another version
    """
    record = read_json(path)
    if record.get("format") != FORMAT or "trials" not in record:
        raise RunError(
            f"{path} is not a record of a search by this version of fcnet, use the version that wrote it"
        )
    try:
        return _recorded(record, str(path))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise RunError(f"{path} is damaged: {reason}; resume its search to write it again") from error


def _recorded(record: dict[str, Any], where: str) -> Recorded:
    space = Space.from_list(record["space"])
    epochs = TrainConfig.from_dict(record["base"], where).epochs
    rows = sorted(record["trials"], key=lambda row: int(row["number"]))
    complete = [row for row in rows if row["state"] == "complete"]
    for row in complete:
        space.check(row["params"])
    importance = {str(name): float(share) for name, share in record["importance"].items()}
    ranks = {name: rank for rank, name in enumerate(importance)}
    done = len(complete) + sum(row["state"] in ("pruned", *FRUITLESS) for row in rows)
    counts = f"{done} trials of {epochs} epochs, {len(complete)} of them complete"
    return Recorded(
        tuple(row["number"] for row in complete),
        tuple(100 * float(row["value"]) for row in complete),
        tuple(row["params"] for row in complete),
        tuple(sorted(space.dimensions, key=lambda one: ranks.get(one.name, len(ranks)))),
        importance,
        base=next((100 * float(row["value"]) for row in complete if row["base"]), None),
        credit=f"{record['data']['label']}; {counts}",
    )


def draw(record: Path, folder: Path) -> list[Path]:
    """Draw what the record allows, each figure as SVG and PNG.

    Parameters
    ----------
    record : study.json of a search
    folder : for the figures

    Returns
    -------
    figures : their files

    Raises
    ------
    RunError : the record is missing, damaged or of another version, or a figure cannot be written
    MissingExtraError : Matplotlib is not installed
    """
    require("matplotlib", "tune")
    search = read_search(record)
    complete = len(search.numbers)
    drawings = [history] if complete else []
    drawings += [importance] if complete and search.importance else []
    drawings += [parallel] if complete > 1 and any(search.params) else []
    written = []
    for drawing in drawings:
        with style.house_style():
            figure = drawing(search)
            style.credit(figure, search.credit, where="below")
            path = folder / f"{drawing.__name__}.svg"
            style.save(figure, path)
            png = io.BytesIO()
            figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
            write_atomically(path.with_suffix(".png"), png.getvalue())
            written += [path, path.with_suffix(".png")]
    return written


def history(search: Recorded) -> Figure:
    """Each complete trial, and the best so far."""
    figure, axes = _empty("What the search found, trial by trial", 4.4)
    best = list(accumulate(search.accuracies, max))
    axes.plot(search.numbers, search.accuracies, "o", color=style.SKY, label="complete trial")
    axes.step(search.numbers, best, where="post", color=style.VALIDATION, label="best so far")
    if search.base is not None:
        dashes: Any = {"color": style.GREY, "linewidth": 1.2, "linestyle": (0, (5, 3))}
        axes.axhline(search.base, **dashes, label="the base")
    axes.locator_params("x", integer=True)
    axes.set(xlabel="trial", ylabel=ACCURACY)
    _legend(axes)
    style.grid(axes)
    return figure


def importance(search: Recorded) -> Figure:
    """How much each setting decided whether a trial was among the best."""
    figure, axes = _empty("What mattered", 1.5 + 0.36 * len(search.importance))
    shares = list(search.importance.values())
    bars = axes.barh(range(len(shares)), shares, color=style.BLUE)
    axes.set_yticks(range(len(shares)), [_name(name) for name in search.importance])
    words = [f"{share:.2f}" if share >= 0.01 else "<0.01" for share in shares]
    axes.bar_label(bars, words, padding=4, fontsize=style.SMALL)
    axes.set(xlabel="share in what distinguishes the best trials from the others")
    axes.margins(x=0.08)  # room for the last number
    axes.invert_yaxis()  # the most important on top
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    style.grid(axes, "x")
    return figure


def parallel(search: Recorded) -> Figure:
    """An axis for each of the most important settings; a line for each complete trial, stronger if better."""
    figure, axes = _empty("The best trials and the settings that mattered most", 5.0)
    used = {name for params in search.params for name in params}
    shown = [dimension for dimension in search.dimensions if dimension.name in used][:AXES]
    names = [ACCURACY, *(_name(dimension.name) for dimension in shown)]
    axes.set_xticks(range(len(names)), [textwrap.fill(name, 12) for name in names])
    axes.tick_params(axis="x", length=0, pad=8)
    axes.set_xlim(0, len(shown))
    axes.spines["bottom"].set_visible(False)
    columns = [_heights(axes, Dimension(ACCURACY), search.accuracies)]
    for place, dimension in enumerate(shown, start=1):
        scale: Any = axes.twinx()
        scale.spines[["left", "bottom"]].set_visible(False)
        scale.spines["right"].set(visible=True, position=("axes", place / len(shown)))
        columns.append(_heights(scale, dimension, [one.get(dimension.name) for one in search.params]))
    strength = [FAINTEST + (1 - FAINTEST) * height**2 for height in columns[0]]
    *others, best = sorted(range(len(strength)), key=lambda trial: (search.accuracies[trial], -trial))
    how: Any = {"transform": axes.get_xaxis_transform(), "clip_on": False}
    for trial in others:
        heights = [column[trial] for column in columns]
        axes.plot(heights, color=style.BLUE, alpha=strength[trial], linewidth=1.2, **how)
    axes.plot([column[best] for column in columns], color=style.ORANGE, linewidth=3.0, label="best", **how)
    _legend(axes)
    return figure


def _heights(scale: Axes, dimension: Dimension, values: Sequence[Any]) -> list[float]:
    """Give an axis the range and the marks of its values; where these are on it, from 0 to 1.

    None among the values is a trial in which the setting had no effect, and is at the bottom.
    """
    from matplotlib.ticker import MaxNLocator

    if dimension.values:
        number: Callable[[Any], float] = dimension.values.index
        known: Sequence[float] = range(len(dimension.values))
        marks = {float(place): setting(value) for place, value in enumerate(dimension.values)}
    else:
        number = math.log if dimension.log else float
        known = [number(value) for value in values if value is not None]
    low, high = min(known), max(known)
    if dimension.log:
        digits = ".0f" if dimension.whole else ".2g"
        words = {mark: format(math.exp(mark), digits) for mark in (low, (low + high) / 2, high)}
        marks = {mark: word.replace("e+0", "e") for mark, word in words.items()}
    elif not dimension.values:
        locator = MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=bool(dimension.whole))
        marks = {mark: f"{mark:g}" for mark in locator.tick_values(low, high) if low <= mark <= high}
    bottom = UNUSED if None in values else 0.0

    def height(place: float) -> float:
        return bottom + (1 - bottom) * ((place - low) / (high - low) if high > low else 0.5)

    ticks = {height(place): word for place, word in marks.items()} | ({0.0: "unused"} if bottom else {})
    scale.set_ylim(0, 1)
    scale.set_yticks(list(ticks), list(ticks.values()))
    for label in scale.get_yticklabels():  # on white where lines pass behind it
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85})
    return [0.0 if value is None else height(number(value)) for value in values]


def _empty(title: str, height: float) -> tuple[Figure, Axes]:
    figure = style.new_figure(WIDTH, height)
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def _legend(axes: Axes) -> None:
    """In one row at the right, beside the title."""
    corner: Any = {"loc": "lower right", "bbox_to_anchor": (1, 1)}
    axes.legend(**corner, ncols=3, frameon=False, handlelength=2.6, fontsize=style.SMALL)


def _name(dimension: str) -> str:
    """A dimension as people call it."""
    if dimension.startswith("hidden_") and dimension != "hidden_1":
        return f"units, layer {dimension.removeprefix('hidden_')}"
    return WORDS.get(dimension, dimension.replace("_", " "))
