"""The curves of a figure in numbers, for the mouse on the page and the tables below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = dict[str, Any]
"""Of each axes: its place in the figure as fractions, title, labels, scales, limits, and named curves."""


def panels(figure: Figure) -> tuple[Panel, ...]:
    """The axes that have curves with a name, once the layout is settled."""
    found = [_panel(axes) for axes in figure.axes]
    return tuple(panel for panel in found if panel["curves"])


def rows(panel: Panel) -> list[list[str]]:
    """The numbers of a panel: one row for each x at which a curve has a point, one column a curve."""
    at = sorted({x for curve in panel["curves"] for x in curve["x"] if x is not None})
    points = [dict(zip(curve["x"], curve["y"], strict=True)) for curve in panel["curves"]]
    return [[f"{x:g}", *(_cell(curve.get(x)) for curve in points)] for x in at]


def _panel(axes: Axes) -> Panel:
    left, bottom, width, height = axes.get_position(original=False).bounds
    curves = [
        {
            "name": str(line.get_label()),
            "color": str(line.get_color()),
            "x": _numbers(line.get_xdata()),
            "y": _numbers(line.get_ydata()),
        }
        for line in axes.get_lines()
        if not str(line.get_label()).startswith("_")  # Matplotlib's own names
    ]
    return {
        "box": [left, 1 - bottom - height, width, height],
        "title": axes.get_title(loc="left") or axes.get_title(),
        "x": axes.get_xlabel(), "y": axes.get_ylabel(), "xlog": axes.get_xscale() == "log",
        "ylog": axes.get_yscale() == "log", "xlim": [float(v) for v in axes.get_xlim()],
        "ylim": [float(v) for v in axes.get_ylim()], "curves": curves,
    }  # fmt: skip


def _numbers(values: Any) -> list[float | None]:
    """To six digits; None for what is not finite, which JSON has no way to write."""
    return [float(f"{float(value):.6g}") if math.isfinite(value) else None for value in values]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
