"""The page's modules as one script, since a page opened from disk imports no files, and its text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from string import Template
from typing import Any

from fcnet import __version__
from fcnet.report.page.render import math_font

PAGE = Path(__file__).parent / "page"

ENTRY = "app.js"
"""The module that puts the page together."""

IMPORT = re.compile(r'^import\s+\{(?P<names>[^}]*)\}\s+from\s+"\./(?P<module>[\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?P<kind>class|function|async function|const) (?P<name>\w+)", re.MULTILINE)


def page(data: dict[str, Any]) -> str:
    """The page's text, its data included."""
    style, code = math_font() + (PAGE / "page.css").read_text(), script()
    return Template((PAGE / "index.html").read_text()).substitute(
        style=style, script=code, style_hash=_hash(style), script_hash=_hash(code), version=__version__,
        data=embedded(data),
    )  # fmt: skip


def script(entry: str = ENTRY) -> str:
    """A module and all that it imports as one text, each in a function, after what it needs."""
    order: list[str] = []
    _visit(entry, order, ())
    return "const modules = {};\n" + "\n".join(_wrapped(name) for name in order)


def _wrapped(name: str) -> str:
    text = read(name)
    exported = ", ".join(found["name"] for found in EXPORT.finditer(text))
    body = EXPORT.sub(r"\g<kind> \g<name>", IMPORT.sub(r'const {\g<names>} = modules["\g<module>"];\n', text))
    return f'modules["{name}"] = (() => {{\n{body}return {{ {exported} }};\n}})();\n'


def embedded(data: dict[str, Any]) -> str:
    """JSON that can stand inside a script element, whatever is in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # ASCII: no line separators of Unicode
    return text.replace("<", "\\u003c")


def read(name: str) -> str:
    """A module of the page."""
    return (PAGE / name).read_text()


def _visit(name: str, order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"the page's modules import each other: {' -> '.join((*above, name))}")
    if name in order:
        return
    for _, below in IMPORT.findall(read(name)):
        _visit(below, order, (*above, name))
    order.append(name)


def _hash(text: str) -> str:
    """What the content security policy knows an inline element by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
