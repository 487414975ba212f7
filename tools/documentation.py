"""Build the documentation site: the pages of docs/, the API from the docstrings, the notebooks, and search.

    python tools/documentation.py          write build/site/html, which opens from disk without a network
    python tools/documentation.py --fast   without running the notebooks: they are shown without their outputs

zensical makes the site as zensical.toml says. It gets the pages in a form of their own: formulas as MathML,
links to files of the repository as plain text. A link to a page or heading that is not there ends the build.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import tomli_w

from fcnet.report.page.render import MATH_FONT, mathml
from notebooks import as_markdown

ROOT = Path(__file__).resolve().parents[1]

PACKAGE = ROOT / "src" / "fcnet"

SHIM = ROOT / "tools" / "site_assets" / "iframe-worker.js"
FETCHED_SHIM = "https://unpkg.com/iframe-worker/shim"
"""What makes the search work in pages opened from disk. The site brings it along instead of fetching it."""

OTHERS = {
    "README.md": "index.md", "CHANGELOG.md": "changes.md", "benchmarks/README.md": "benchmarks.md",
    "docs/figures/README.md": "figures.md",
}  # fmt: skip
"""Pages that are not in docs/, or have another name on the site."""

CODE = re.compile(r"(^```.*?^```$|``.+?``|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
"""Code in Markdown, in which nothing is changed."""

INLINE = re.compile(r"(?<!\\)\$([^$\n]+(?:\n[^$\n]+)?)\$")
"""A formula in a line."""

LINK = re.compile(r"(?P<before>!?\[(?P<text>(?:[^\[\]]|`[^`]*`)*)\])\((?P<target>[^)\s]+)\)")

STYLE = """@font-face { font-family: "fcnet math"; src: url(mathfont.woff) format("woff"); }
math { font-family: "fcnet math", math; font-size: 1.1em; }
.formula { overflow-x: auto; padding: .5rem 0; }
.md-typeset table:not([class]) { font-size: .7rem; }
"""


def main(arguments: list[str] | None = None) -> int:
    """Build the site and check it; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="do not run the notebooks")
    options = parser.parse_args(arguments)
    work = ROOT / "build" / "site"
    html = work / "html"
    stage(work / "pages", run_notebooks=not options.fast)
    (work / "zensical.toml").write_text(tomli_w.dumps(configuration()))
    zensical = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    done = subprocess.run(zensical, cwd=work, env=os.environ | {"NO_COLOR": "1"}, check=False)
    if done.returncode:
        return 2
    without_network(html)
    for problem in (problems := list(check(html))):
        print(f"error: {problem}", file=sys.stderr)
    if problems:
        return 2
    print(f"the site: {(html / 'index.html').relative_to(ROOT)}")
    return 0


def configuration() -> dict[str, Any]:
    """What zensical.toml says, with the pages that it does not place, and those of the API."""
    config = tomllib.loads((ROOT / "zensical.toml").read_text())
    nav = config["project"]["nav"]
    others = sorted(set(sources().values()) - set(placed(nav)))
    more = [{"More": others}] if others else []
    modules = [{f"fcnet.{name}": f"api/{name}.md"} for name, _ in api()]
    config["project"]["nav"] = [*nav, *more, {"API": modules}]
    return config


def placed(entries: Sequence[str | dict[str, Any]]) -> list[str]:
    """The pages of a navigation, in its order."""
    found: list[str] = []
    for entry in entries:
        for value in [entry] if isinstance(entry, str) else entry.values():
            found += [value] if isinstance(value, str) else placed(value)
    return found


def stage(folder: Path, run_notebooks: bool) -> None:
    """Write what zensical reads."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs" / "figures", folder / "figures", ignore=shutil.ignore_patterns("*.md"))
    places = sources()
    for source, place in places.items():
        path = ROOT / source
        text = as_markdown(path, run_notebooks) if path.suffix == ".ipynb" else path.read_text()
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(typeset(relinked(text, source, places)))
    (folder / "api").mkdir()
    for name, text in api():
        (folder / "api" / f"{name}.md").write_text(text)
    shutil.copy(MATH_FONT, folder)
    (folder / "site.css").write_text(STYLE)


def sources() -> dict[str, str]:
    """Each page of the repository with its place on the site."""
    docs = {f"docs/{path.name}": path.name for path in sorted((ROOT / "docs").glob("*.md"))}
    notebooks = {
        f"docs/notebooks/{path.name}": f"notebooks/{path.stem}.md"
        for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
    }
    return docs | OTHERS | notebooks


def api() -> Iterator[tuple[str, str]]:
    """A page for each module and package below `fcnet`; the command line has a page of its own."""
    for top in sorted(PACKAGE.iterdir()):
        modules = sorted(top.rglob("*.py")) if top.is_dir() else sorted(PACKAGE.glob(f"{top.stem}.py"))
        if top.name == "cli" or top.stem.startswith("__") or not modules:
            continue
        names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in modules]
        found = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
        first, *others = sorted(found)
        title = f"::: {first}\n    options:\n      heading_level: 1\n\n"
        yield top.stem, title + "".join(f"::: {name}\n\n" for name in others)


def relinked(text: str, source: str, places: dict[str, str]) -> str:
    """Markdown with links that fit the site: those that lead out of it become their text."""

    def replaced(link: re.Match[str]) -> str:
        name, _, anchor = link["target"].partition("#")
        if "://" in link["target"] or not name:
            return link[0]
        file = os.path.normpath(Path(source).parent / name)
        place = places.get(file) or (file.removeprefix("docs/") if file.startswith("docs/figures/") else None)
        if place is None:
            return link["text"]
        target = os.path.relpath(place, Path(places[source]).parent)
        return f"{link['before']}({target}{'#' * bool(anchor)}{anchor})"

    return "".join(part if CODE.fullmatch(part) else LINK.sub(replaced, part) for part in CODE.split(text))


def typeset(text: str) -> str:
    """Markdown with its formulas as MathML: no script has to set them."""
    parts = []
    for part in CODE.split(text):
        if part.startswith("```math\n"):
            latex = part.removeprefix("```math\n").removesuffix("```")
            parts.append(f'<div class="formula">{mathml(latex, display=True)}</div>')
        elif CODE.fullmatch(part):
            parts.append(part)
        else:
            parts.append(INLINE.sub(lambda found: f"<span>{mathml(found[1])}</span>", part))
    return "".join(parts)


def without_network(html: Path) -> None:
    """Bring along the one script that the pages would fetch."""
    shutil.copy(SHIM, html)
    for path in html.rglob("*.html"):
        text = path.read_text()
        path.write_text(text.replace(FETCHED_SHIM, os.path.relpath(html / SHIM.name, path.parent)))


class Links(HTMLParser):
    """What a page refers to: addresses that a reader follows, and those that a browser fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.followed: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses and the anchor of an element."""
        found = {name: value or "" for name, value in attrs}
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        if "href" in found:
            (self.followed if tag in ("a", "area") else self.fetched).append(found["href"])
        if "src" in found:
            self.fetched.append(found["src"])


def check(html: Path) -> Iterator[str]:
    """What is wrong with the built pages: links that lead nowhere, and what would need a network."""
    pages = {path: Links(path.read_text()) for path in sorted(html.rglob("*.html"))}
    for path, links in pages.items():
        if path.name == "404.html":
            continue
        for address in (*links.followed, *links.fetched):
            if re.match(r"[a-z]+:|//", address):
                if address in links.fetched and not address.startswith("data:"):
                    yield f"{path.relative_to(html)} fetches {address}"
                continue
            name, _, anchor = address.partition("#")
            target = (path.parent / name).resolve() if name else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{path.relative_to(html)} links to {address}, which is not there"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{path.relative_to(html)} links to {address}, which has no such heading"


if __name__ == "__main__":
    sys.exit(main())
