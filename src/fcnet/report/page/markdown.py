"""The same story as Markdown for docs/: figures by their files, no image of the data set."""

from __future__ import annotations

import re

from fcnet.report.captions import caption
from fcnet.report.figures import DRAWINGS
from fcnet.report.page.blocks import NO_IMAGES, NO_MISTAKES, Block, Derivation, Figure, Pictures, Table, Text
from fcnet.report.page.source import Source
from fcnet.report.page.story import sections

INTRODUCTION = """# The report

This project's own answers to the exercise, in its order. `fcnet report RUN` makes such a page of any run,
as one HTML file with curves that answer to the mouse. Images of the data set and confident mistakes stand
only there: none is kept in this repository.
"""


def report_page(source: Source, figures: str) -> str:
    """The whole page.

    Parameters
    ----------
    source : of which the data set is not used
    figures : where the figures lie, as seen from the page
    """
    drawn = {drawing.__name__ for drawing in DRAWINGS if _can_draw(source, drawing.__name__)}
    parts = [INTRODUCTION]
    for section in sections(source):
        blocks = [block for block in section.blocks if _kept(block)]
        if blocks:
            parts += [f"## {section.title}", *(_block(block, source, figures, drawn) for block in blocks)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _can_draw(source: Source, name: str) -> bool:
    from fcnet.report.style import house_style

    (drawing,) = (one for one in DRAWINGS if one.__name__ == name)
    with house_style():
        return drawing(source.records) is not None


def _kept(block: Block) -> bool:
    """Images are said to be elsewhere in the introduction, and nothing else is left out."""
    return not (isinstance(block, Text) and block.text in (NO_IMAGES, NO_MISTAKES))


def _block(block: Block, source: Source, figures: str, drawn: set[str]) -> str:
    match block:
        case Text(text=text):
            return escape(text)
        case Table():
            return _table(block)
        case Figure(name=name) if name in drawn:
            said = escape(caption(name, source.records))
            return f"![{said}]({figures}/{name}.svg)\n\n{said}"
        case Figure(lacks=lacks):
            return escape(f"This run has no {lacks}.")
        case Derivation():
            return "Step by step, every equation with its proof: [derivation.md](derivation.md)."
        case Pictures(caption=said):
            return escape(said)


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(escape(cell) for cell in cells)} |"

    rule = " | ".join("---" if n < table.words else "---:" for n in range(len(table.heading)))
    lines = [row(table.heading), f"| {rule} |", *(row(cells) for cells in table.rows)]
    return f"{escape(table.caption)}:\n\n" + "\n".join(lines)


def escape(text: str) -> str:
    """Text of others as it is: nothing in it is Markdown or HTML."""
    text = re.sub(r"([\\`*_\[\]|$])", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
