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
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

import fcnet.report.style as style
from fcnet.errors import RunError
from fcnet.extras import require
from fcnet.files import write_atomically
from fcnet.records import read_json
from fcnet.schema import Count, Data, Fraction, NotNegative, Object, Whole, Word, checked
from fcnet.tuning.search import FORMAT
from fcnet.tuning.space import Dimension, Space
from fcnet.tuning.status import DONE
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


class Trial(Struct, frozen=True):
    """A trial; its accuracy, once it is complete, is a fraction."""

    number: Whole
    state: Word
    base: bool
    params: Object
    value: Fraction | None

    def __post_init__(self) -> None:
        if self.state == "complete" and self.value is None:
            raise ValueError("a complete trial has no value")

    @property
    def accuracy(self) -> float:
        """In per cent, of a complete trial."""
        return 100 * (self.value or 0.0)


class Base(Struct, frozen=True):
    """What is said of the base's settings."""

    epochs: Count


class Study(Struct, frozen=True):
    """What the figures read of study.json.

    importance : share of each setting, the most important first; empty where that is unknown
    """

    base: Base
    space: tuple[Dimension, ...]
    trials: tuple[Trial, ...]
    importance: dict[Word, NotNegative]
    data: Data

    def __post_init__(self) -> None:
        for trial in self.complete:
            Space(self.space).check(trial.params)

    @property
    def complete(self) -> list[Trial]:
        """The complete trials, by their numbers."""
        return sorted((one for one in self.trials if one.state == "complete"), key=lambda one: one.number)

    @property
    def ranked(self) -> list[Dimension]:
        """What was varied, the most important first; as in the space where that is unknown."""
        ranks = {name: rank for rank, name in enumerate(self.importance)}
        return sorted(self.space, key=lambda one: ranks.get(one.name, len(ranks)))

    @property
    def credit(self) -> str:
        """What a figure was made from."""
        done, complete = sum(one.state in DONE for one in self.trials), len(self.complete)
        length = "1 epoch" if self.base.epochs == 1 else f"{self.base.epochs} epochs"
        return f"{self.data.label}; {done} trials of {length}, {complete} of them complete"


def read_search(path: Path) -> Study:
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
    return checked(record, Study, path, "resume its search to write it again")


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
    complete = search.complete
    drawings = [history] if complete else []
    drawings += [importance] if complete and search.importance else []
    drawings += [parallel] if len(complete) > 1 and any(one.params for one in complete) else []
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


def history(search: Study) -> Figure:
    """Each complete trial, and the best so far."""
    figure, axes = _empty("What the search found, trial by trial", 4.4)
    numbers = [trial.number for trial in search.complete]
    accuracies = [trial.accuracy for trial in search.complete]
    best = list(accumulate(accuracies, max))
    axes.plot(numbers, accuracies, "o", color=style.SKY, label="complete trial")
    axes.step(numbers, best, where="post", color=style.VALIDATION, label="best so far")
    dashes: Any = {"color": style.GREY, "linewidth": 1.2, "linestyle": (0, (5, 3)), "label": "the base"}
    for base in [trial for trial in search.complete if trial.base]:
        axes.axhline(base.accuracy, **dashes)
    axes.locator_params("x", integer=True)
    axes.set(xlabel="trial", ylabel=ACCURACY)
    _legend(axes)
    style.grid(axes)
    return figure


def importance(search: Study) -> Figure:
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


def parallel(search: Study) -> Figure:
    """An axis for each of the most important settings; a line for each complete trial, stronger if better."""
    figure, axes = _empty("The best trials and the settings that mattered most", 5.0)
    trials = search.complete
    used = {name for trial in trials for name in trial.params}
    shown = [dimension for dimension in search.ranked if dimension.name in used][:AXES]
    names = [ACCURACY, *(_name(dimension.name) for dimension in shown)]
    axes.set_xticks(range(len(names)), [textwrap.fill(name, 12) for name in names])
    axes.tick_params(axis="x", length=0, pad=8)
    axes.set_xlim(0, len(shown))
    axes.spines["bottom"].set_visible(False)
    columns = [_heights(axes, Dimension(ACCURACY), [trial.accuracy for trial in trials])]
    for place, dimension in enumerate(shown, start=1):
        scale: Any = axes.twinx()
        scale.spines[["left", "bottom"]].set_visible(False)
        scale.spines["right"].set(visible=True, position=("axes", place / len(shown)))
        columns.append(_heights(scale, dimension, [trial.params.get(dimension.name) for trial in trials]))
    strength = [FAINTEST + (1 - FAINTEST) * height**2 for height in columns[0]]
    *others, best = sorted(range(len(trials)), key=lambda place: (trials[place].accuracy, -place))
    how: Any = {"transform": axes.get_xaxis_transform(), "clip_on": False}
    for place in others:
        heights = [column[place] for column in columns]
        axes.plot(heights, color=style.BLUE, alpha=strength[place], linewidth=1.2, **how)
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
        within = [mark for mark in locator.tick_values(low, high) if low <= mark <= high]
        marks = {mark: f"{mark:g}" for mark in within} or {low: f"{low:.4g}"}  # of equal values that one
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
