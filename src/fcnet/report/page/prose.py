"""Our own texts, Markdown with mathematics, as HTML with MathML. Not for texts of others."""

from __future__ import annotations

import re
from html import escape


def mathml(latex: str, display: bool = False) -> str:
    """A formula as MathML."""
    from latex2mathml.converter import convert

    return str(convert(" ".join(latex.split()), display="block" if display else "inline"))


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
    pieces = []
    for piece in re.split(r"(\$[^$]+\$|`[^`]+`)", text):
        if piece.startswith("$"):
            pieces.append(mathml(piece.strip("$")))
        elif piece.startswith("`"):
            pieces.append(f"<code>{escape(piece.strip('`'))}</code>")
        else:
            plain = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escape(piece, quote=False))
            pieces.append(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", plain))
    return "".join(pieces)
