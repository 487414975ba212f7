"""Markdown from records: the content of a run folder stays text, whatever it contains.

In a template every `{{ value }}` is escaped, unless it is Markdown already, which the functions below give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcnet.extras import jinja

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()

    def __html__(self) -> str:
        """Jinja asks for it: there is nothing to escape."""
        return self


def escape(text: object) -> Markdown:
    """Text as it is: nothing in it becomes Markdown, HTML or mathematics."""
    if isinstance(text, Markdown):
        return text
    if hasattr(text, "__html__"):  # what a template's own loops and macros have put together
        return Markdown(text)
    line = " ".join(str(text).split())
    line = re.sub(r"([\\`*_\[\]|$~])", r"\\\1", line)
    line = re.sub(r"^([-+=#:])", r"\\\1", line)  # a list, a heading, a rule
    line = re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)  # a numbered list
    line = re.sub(r"&(?=[#\w])", "&amp;", line)
    line = re.sub(r"^>", "&gt;", line)  # a quotation
    return Markdown(re.sub(r"<(?=[A-Za-z/!?])", "&lt;", line))  # what could open a tag


def table(heading: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> Markdown:
    """A table; numbers stand in all columns but the first `words`."""

    def line(cells: Iterable[object]) -> str:
        return f"| {' | '.join(cells)} |" if (cells := [escape(cell) for cell in cells]) else ""

    rule = " | ".join("---" if n < words else "---:" for n in range(len(heading)))
    return Markdown("\n".join([line(heading), f"| {rule} |", *map(line, rows)]))


def missing(what: object) -> Markdown:
    """The sentence for a missing part."""
    return Markdown(f"> This run has no {escape(what)}.")


def render(template: str, block: str | None = None, **values: Any) -> Markdown:
    """A template of this package, or one of its blocks, filled in.

    Raises
    ------
    MissingExtraError : jinja2 is not installed
    jinja2.UndefinedError : the template uses a value that is not given
    """
    page = environment().get_template(f"{template}.md.j2")
    context = page.new_context(values)
    parts = (page.root_render_func if block is None else page.blocks[block])(context)
    return Markdown(re.sub(r"\n{3,}", "\n\n", "".join(parts)).strip())


@cache
def environment() -> Environment:
    """Jinja as the templates need it."""
    made = jinja(TEMPLATES, finalize=escape)
    made.globals |= {"table": table, "missing": missing}
    return made
