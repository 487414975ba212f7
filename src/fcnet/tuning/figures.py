"""The search as figures, drawn from study.json alone.

    python -m fcnet.tuning.figures STUDY.json FOLDER

budget       accuracy against the time that all trainings took together
importance   what mattered
parallel     every trial as a line through its settings
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fcnet.report.style as style
from fcnet.errors import FcnetError
from fcnet.files import write_atomically
from fcnet.tuning.parallel import parallel
from fcnet.tuning.reading import Search, Trial, read_search

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

DOTS_PER_INCH = 150
"""Of the PNG files."""


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
    """
    search = read_search(record)
    written = []
    with style.house_style():
        for drawing in DRAWINGS:
            figure = drawing(search)
            if figure is not None:
                path = folder / f"{drawing.__name__}.svg"
                style.save(figure, path)
                write_atomically(path.with_suffix(".png"), _png(figure))
                written += [path, path.with_suffix(".png")]
    return written


def budget(search: Search) -> Figure | None:
    """Each trial when it ended, and the best so far, against the training time of all until then."""
    if search.best is None:
        return None
    figure = style.new_figure(9.6, 4.6)
    axes = figure.subplots()
    unit, name = (60.0, "minutes") if _total(search) >= 180 else (1.0, "seconds")
    spent, times = 0.0, []
    for trial in search.trials:
        spent += trial.seconds / unit
        times.append(spent)
    _dots(axes, search, times)
    complete = [(time, 100 * one.value) for time, one in zip(times, search.trials, strict=True) if one.value]
    best = list(accumulate((value for _, value in complete), max))
    axes.step(
        [time for time, _ in complete] + [spent],
        [*best, best[-1]],
        where="post",
        color=style.VALIDATION,
        zorder=2,
    )
    ends = [(spent, best[-1], f"best {best[-1]:.1f} %", style.VALIDATION)]
    if search.first is not None and search.first.value is not None:
        base = 100 * search.first.value
        axes.axhline(base, color=style.GREY, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1)
        ends.append((spent, base, f"base {base:.1f} %", style.GREY))
    style.end_labels(axes, ends)
    axes.set_xlim(0, spent * 1.02)
    axes.set_xlabel(f"training time of all trials so far ({name})")
    axes.set_ylabel("validation accuracy (%)")
    style.grid(axes)
    axes.set_title("What the search had found, and when")
    axes.yaxis.set_major_locator(_whole())
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=style.SMALL, borderpad=0
    )
    style.credit(figure, search.credit, where="below")
    return figure


def _total(search: Search) -> float:
    return sum(trial.seconds for trial in search.trials)


def _dots(axes: Axes, search: Search, times: list[float]) -> None:
    """Complete trials filled, pruned ones hollow at what they had reached."""
    looks: tuple[tuple[str, str, dict[str, Any], Callable[[Trial], float | None]], ...] = (
        ("complete", "complete", {"color": style.SKY, "markersize": 7}, lambda trial: trial.value),
        (
            "pruned", "ended early, at what it had reached",
            {"color": "white", "markeredgecolor": style.GREY, "markersize": 6}, lambda trial: trial.reached,
        ),
    )  # fmt: skip
    for state, label, look, height in looks:
        points = [
            (time, 100 * (height(trial) or 0.0))
            for time, trial in zip(times, search.trials, strict=True)
            if trial.state == state and height(trial) is not None
        ]
        if points:
            axes.plot(*zip(*points, strict=True), "o", label=label, zorder=3, **look)


def importance(search: Search) -> Figure | None:
    """Optuna's measure of how much each setting decided whether a trial was among the best."""
    if not search.importance:
        return None
    shares = list(search.importance.items())
    figure = style.new_figure(9.6, 1.5 + 0.36 * len(shares))
    axes = figure.subplots()
    rows = range(len(shares))
    axes.barh(rows, [100 * share for _, share in shares], color=style.BLUE, height=0.62)
    for row, (_, share) in zip(rows, shares, strict=True):
        axes.annotate(
            f"{100 * share:.0f} %", (100 * share, row), xytext=(5, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(rows, [search.name(name) for name, _ in shares])
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlim(0, 100 * shares[0][1] * 1.12)
    axes.xaxis.set_major_locator(_whole())
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("share in what told the best trials from the others (%)")
    style.grid(axes, "x")
    axes.set_title("What mattered")
    style.credit(figure, search.credit, where="below")
    return figure


DRAWINGS: tuple[Callable[[Search], Figure | None], ...] = (budget, importance, parallel)
"""A figure's file has the name of its function."""


def _whole() -> MaxNLocator:
    """Marks at whole per cents."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=7, integer=True)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


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
