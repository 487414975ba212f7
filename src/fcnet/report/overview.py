"""The whole story in one wide picture: default against tuned, curves and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnet.report import style
from fcnet.report.pictures import SCALE, mosaic
from fcnet.report.reading import Records
from fcnet.train.history import Evaluation
from fcnet.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 5
"""Pictures in a row and in a column."""


def overview(records: Records) -> style.Drawing | None:
    """Validation accuracy of both runs against the epoch, and the first-layer weights of both."""
    default, tuned = records.default_history, records.tuned_history
    before, after = records.default_pictures, records.tuned_pictures
    if default is None or tuned is None or before is None or after is None:
        return None
    figure = style.new_figure(13.0, 4.9)
    curves, left, right = figure.subplots(1, 3, width_ratios=[1.18, 1, 1])
    _curves(curves, default, tuned)
    for axes, title, color, pictures in (
        (left, f"first layer, default: {before.total:,} units", style.GREY, before),
        (right, f"first layer, tuned: {after.total:,} units", style.VALIDATION, after),
    ):
        style.show_mosaic(axes, mosaic(pictures.after[: SIDE * SIDE], columns=SIDE))
        axes.set_title(title, color=color, fontsize=style.SMALL + 3)
    style.credit(figure, records.label, where="right")
    return style.Drawing(
        figure,
        f"Validation accuracy of the default run ({percent(default[-1].val_accuracy)}) and of the tuned run "
        f"({percent(tuned[-1].val_accuracy)}), and first-layer weights of both: the units with the largest "
        f"weights, {SCALE}.",
    )


def _curves(axes: Axes, default: Sequence[Evaluation], tuned: Sequence[Evaluation]) -> None:
    axes.set_xscale("log")
    high = max(default[-1].epoch, tuned[-1].epoch)
    short = default[-1].epoch < high / 2  # then there is room at the right of its end
    apart = tuned[-1].val_accuracy - default[-1].val_accuracy > 0.1  # else above it, or else below
    beside = (0, 9) if apart else (0, -20)
    for history, name, color, offset, side in (
        (default, "default", style.GREY, (8, -16) if short else beside, "left" if short else "right"),
        (tuned, "tuned", style.VALIDATION, (0, 9), "right"),
    ):
        epochs, accuracies = [row.epoch for row in history], [100 * row.val_accuracy for row in history]
        axes.plot(epochs, accuracies, "-", color=color, linewidth=2.8, label=name)
        axes.plot(epochs[-1:], accuracies[-1:], "o", color=color, markersize=7)
        axes.annotate(
            f"{name} {percent(history[-1].val_accuracy)}", (epochs[-1], accuracies[-1]), xytext=offset,
            textcoords="offset points", ha=side, color=color, fontweight="bold", fontsize=style.SMALL + 4,
        )  # fmt: skip
    axes.set_xticks(*_epoch_ticks(high, min(default[0].epoch, tuned[0].epoch)))
    axes.minorticks_off()
    axes.set_ylim(0, 1.15 * 100 * max(row.val_accuracy for row in (*default, *tuned)))
    axes.set_xlabel("epochs (logarithmic)")
    axes.set_title("validation accuracy (%)", fontsize=style.SMALL + 3)
    style.grid(axes)


def _epoch_ticks(high: float, low: float) -> tuple[list[float], list[str]]:
    powers = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
    few = high < 100 * low  # then a mark between two powers of ten, too
    every = sorted({step * power for power in powers for step in ((1, 3) if few else (1,))})
    ticks = [tick for tick in every if low * 0.9 <= tick <= high * 1.1]
    return ticks, [f"{tick:g}" for tick in ticks]
