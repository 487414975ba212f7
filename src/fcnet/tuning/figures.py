"""Optuna's figures of a search in this project's style, drawn from study.json alone.

    python -m fcnet.tuning.figures STUDY.json FOLDER

history      accuracy of each trial, and the best so far
importance   what mattered
parallel     every complete trial as a line through the settings that mattered most
"""

from __future__ import annotations

import io
import math
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.study import Study
from optuna.trial import FixedTrial, TrialState

import fcnet.report.style as style
from fcnet.errors import FcnetError, RunError
from fcnet.extras import require
from fcnet.files import write_atomically
from fcnet.records import read_json
from fcnet.train.config import TrainConfig
from fcnet.tuning.search import FORMAT
from fcnet.tuning.space import Space
from fcnet.tuning.status import FRUITLESS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOTS_PER_INCH = 150
"""Of the PNG files."""

WIDTH = 9.6
"""Inches of every figure."""

FAINTEST = 0.12
"""Opacity of the worst of the complete trials; the better, the stronger, on light pages and on dark ones."""

ACCURACY = "validation accuracy (%)"

AXES = 6
"""Settings in the parallel coordinates, so that their names and numbers stay readable."""

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

    study : its trials, with accuracies in per cent
    ranked : names of what was varied, the most important first; as in the space where that is unknown
    importance : whether that is known
    base : accuracy of the base in per cent, if it is complete
    credit : what a figure of it was made from
    """

    study: Study
    ranked: tuple[str, ...]
    importance: bool
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
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(direction="maximize")
    rows = sorted(record["trials"], key=lambda row: row["number"])
    complete = [row for row in rows if row["state"] == "complete"]
    for row in rows:
        trial = optuna.create_trial(state=TrialState.FAIL)  # of these, Optuna's figures show none
        if row in complete:
            fixed = FixedTrial(row["params"])
            space.suggested(cast(optuna.Trial, fixed))
            trial = optuna.create_trial(
                value=100 * row["value"], params=fixed.params, distributions=fixed.distributions
            )
        study.add_trial(trial)
    known = tuple(record["importance"])
    others = tuple(one.name for one in space.dimensions if one.name not in known)
    done = len(complete) + sum(row["state"] in ("pruned", *FRUITLESS) for row in rows)
    counts = f"{done} trials of {epochs} epochs, {len(complete)} of them complete"
    return Recorded(
        study,
        known + others,
        importance=bool(known),
        base=next((100 * row["value"] for row in complete if row["base"]), None),
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
    complete = len(search.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
    drawings = [history] if complete else []
    drawings += [importance] if complete and search.importance else []
    drawings += [parallel] if complete > 1 else []
    written = []
    for drawing in drawings:
        with _our_style():
            figure: Any = drawing(search).get_figure()
            style.credit(figure, search.credit, where="below")
            path = folder / f"{drawing.__name__}.svg"
            style.save(figure, path)
            png = io.BytesIO()
            figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
            write_atomically(path.with_suffix(".png"), png.getvalue())
            written += [path, path.with_suffix(".png")]
    return written


def history(search: Recorded) -> Axes:
    """Each complete trial, and the best so far."""
    axes = optuna.visualization.matplotlib.plot_optimization_history(search.study, target_name=ACCURACY)
    _arrange(axes, "What the search found, trial by trial", 4.4)
    axes.set_xlabel("trial")
    for points in axes.collections:
        points.set_color(style.SKY)
    axes.lines[0].set(color=style.VALIDATION, alpha=1.0, linewidth=2.0, drawstyle="steps-post")
    handles, _ = axes.get_legend_handles_labels()
    if search.base is not None:
        handles.append(axes.axhline(search.base, color=style.GREY, linewidth=1.2, linestyle=(0, (5, 3))))
    words = ["complete trial", "best so far", "the base"][: len(handles)]
    axes.legend(
        handles, words, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=style.SMALL
    )
    style.grid(axes)
    return axes


def importance(search: Recorded) -> Axes:
    """Optuna's measure of how much each setting decided whether a trial was among the best."""
    axes = optuna.visualization.matplotlib.plot_param_importances(search.study, target_name=ACCURACY)
    _arrange(axes, "What mattered", 1.5 + 0.36 * len(search.ranked))
    axes.set_xlabel("share in what distinguishes the best trials from the others")
    axes.set_ylabel("")
    axes.set_yticks(axes.get_yticks(), [_name(label.get_text()) for label in axes.get_yticklabels()])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for bar in axes.patches:
        bar.set_facecolor(style.BLUE)
    for share in axes.texts:
        share.set(text=f" {share.get_text()}", fontsize=style.SMALL)
    if (legend := axes.get_legend()) is not None:
        legend.remove()
    style.grid(axes, "x")
    return axes


def parallel(search: Recorded) -> Axes:
    """One axis for each of the most important settings; a line for each complete trial, darker if better."""
    axes = optuna.visualization.matplotlib.plot_parallel_coordinate(
        search.study, params=list(search.ranked[:AXES]), target_name=ACCURACY
    )
    _arrange(axes, "The best trials and the settings that mattered most", 5.0)
    names = [_name(label.get_text()) for label in axes.get_xticklabels()]
    axes.set_xticks(axes.get_xticks(), [textwrap.fill(name, 12) for name in names], rotation=0)
    axes.tick_params(axis="x", length=0, pad=8)
    _recolour(axes)
    figure: Any = axes.get_figure()
    figure.axes[1].remove()  # the colours' bar: the first axis says the same
    for scale in figure.axes[1:]:
        scale.spines["right"].set(visible=True, color=style.GREY)
        _few_marks(scale)
    return axes


def _recolour(axes: Axes) -> None:
    """The better a trial, the stronger its line; the best one in orange."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    (lines,) = (one for one in axes.collections if isinstance(one, LineCollection))
    values: Any = lines.get_array()
    ends = [to_rgba(style.BLUE, FAINTEST), to_rgba(style.BLUE, 0.3), to_rgba(style.BLUE, 1.0)]
    lines.set(cmap=LinearSegmentedColormap.from_list("trials", ends), linewidth=1.2)
    across, up = zip(*lines.get_segments()[int(values.argmax())], strict=True)
    axes.plot(across, up, color=style.ORANGE, linewidth=3.0, label="best", zorder=3)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, fontsize=style.SMALL)


def _few_marks(scale: Axes) -> None:
    """Three or four numbers on an axis of numbers, on white where lines pass behind them."""
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter

    low, high = scale.get_ylim()
    if scale.get_yscale() == "log":
        marks = (low, math.sqrt(low * high), high)
        scale.set_yticks(marks, [f"{mark:.2g}".replace("e+0", "e") for mark in marks])
        scale.yaxis.set_minor_formatter(NullFormatter())
        scale.tick_params(axis="y", which="minor", length=0)
    elif not isinstance(scale.yaxis.get_major_locator(), FixedLocator):  # a choice keeps its marks
        scale.yaxis.set_major_locator(MaxNLocator(nbins=4))
    for label in scale.get_yticklabels():
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85})


def _name(dimension: str) -> str:
    """A dimension as people call it."""
    if dimension.startswith("hidden_") and dimension != "hidden_1":
        return f"units, layer {dimension.removeprefix('hidden_')}"
    return WORDS.get(dimension, dimension.replace("_", " "))


@contextmanager
def _our_style() -> Iterator[None]:
    """Optuna draws with pyplot in the style ggplot. Here that is ours, no window opens, nothing is kept."""
    with style.quiet_start():
        import matplotlib.pyplot as plt
        from matplotlib.style import library

    before, known, ggplot = plt.get_backend(), set(plt.get_fignums()), library["ggplot"]
    plt.switch_backend("agg")
    try:
        with style.house_style(), warnings.catch_warnings():
            library["ggplot"] = cast(Any, style.STYLE)
            warnings.simplefilter("ignore", ExperimentalWarning)  # so are all of its plots
            warnings.filterwarnings(
                "ignore", message="Attempting to set identical"
            )  # of one value on an axis
            yield
    finally:
        library["ggplot"] = ggplot
        for number in set(plt.get_fignums()) - known:
            plt.close(number)
        plt.switch_backend(before)


def _arrange(axes: Axes, title: str, height: float) -> None:
    """Give a figure of Optuna's our title, size and margins."""
    figure: Any = axes.get_figure()
    figure.set_layout_engine("constrained")
    figure.set_size_inches(WIDTH, height)
    axes.set_title(title, y=1.0)


def main(arguments: list[str]) -> int:
    """Draw from the command line; returns the exit status."""
    if len(arguments) != 2:
        print("error: give two words, STUDY.json and FOLDER", file=sys.stderr)
        return 2
    try:
        for path in draw(Path(arguments[0]), Path(arguments[1])):
            print(path)
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
