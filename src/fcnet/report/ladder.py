"""Question 3: what each change of the settings brings, as a dot plot."""

import textwrap

from fcnet.report import style
from fcnet.report.reading import Records
from fcnet.train.history import TRAINING_SAMPLE


def ladder(records: Records) -> style.Drawing | None:
    """Validation and training accuracy of each rung, from the default settings at the top down."""
    rungs = records.ladder
    if rungs is None:
        return None
    figure = style.new_figure(9.6, 1.5 + 0.56 * len(rungs))
    axes = figure.subplots()
    validation = [100 * rung.val_accuracy for rung in rungs]
    training = [100 * rung.train_accuracy for rung in rungs]
    rows = range(len(rungs))
    axes.hlines(rows, validation, training, color=style.FAINT, linewidth=3, zorder=1)
    axes.plot(
        training, rows, "o", color="white", markeredgecolor=style.TRAIN, markeredgewidth=1.8, markersize=7.5
    )
    axes.plot(validation, rows, "o", color=style.VALIDATION, markersize=9)
    for row, value, other in zip(rows, validation, training, strict=True):
        left = value <= other
        axes.annotate(
            f"{value:.1f}", (value, row), xytext=(-9 if left else 9, 0), textcoords="offset points",
            ha="right" if left else "left", va="center", color=style.VALIDATION, fontweight="bold",
        )  # fmt: skip
    axes.set_yticks(rows, [textwrap.fill(style.plain(rung.change), 34) for rung in rungs])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rungs) - 0.4, -0.6)
    low, high = min(validation + training), max(validation + training)
    margin = max(2.0, 0.13 * (high - low))
    axes.set_xlim(low - margin, high + margin)
    axes.set_xlabel("accuracy (%)")
    axes.spines["left"].set_visible(False)
    style.grid(axes, "x")
    axes.set_title("What each change buys, on top of those above it")
    for height, name, color in (
        (-0.22, "● validation", style.VALIDATION),
        (0.22, f"○ {TRAINING_SAMPLE}", style.TRAIN),
    ):
        style.note(axes, high + margin, height, name, ha="right", va="center", color=color, fontweight="bold")
    style.credit(figure, records.label)
    return style.Drawing(
        figure,
        f"Accuracy on validation images and on the {TRAINING_SAMPLE}, as many training images, as the "
        "settings change one at a time, from default to tuned.",
    )
