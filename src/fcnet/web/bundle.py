"""The modules of a page as one script, since a page opened from disk imports no files, and its text."""

import base64
import hashlib
import json
import re
from pathlib import Path
from string import Template
from typing import Any

from fcnet import __version__

SHARED = Path(__file__).parent
"""The folder of what the pages share."""

ENTRY = "app.js"
"""The module that puts a page together."""

IMPORT = re.compile(r'^import\s+\{(?P<names>[^}]*)\}\s+from\s+"(?P<module>\.{1,2}/[\w./]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?P<kind>class|function|async function|const) (?P<name>\w+)", re.MULTILINE)


def page(folder: Path, data: Any, style: str = "") -> str:
    """A page's text, its data included.

    Parameters
    ----------
    folder : with index.html, page.css and the modules, app.js first of all
    data : that the page finds in the element `data`
    style : what else its style says
    """
    style += (SHARED / "base.css").read_text() + (folder / "page.css").read_text()
    code = script(folder)
    return Template((folder / "index.html").read_text()).substitute(
        style=style, script=code, style_hash=_hash(style), script_hash=_hash(code), version=__version__,
        data=embedded(data),
    )  # fmt: skip


def script(folder: Path) -> str:
    """The entry of a page and all that it imports as one text, each in a function, after what it needs."""
    order: list[Path] = []
    _visit(folder / ENTRY, order, ())
    return "const modules = {};\n" + "\n".join(map(_wrapped, order))


def _wrapped(path: Path) -> str:
    text = path.read_text()
    exported = ", ".join(found["name"] for found in EXPORT.finditer(text))
    body = EXPORT.sub(
        r"\g<kind> \g<name>",
        IMPORT.sub(lambda one: f'const {{{one["names"]}}} = modules["{Path(one["module"]).name}"];\n', text),
    )
    return f'modules["{path.name}"] = (() => {{\n{body}return {{ {exported} }};\n}})();\n'


def embedded(data: Any) -> str:
    """JSON that can stand inside a script element, whatever is in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # ASCII: no line separators of Unicode
    return text.replace("<", "\\u003c")


def _visit(path: Path, order: list[Path], above: tuple[Path, ...]) -> None:
    if path in above:
        names = " -> ".join(one.name for one in (*above, path))
        raise ValueError(f"the page's modules import each other: {names}")
    if path in order:
        return
    for _, below in IMPORT.findall(path.read_text()):
        _visit((path.parent / below).resolve(), order, (*above, path))
    order.append(path)


def _hash(text: str) -> str:
    """What the content security policy knows an inline element by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
