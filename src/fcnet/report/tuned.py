"""Question 3, the tuned run: its curves, its weights as pictures, and what it confuses on the test set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fcnet.report import style
from fcnet.report.pictures import SCALE, mosaic
from fcnet.report.reading import Records
from fcnet.train.history import TRAINING_SAMPLE, Evaluation
from fcnet.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

STRONGEST = 0.65
"""Opacity of a cell of 100 %: numbers in ink stay readable on it, on a light page and on a dark one."""

MOST_NUMBERED, MOST_NAMED = 12, 30
"""Classes up to which the confusion matrix has room for numbers in its cells, and for names on its sides."""


def tuned_curves(records: Records) -> style.Drawing | None:
    """Loss and accuracy against the epoch, training and validation."""
    history = records.tuned_history
    if history is None:
        return None
    figure = style.new_figure(9.6, 4.0)
    losses, accuracies = figure.subplots(1, 2)
    _pair(losses, history, lambda row: (row.loss, row.val_loss), "{:.2f}", "training")
    _pair(
        accuracies,
        history,
        lambda row: (100 * row.train_accuracy, 100 * row.val_accuracy),
        "{:.1f} %",
        TRAINING_SAMPLE,
    )
    losses.set_title("Loss (nats)")
    accuracies.set_title("Accuracy (%)")
    style.credit(figure, records.label)
    return style.Drawing(
        figure,
        f"Loss and accuracy of {records.name} after each epoch. The training loss is the mean over the "
        f"epoch's minibatches; the {TRAINING_SAMPLE} are the first training examples, as many as there are "
        "for validation.",
    )


def tuned_weights(records: Records) -> style.Drawing | None:
    """First-layer weights of the tuned net, largest first, and what they were before where that was kept."""
    pictures = records.tuned_pictures
    if pictures is None:
        return None
    shown = len(pictures.after)
    which = f"the {shown} largest of {pictures.total:,}" if shown < pictures.total else f"all {shown}"
    sides = [(f"What the hidden units look for: {which}", pictures.after)]
    if len(pictures.before):
        sides = [("Before", pictures.before), (f"After: {which} units", pictures.after)]
    sheets = [(title, mosaic(side, columns=8)) for title, side in sides]
    width = 4.7 if len(sheets) == 2 else 9.2
    figure = style.new_figure(width * len(sheets) + 0.4, style.mosaic_height(sheets[0][1], width, most=9.6))
    for axes, (title, sheet) in zip(np.ravel(figure.subplots(1, len(sheets))), sheets, strict=True):
        style.show_mosaic(axes, sheet)
        axes.set_title(title)
    style.credit(figure, records.label, where="below")
    both = ", before and after training" if len(pictures.before) else ""
    return style.Drawing(
        figure,
        f"First-layer weights of the {shown} units of {records.name} with the largest weights, out of "
        f"{pictures.total:,}{both}, {SCALE}.",
    )


def confusion(records: Records) -> style.Drawing | None:
    """The confusion matrix of the test set, each true class summing to 100 %."""
    test = records.test
    if test is None or not test.classes:
        return None
    counts = np.array(test.confusion, float)
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = style.new_figure(7.6, 7.2)
    axes = figure.subplots()
    edges = np.arange(len(share) + 1) - 0.5  # rectangles and not an image, which viewers would blur
    axes.pcolormesh(edges, edges, share, cmap=_blues(), vmin=0, vmax=100, linewidth=0)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    _name_classes(axes, test.classes)
    if len(test.classes) <= MOST_NUMBERED:
        for (row, column), value in np.ndenumerate(share):
            axes.text(
                column, row, f"{value:.0f}", ha="center", va="center", fontsize=style.SMALL,
                color=style.INK if value >= 5 or row == column else style.GREY,
                fontweight="bold" if row == column else "normal",
            )  # fmt: skip
    axes.set_title(f"Test accuracy {percent(test.accuracy)}: where each class ends up (%)", loc="left")
    style.credit(figure, records.label)
    return style.Drawing(
        figure,
        f"How {records.name} classifies the test examples of each class, in percent of the class.",
    )


def _blues() -> LinearSegmentedColormap:
    """Blue, the stronger the larger, and nothing at 0: the page shows through, whatever its colour."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    ends = [to_rgba(style.BLUE, 0.0), to_rgba(style.BLUE, STRONGEST)]
    return LinearSegmentedColormap.from_list("cells", ends)


def _pair(
    axes: Axes,
    history: Sequence[Evaluation],
    pair: Callable[[Evaluation], tuple[float, float]],
    form: str,
    name: str,
) -> None:
    """Draw what `pair` takes from each evaluation, `name` and validation, and the last values."""
    epochs = [row.epoch for row in history]
    train, validation = zip(*map(pair, history), strict=True)
    ends = []
    for line, color, values in (
        (name, style.TRAIN, train), ("validation", style.VALIDATION, validation)
    ):  # fmt: skip
        style.curve(axes, epochs, values, color=color, label=line)
        if np.isfinite(values[-1]):
            ends.append((epochs[-1], values[-1], f"{line}\n{form.format(values[-1])}", color))
    axes.set_xlabel("epoch")
    axes.set_xlim(0, epochs[-1] * 1.01)
    axes.locator_params(axis="both", nbins=6, steps=[1, 2, 5, 10])
    style.grid(axes)
    style.end_labels(axes, ends, gap=0.14)


def _name_classes(axes: Axes, classes: Sequence[str]) -> None:
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if len(classes) > MOST_NAMED:
        axes.set(xticks=[], yticks=[])
        return
    names = [style.plain(name, 14) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
