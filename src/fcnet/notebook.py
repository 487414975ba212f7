"""How results look in a notebook: small tables and curves, on a light page as on a dark one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from html import escape
from typing import Any, TypeVar

from fcnet.wording import percent

MOST_ROWS = 10
"""Rows of a long history that are shown, spread evenly; the last one is among them."""

WIDTH, HEIGHT, NAMES = 320, 90, 220
"""Pixels of the curves, and of the room for their names at the right."""

HEADINGS = {
    "train_accuracy": "training sample", "val_accuracy": "validation", "val_loss": "validation loss",
}  # fmt: skip
"""What people read for names of a history, where it is another word."""

COLOURS = ("#d9722e", "#2f8fcb", "#2a9d78")
"""Of the curves, in their order: readable on white and on black."""

CELL = "padding:.15em .8em .15em 0;border-bottom:1px solid #8886;text-align:"

T = TypeVar("T")


class Rows(list[T]):
    """A list of dataclasses that a notebook shows as a table, with its accuracies as curves."""

    def _repr_html_(self) -> str:
        if not self:
            return "<p>no rows yet</p>"
        names = [field.name for field in fields(self[0])]  # type: ignore[arg-type]
        shown = [self[n] for n in spread(len(self), MOST_ROWS)]
        heading = [heading_of(name) for name in names]
        caption = f"{len(shown)} of {len(self)} rows" if len(shown) < len(self) else ""
        rows = [[cell(name, getattr(row, name)) for name in names] for row in shown]
        return table(heading, rows, caption) + curves(self.accuracies())

    def accuracies(self) -> dict[str, list[float]]:
        """The columns of accuracies that have a value in every row."""
        names = [field.name for field in fields(self[0]) if "accuracy" in field.name]  # type: ignore[arg-type]
        columns = {heading_of(name): [getattr(row, name) for row in self] for name in names}
        return {name: values for name, values in columns.items() if None not in values}


def table(heading: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table as HTML; everything in it is text, and the first column stands at the left."""

    def line(cells: Sequence[object], tag: str) -> str:
        sides = ("left" if place == 0 else "right" for place in range(len(cells)))
        return "".join(
            f'<{tag} style="{CELL}{side}">{escape(str(one))}</{tag}>'
            for one, side in zip(cells, sides, strict=True)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    named = f'<caption style="text-align:left;opacity:.7">{escape(caption)}</caption>' if caption else ""
    return (
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
        f"{named}<thead><tr>{line(heading, 'th')}</tr></thead><tbody>{body}</tbody></table>"
    )


def curves(lines: Mapping[str, Sequence[float]]) -> str:
    """Fractions against their number as an SVG, "" where no line has two points."""
    drawn = {name: values for name, values in lines.items() if len(values) > 1}
    if not drawn:
        return ""
    low, high = min(map(min, drawn.values())), max(map(max, drawn.values()))
    span = high - low or 1.0
    parts = []
    for place, ((name, values), colour) in enumerate(zip(drawn.items(), COLOURS, strict=False)):
        points = " ".join(
            f"{WIDTH * n / (len(values) - 1):.1f},{4 + (HEIGHT - 8) * (high - value) / span:.1f}"
            for n, value in enumerate(values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{WIDTH + 8}" y="{16 + 18 * place}" fill="{colour}" font-size="13">'
            f"{escape(name)} {percent(values[-1])}</text>"
        )
    label = f"from {percent(low)} to {percent(high)}"
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH + NAMES} {HEIGHT}" '
        f'style="display:block;margin-top:.5em;width:100%;max-width:{WIDTH + NAMES}px">{"".join(parts)}</svg>'
    )


def heading_of(name: str) -> str:
    """A field of a history as a heading."""
    return HEADINGS.get(name, name.replace("_", " "))


def cell(name: str, value: Any) -> str:
    """A value of a history as people read it: accuracies in percent, other numbers in four digits."""
    if value is None:
        return ""
    if "accuracy" in name:
        return percent(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(n * (count - 1) / (most - 1)) for n in range(most)]
