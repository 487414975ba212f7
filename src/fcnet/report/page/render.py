"""Markdown as HTML: markdown-it, with mathematics as MathML, and with our figures and galleries in place.

HTML in the Markdown stays text, so nothing but Markdown can become markup.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcnet.extras import jinja, require
from fcnet.report.panels import rows

if TYPE_CHECKING:
    from jinja2 import Environment
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    from fcnet.report.story import Story

HERE = Path(__file__).parent

MATH_FONT = HERE / "mathfont.woff"
"""The glyphs of STIX Two Math that our formulas need; tools/mathfont.py makes it."""


def to_html(text: str, story: Story | None = None) -> str:
    """Markdown as HTML.

    Parameters
    ----------
    text : with `$mathematics$` and fences `math`; images figures/NAME.svg and fences `gallery` stand for the
        figures and galleries of the story
    story : None where the text has none of these
    """
    markdown, env = _markdown(), {"story": story}
    tokens = markdown.parse(text, env)
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        children = token.children or []
        if len(children) == 1 and children[0].type == "image":  # a figure is no part of a paragraph
            before.hidden = after.hidden = True
    return str(markdown.renderer.render(tokens, markdown.options, env))


def mathml(latex: str, display: bool = False) -> str:
    """A formula as MathML.

    Raises
    ------
    MissingExtraError : latex2mathml is not installed
    """
    convert = require("latex2mathml.converter", "report").convert
    markup = str(convert(" ".join(latex.split()), display="block" if display else "inline"))
    return markup.replace("<mi>log</mi>", '<mi>log</mi><mspace width="0.17em" />')  # as TeX spaces it


@cache
def math_font() -> str:
    """CSS that brings the mathematical font along: machines without one draw limits over their sum."""
    font = base64.b64encode(MATH_FONT.read_bytes()).decode()
    return (
        f'@font-face{{font-family:"fcnet math";src:url(data:font/woff;base64,{font}) format("woff")}}'
        'math{font-family:"fcnet math",math}'
    )


@cache
def templates() -> Environment:
    """The HTML around what Markdown gives."""
    made = jinja(HERE)
    made.globals |= {"rows": rows, "base64": lambda png: base64.b64encode(png).decode(), "inline": inline}
    return made


def inline(svg: str, name: str) -> str:
    """An SVG file's text for a page that holds others: no identifier of it is that of another figure."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return "\n".join(line for line in svg.splitlines() if line.strip())


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.inline.ruler.after("escape", "math", _math)
    for name, rule in (
        ("math", lambda self, tokens, n, options, env: mathml(tokens[n].content)),
        ("fence", _fence), ("image", _image), ("table_open", _table_open),
        ("table_close", lambda self, tokens, n, options, env: "</table></div>\n"),
    ):  # fmt: skip
        markdown.add_render_rule(name, rule)
    return markdown


def _math(state: StateInline, silent: bool) -> bool:
    """Read $mathematics$, in which no character is Markdown."""
    if state.src[state.pos] != "$":
        return False
    end = state.src.find("$", state.pos + 1)
    if end <= state.pos + 1:
        return False
    if not silent:
        state.push("math", "", 0).content = state.src[state.pos + 1 : end]
    state.pos = end + 1
    return True


def _fence(self: RendererHTML, tokens: Sequence[Token], n: int, options: Any, env: Any) -> str:
    token = tokens[n]
    if token.info == "math":
        return f'<div class="formula" tabindex="0">{mathml(token.content, display=True)}</div>\n'
    if token.info == "gallery":
        gallery = env["story"].galleries[int(token.content)]
        return str(_parts().gallery(gallery))
    return self.fence(tokens, n, options, env)


def _image(self: RendererHTML, tokens: Sequence[Token], n: int, options: Any, env: Any) -> str:
    source = str(tokens[n].attrs["src"])
    name = source.removeprefix("figures/").removesuffix(".svg")
    drawn = env["story"].drawn if env["story"] else {}
    return str(_parts().figure(drawn[name])) if name in drawn else self.image(tokens, n, options, env)


def _table_open(self: RendererHTML, tokens: Sequence[Token], n: int, options: Any, env: Any) -> str:
    heading = next(token.content for token in tokens[n:] if token.type == "inline")
    label = html.escape(f"table by {heading}")
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>\n'


def _parts() -> Any:
    return templates().get_template("parts.html").module
