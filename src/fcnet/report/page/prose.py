"""Our own texts, Markdown with mathematics, as HTML with MathML. Not for texts of others."""

from __future__ import annotations

import re
from html import escape


def mathml(latex: str, display: bool = False) -> str:
    """A formula as MathML."""
    from latex2mathml.converter import convert

    markup = str(convert(" ".join(latex.split()), display="block" if display else "inline"))
    return markup.replace("<mi>log</mi>", '<mi>log</mi><mspace width="0.17em" />')  # as TeX spaces it


def prose(text: str) -> str:
    """Paragraphs with $mathematics$, $$displays$$, `code`, **bold** and *emphasis*, as HTML."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith("$$"):
            parts.append(f'<div class="formula">{mathml(paragraph.strip("$ "), display=True)}</div>')
        elif paragraph:
            parts.append(f"<p>{_inline(paragraph)}</p>")
    return "\n".join(parts)


def _inline(text: str) -> str:
    done: list[str] = []

    def keep(match: re.Match[str]) -> str:
        """Set mathematics and code aside, so that no asterisk or sign of theirs is read as Markdown."""
        piece = match[0]
        code = f"<code>{escape(piece.strip('`'))}</code>"
        done.append(mathml(piece.strip("$")) if piece.startswith("$") else code)
        return f"\x00{len(done) - 1}\x00"

    text = escape(re.sub(r"\$[^$]+\$|`[^`]+`", keep, text), quote=False)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
    return re.sub("\x00(\\d+)\x00", lambda match: done[int(match[1])], text)
