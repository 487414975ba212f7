"""Question 3, what is wrong with the default run: its diagnosis in panels, and its weights as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from fcnet.report import style
from fcnet.report.pictures import SCALE, mosaic
from fcnet.report.reading import Records
from fcnet.stages import GAP, HEALTHY_UPDATE, RANK, SMALL_GAP, STRAIGHT, Diagnosis
from fcnet.train.history import TRAINING_SAMPLE, Evaluation
from fcnet.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def default_run(records: Records) -> style.Drawing | None:
    """Loss with its straight line, accuracies, and sizes of the updates, each against the step."""
    history, diagnosis = records.default_history, records.diagnosis
    if history is None:
        return None
    figure = style.new_figure(11.4, 3.9)
    panels = figure.subplots(1, 2 if diagnosis is None else 3)
    _loss(panels[0], history)
    _accuracies(panels[1], history, diagnosis.value(GAP) if diagnosis else None)
    if diagnosis is not None:
        _updates(panels[2], diagnosis)
    for axes in panels:
        axes.set_xlabel("iteration")
        axes.set_xlim(0, history[-1].step * 1.03)
        axes.locator_params(axis="x", nbins=5)
        style.grid(axes)
    style.credit(figure, records.label)
    return style.Drawing(
        figure,
        "The default run: its loss with a straight line fitted to it, its accuracy on validation images and "
        f"on a {TRAINING_SAMPLE} of as many images, and the size of its updates relative to the weights.",
    )


def default_weights(records: Records) -> style.Drawing | None:
    """First-layer weights of the same units before and after the default run."""
    pictures = records.default_pictures
    if pictures is None:
        return None
    rank = records.diagnosis.value(RANK) if records.diagnosis else None
    sides = [
        (
            f"After: {pictures.total} units" + (f", {rank:.1f} different pictures" if rank else ""),
            pictures.after,
        )
    ]
    if len(pictures.before):
        sides.insert(0, ("Before", pictures.before))
    sheets = [(title, mosaic(side, columns=5)) for title, side in sides]
    height = style.mosaic_height(sheets[0][1], 4.2, most=5.4)
    figure = style.new_figure(4.4 * len(sheets) + 0.2, height)
    for axes, (title, sheet) in zip(np.ravel(figure.subplots(1, len(sheets))), sheets, strict=True):
        style.show_mosaic(axes, sheet)
        axes.set_title(title)
    style.credit(figure, records.label, where="below")
    different = f" All {pictures.total} units amount to {rank:.1f} different pictures." if rank else ""
    return style.Drawing(
        figure,
        f"First-layer weights of {len(pictures.after)} of the default run's units, before and after "
        f"training: those with the largest weights afterwards, {SCALE}.{different}",
    )


def _loss(axes: Axes, history: Sequence[Evaluation]) -> None:
    steps, losses = [row.step for row in history], [row.loss for row in history]
    style.curve(axes, steps, losses, color=style.TRAIN, label="training loss")
    axes.set_ylabel("loss (nats)")
    axes.set_title("Training loss")
    finite = np.isfinite(losses)
    if finite.sum() < 3 or np.ptp(np.asarray(losses)[finite]) == 0:
        return
    x, y = np.asarray(steps, float)[finite], np.asarray(losses)[finite]
    slope, intercept = np.polyfit(x, y, 1)
    line = slope * x + intercept
    share = 1 - (y - line).var() / y.var()
    axes.plot(x, line, "--", color=style.INK, linewidth=1.2)
    axes.text(0.03, 0.05, f"straight line: R² = {share:.2f}", transform=axes.transAxes, fontsize=style.SMALL)
    if share > STRAIGHT:
        axes.set_title("A straight line: steps too small")


def _accuracies(axes: Axes, history: Sequence[Evaluation], gap: float | None) -> None:
    steps = [row.step for row in history]
    for name, values, color, height in (
        ("validation", [row.val_accuracy for row in history], style.VALIDATION, 0.17),
        (TRAINING_SAMPLE, [row.train_accuracy for row in history], style.TRAIN, 0.06),
    ):
        style.curve(axes, steps, [100 * v for v in values], color=color, linewidth=1.8, label=name)
        axes.text(
            0.97, height, f"{name} {percent(values[-1])}", transform=axes.transAxes, ha="right",
            fontsize=style.SMALL, fontweight="bold", color=color,
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_ylabel("accuracy (%)")
    if gap is None:
        axes.set_title("Accuracy")
    else:
        wide = f"A gap of {100 * gap:.0f} points"
        axes.set_title(wide if gap >= SMALL_GAP else "No gap: too little capacity")


def _updates(axes: Axes, diagnosis: Diagnosis) -> None:
    colours = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE)
    axes.set_yscale("log")
    ends = []
    for (name, sizes), color in zip(diagnosis.updates.items(), cycle(colours), strict=False):
        style.curve(axes, diagnosis.steps, sizes, color=color, linewidth=1.6, label=name)
        ends.append((diagnosis.steps[-1], sizes[-1], style.plain(name, 12), color))
    style.threshold(axes, HEALTHY_UPDATE, "rule of thumb: 1e-3", below=True)
    axes.set_ylabel("size of an update / of the weights")
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.6, high)
    style.end_labels(axes, ends, gap=0.09)
    first = diagnosis.updates.get("W1", (HEALTHY_UPDATE,))[0]
    axes.set_title("The first layer hardly starts" if first < HEALTHY_UPDATE else "Size of the updates")
