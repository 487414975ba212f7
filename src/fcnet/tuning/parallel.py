"""Every trial as a line through its settings, which end in its accuracy."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import fcnet.report.style as style
from fcnet.tuning.reading import Search, Trial
from fcnet.tuning.space import Choice, Dimension, Value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNUSED = -0.09
"""Height of a setting that did not matter in a trial, below the axis' own 0 to 1."""

PALE, DEEP = "#D3E3F0", style.BLUE
"""The worst and the best of the complete trials."""


@dataclass(frozen=True)
class Scale:
    """One vertical axis.

    name : as people call it
    low, high : the values at heights 0 and 1
    log : whether equal ratios are equally far apart
    whole : whether there are whole numbers only
    values : of a choice, in the order of their heights
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    values: tuple[Value, ...] = ()

    def height(self, value: Any) -> float:
        """From 0 to 1."""
        if self.values:
            return (self.values.index(value) + 0.5) / len(self.values)
        low, high, at = self.low, self.high, float(value)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(at, low))
        return min(max((at - low) / (high - low), 0.0), 1.0) if high > low else 0.5

    def marks(self) -> list[tuple[float, str]]:
        """Heights with what is written at them."""
        if self.values:
            return [(self.height(value), _word(value)) for value in self.values]
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        middle = float(f"{middle:.2g}") if self.log else float(f"{middle:.3g}")
        values = (
            (self.low, self.high)
            if self.whole and self.high - self.low < 2
            else (self.low, middle, self.high)
        )
        return [(self.height(value), _word(int(value) if self.whole else value)) for value in values]


def parallel(search: Search) -> Figure | None:
    """One axis a setting, the most important first; the last one is validation accuracy."""
    complete = sorted((one for one in search.trials if one.value is not None), key=lambda one: one.value or 0)
    if len(complete) < 2:
        return None
    dimensions = _ordered(search)
    scales = [_scale(one, search) for one in dimensions]
    values = [100 * (one.value or 0.0) for one in complete]
    scales.append(Scale("validation accuracy (%)", math.floor(values[0]), math.ceil(values[-1]), whole=True))
    figure = style.new_figure(max(9.6, 1.05 * len(scales) + 1.2), 5.2)
    axes = figure.subplots()
    names = [one.name for one in dimensions]
    for trial in search.trials:
        if trial.value is None:
            _line(axes, trial, names, scales, color=style.FAINT, linewidth=0.8, zorder=1)
    for rank, trial in enumerate(complete):
        shade = _mixed(rank / max(len(complete) - 1, 1))
        _line(axes, trial, names, scales, color=shade, linewidth=1.3, zorder=2 + rank / len(complete))
    _line(axes, complete[-1], names, scales, color=style.ORANGE, linewidth=3.0, zorder=4)
    unused = any(name not in trial.settings for trial in search.trials for name in names)
    _draw_scales(axes, scales, unused)
    _legend(axes, complete[-1], search)
    axes.set_title("Every trial, from its settings to its accuracy", pad=52)
    style.credit(figure, search.credit, where="below")
    return figure


def _ordered(search: Search) -> list[Dimension]:
    """The dimensions, the most important first; as in the space where that is unknown."""
    place = {name: rank for rank, name in enumerate(search.importance)}
    return sorted(search.space.dimensions, key=lambda one: place.get(one.name, len(place)))


def _scale(dimension: Dimension, search: Search) -> Scale:
    name, domain = search.name(dimension.name), dimension.domain
    if isinstance(domain, Choice):
        values = domain.values
        numbers = all(isinstance(value, int | float) for value in values)
        return Scale(name, values=tuple(sorted(values, key=float)) if numbers else values)
    return Scale(name, domain.low, domain.high, domain.log, domain.whole > 0)


def _line(axes: Axes, trial: Trial, names: Sequence[str], scales: Sequence[Scale], **look: Any) -> None:
    """The trial as a line, smooth where it passes an axis so that lines can be told apart."""
    heights = [
        scale.height(trial.settings[name]) if name in trial.settings else UNUSED
        for name, scale in zip(names, scales, strict=False)
    ]
    if trial.value is not None:
        heights.append(scales[-1].height(100 * trial.value))
    across, up = [], []
    for place, (start, end) in enumerate(pairwise(heights)):
        for part in range(21):
            share = part / 20
            across.append(place + share)
            up.append(start + (end - start) * share * share * (3 - 2 * share))
    axes.plot(across, up, solid_capstyle="butt", **look)


def _draw_scales(axes: Axes, scales: Sequence[Scale], unused: bool) -> None:
    last = len(scales) - 1
    for place, scale in enumerate(scales):
        axes.plot([place, place], [0, 1], color=style.GREY, linewidth=1.1, zorder=5)
        for height, text in scale.marks():
            axes.plot([place - 0.03, place], [height, height], color=style.GREY, linewidth=1.1, zorder=5)
            axes.annotate(
                text, (place, height), xytext=(-4, 0), textcoords="offset points", ha="right", va="center",
                fontsize=style.SMALL - 1, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
            )  # fmt: skip
        axes.annotate(
            textwrap.fill(scale.name, 11), (place, 1), xytext=(0, 10), textcoords="offset points",
            ha="center", va="bottom", fontsize=style.SMALL, fontweight="bold" if place == last else "normal",
        )  # fmt: skip
    axes.set_xlim(-0.55, last + 0.15)
    axes.set_ylim(UNUSED - 0.03 if unused else -0.03, 1.02)
    if unused:
        style.note(axes, -0.05, UNUSED, "does not apply", ha="right", va="center", fontsize=style.SMALL - 1)
    axes.set_axis_off()


def _legend(axes: Axes, best: Trial, search: Search) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=style.ORANGE, linewidth=3, label=f"the best, trial {best.number}"),
        Line2D([], [], color=DEEP, linewidth=1.5, label="complete, the darker the better"),
    ]
    if any(trial.value is None for trial in search.trials):
        lines.append(Line2D([], [], color=style.FAINT, linewidth=1.2, label="ended early"))
    axes.legend(
        handles=lines, loc="upper left", bbox_to_anchor=(0.0, -0.01), ncols=len(lines), frameon=False,
        fontsize=style.SMALL,
    )  # fmt: skip


def _mixed(share: float) -> tuple[float, float, float]:
    """A colour between PALE and DEEP."""
    from matplotlib.colors import to_rgb

    pale, deep = to_rgb(PALE), to_rgb(DEEP)
    red, green, blue = (a + (b - a) * share for a, b in zip(pale, deep, strict=True))
    return red, green, blue


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        if value and not 1e-3 <= abs(value) < 1e5:
            mantissa, exponent = f"{value:.1e}".split("e")
            return f"{float(mantissa):g}e{int(exponent)}"
        return f"{value:.3g}" if isinstance(value, float) and abs(value) < 100 else f"{value:.0f}"
    return str(value)
