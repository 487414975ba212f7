"""Questions 1 and 2 as figures: the toy training, and the gradients against central differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnet.report import style
from fcnet.report.reading import Records
from fcnet.stages import Audit, Parameter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WANTED_LOSS = 0.02
"""Nats; the exercise's goal for the toy training."""

WANTED_ERROR = 1e-8
"""The exercise's tolerance for the relative error of the gradients."""

COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY)


def toy_training(records: Records) -> style.Drawing | None:
    """The toy training's loss against the iteration, the exercise's figure 2, also on a logarithmic axis."""
    toy = records.toy
    if toy is None:
        return None
    figure = style.new_figure(8.6, 3.7)
    linear, logarithmic = figure.subplots(1, 2)
    iterations = range(1, len(toy.losses) + 1)
    for axes in (linear, logarithmic):
        axes.plot(iterations, toy.losses, color=style.TRAIN, label="training loss")
        axes.plot([iterations[-1]], [toy.losses[-1]], "o", color=style.TRAIN, markersize=5)
        axes.set_xlabel("iteration")
        axes.set_xlim(0, len(toy.losses) * 1.02)
        style.grid(axes)
    linear.set_ylabel("training loss (nats)")
    linear.set_ylim(bottom=0)
    linear.set_title("Five points learned by heart" if toy.losses[-1] <= WANTED_LOSS else "The toy training")
    logarithmic.set_yscale("log")
    logarithmic.set_title("The same, logarithmic")
    style.threshold(logarithmic, WANTED_LOSS, "wanted: 0.02")
    logarithmic.set_ylim(bottom=min(WANTED_LOSS, *toy.losses) * 0.5)
    logarithmic.annotate(
        f"reached: {toy.losses[-1]:.4f}", (iterations[-1], toy.losses[-1]), xytext=(0, -18),
        textcoords="offset points", ha="right", va="top",
        color=style.TRAIN, fontweight="bold", fontsize=style.SMALL,
    )  # fmt: skip
    return style.Drawing(
        figure,
        f"The loss of the toy training falls from {toy.losses[0]:.2f} to {toy.losses[-1]:.4f} nats in "
        f"{len(toy.losses)} iterations. The exercise wants at most {WANTED_LOSS}.",
    )


def gradient_error(records: Records) -> style.Drawing | None:
    """The largest relative error of each gradient against the step h of the central differences."""
    audit = None if records.toy is None else records.toy.audit
    if audit is None or not audit.parameters:
        return None
    figure = style.new_figure(8.6, 5.0)
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log")
    ends = [
        _curve(axes, audit.steps, name, one, COLOURS[place % len(COLOURS)])
        for place, (name, one) in enumerate(audit.parameters.items())
    ]
    axes.set_xlim(min(audit.steps) / 1.6, max(audit.steps) * 1.6)
    axes.set_xlabel("step h of the central differences")
    axes.set_ylabel("largest relative error")
    right = "The gradients are right, and why central differences cannot say it better"
    axes.set_title(right if audit.passed else "The gradients are WRONG")
    axes.set_ylim(1e-17, 1e-1)
    axes.set_yticks([10.0**power for power in range(-16, 0, 2)])
    axes.minorticks_off()
    style.grid(axes)
    _explain(axes, audit)
    style.end_labels(axes, [end for end in ends if end is not None], gap=0.055)
    return style.Drawing(
        figure,
        "Largest relative error of the gradients against central differences of step h. Truncation dominates "
        "on the right, rounding on the left. The complex step has neither and is below both.",
    )


def _curve(
    axes: Axes, steps: Sequence[float], name: str, audited: Parameter, color: str
) -> tuple[float, float, str, str] | None:
    """Draw one parameter's line; returns its right end. Errors of 0 have no place on a logarithmic axis."""
    points = [(h, error) for h, error in zip(steps, audited.errors, strict=True) if error]
    if not points:
        return None
    axes.plot(*zip(*points, strict=True), "-o", color=color, markersize=3.5, label=name)
    return *max(points), style.plain(name, 12), color


def _explain(axes: Axes, audit: Audit) -> None:
    style.threshold(axes, WANTED_ERROR, "")
    style.note(axes, min(audit.steps), WANTED_ERROR / 2, "wanted: 1e-8", va="top")
    exact = max((audited.complex_error or 0.0 for audited in audit.parameters.values()), default=0.0)
    if exact > 0:
        axes.axhline(exact, color=style.INK, linewidth=1.6)
        text = f"complex step, no subtraction: {exact:.1e} at worst"
        style.note(axes, max(audit.steps), exact * 2.2, text, ha="right", color=style.INK)
    for low, high, power, remark, align in (
        (1e-4, 1e-2, 2, "truncation, as h²:\nthe curve between the two points", "right"),
        (1e-9, 1e-6, -1, "rounding, as 1/h:\ntwo nearly equal losses subtracted", "left"),
    ):
        factors = [
            error / h**power
            for audited in audit.parameters.values()
            for h, error in zip(audit.steps, audited.errors, strict=True)
            if error and low * 0.99 <= h <= high * 1.01
        ]
        if factors:
            factor = 4 * max(factors)
            axes.plot(
                [low, high], [factor * low**power, factor * high**power], ":", color=style.GREY, linewidth=1.4
            )
            style.note(axes, high if align == "right" else low, 5e-2, remark, ha=align, va="top")
