"""What a report is made of. Texts are plain: whoever renders them escapes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A paragraph; `missing` where it says that the run lacks something."""

    text: str
    missing: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells under a heading; numbers stand in all columns but the first `words`."""

    caption: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


@dataclass(frozen=True)
class Figure:
    """The figure that `fcnet.report.figures` draws under that name; `lacks` says what is missing if none."""

    name: str
    lacks: str


@dataclass(frozen=True)
class Picture:
    """A small image: PNG bytes, what it shows, and what stands beneath."""

    png: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Pictures:
    """Images of the data set; never part of what is committed."""

    caption: str
    pictures: tuple[Picture, ...]
    wide: bool = False


@dataclass(frozen=True)
class Derivation:
    """The place of the derivation."""


NO_IMAGES = "Images of the data set are not shown: it could not be had when this was written."
NO_MISTAKES = "Mistakes are not shown: the model or the data that it learned from could not be had."

Block = Text | Table | Figure | Pictures | Derivation


@dataclass(frozen=True)
class Section:
    """A part of the report; `anchor` is its place in the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


def lacking(what: str) -> Text:
    """The sentence for what is not there."""
    return Text(f"This run has no {what}.", missing=True)
