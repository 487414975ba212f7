"""Figures as inline SVG, and what the mouse and a table read from their curves."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fcnet.report.captions import caption
from fcnet.report.figures import DRAWINGS
from fcnet.report.page.blocks import Table
from fcnet.report.reading import Records
from fcnet.report.style import house_style, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ON_WHITE = ("confusion",)
"""Figures that stay on white in the dark, since their colours mean amounts."""

THEMED = ("ffffff", "222222", "6a6a6a", "d5d5d5", "0072b2", "d55e00", "009e73", "cc79a7")
"""Colours of `fcnet.report.style` that the page's style sheet decides, as --c-ffffff and so on."""


@dataclass(frozen=True)
class Drawn:
    """A figure on the page.

    svg : the drawing, safe to stand in a page: letters are outlines, comments and metadata are gone
    panels : for the mouse, of each axes with named curves its place, scales and curves
    tables : the same numbers for reading
    """

    name: str
    svg: str
    caption: str
    panels: list[dict[str, Any]]
    tables: tuple[Table, ...]


def draw_inline(records: Records) -> dict[str, Drawn]:
    """Every figure that the records allow, by name."""
    drawn = {}
    with house_style():
        for drawing in DRAWINGS:
            figure = drawing(records)
            if figure is None:
                continue
            name = drawing.__name__
            markup = inline(svg(figure), name)
            panels = [panel for axes in figure.axes if (panel := _panel(figure, axes))]
            tables = tuple(_table(panel) for panel in panels)
            drawn[name] = Drawn(name, markup, caption(name, records), panels, tables)
    return drawn


def inline(markup: str, name: str) -> str:
    """An SVG file's text for a page that holds others: no identifier of it is that of another figure."""
    markup = markup[markup.index("<svg") :]
    markup = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", markup, flags=re.DOTALL)
    markup = re.sub(r'\bid="', f'id="{name}-', markup)
    markup = re.sub(r'href="#', f'href="#{name}-', markup)
    markup = re.sub(r"url\(#", f"url(#{name}-", markup)
    markup = re.sub(r' (width|height)="[\d.]+pt"', "", markup, count=2)
    if name not in ON_WHITE:
        markup = re.sub(f"#({'|'.join(THEMED)})\\b", r"var(--c-\1)", markup)
    return "\n".join(line for line in markup.splitlines() if line.strip())


def _panel(figure: Figure, axes: Axes) -> dict[str, Any] | None:
    """Place, scales and named curves of one axes; None if it has no curve with a name."""
    curves: list[dict[str, Any]] = []
    for line in axes.get_lines():
        name = str(line.get_label())
        if name.startswith("_"):
            continue
        x, y = _numbers(line.get_xdata()), _numbers(line.get_ydata())
        curves.append({"name": name, "color": str(line.get_color()), "x": x, "y": y})
    if not curves:
        return None
    left, bottom, width, height = axes.get_position(original=False).bounds
    return {
        "box": [left, 1 - bottom - height, width, height],
        "title": axes.get_title(loc="left") or axes.get_title(),
        "x": axes.get_xlabel(), "y": axes.get_ylabel(), "xlog": axes.get_xscale() == "log",
        "ylog": axes.get_yscale() == "log", "xlim": [float(v) for v in axes.get_xlim()],
        "ylim": [float(v) for v in axes.get_ylim()], "curves": curves,
    }  # fmt: skip


def _numbers(values: Any) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: Any) -> float | None:
    value = float(value)
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _table(panel: dict[str, Any]) -> Table:
    """One row for each x at which a curve has a point."""
    at = sorted({x for curve in panel["curves"] for x in curve["x"] if x is not None})
    points = [dict(zip(curve["x"], curve["y"], strict=True)) for curve in panel["curves"]]
    rows = tuple((f"{x:g}", *(_cell(curve.get(x)) for curve in points)) for x in at)
    return Table(panel["title"], (panel["x"], *(curve["name"] for curve in panel["curves"])), rows, words=0)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
