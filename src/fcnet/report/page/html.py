"""The whole report in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset
from fcnet.files import write_atomically
from fcnet.report.page.drawn import draw_inline
from fcnet.report.page.prose import mathml, prose
from fcnet.report.page.source import Source
from fcnet.report.page.story import sections

HERE = Path(__file__).parent


def write_report(folder: Path, dataset: Dataset | None = None, out: Path | None = None) -> Path:
    """Write the report of a reproduction or a run.

    Parameters
    ----------
    folder : of the reproduction or the run
    dataset : that it was made from, for its pictures; None where it cannot be had
    out : the file to write; report.html in the folder if not given

    Returns
    -------
    path : of the file

    Raises
    ------
    RunError : the folder is none of ours, a record is damaged, or the file cannot be written
    """
    path = out or folder / "report.html"
    write_atomically(path, page(Source(folder, dataset)))
    return path


def page(source: Source) -> str:
    """The page's text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    told = sections(source)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    kinds = {"kind": lambda block: type(block).__name__, "data_uri": _data_uri}
    return environment.get_template("page.html").render(
        title="The run" if source.single else "Fully-connected networks from first principles",
        label=source.label,
        sections=told,
        figures=draw_inline(source.records),
        chapters=_chapters(),
        css=Markup((HERE / "page.css").read_text()),
        js=Markup((HERE / "page.js").read_text()),
        safe=Markup,
        **kinds,
    )


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chapters() -> list[dict[str, Any]]:
    """The derivation, ready to print: its texts are our own, and markup."""
    from markupsafe import Markup

    from fcnet.derivation.markdown import verdict
    from fcnet.derivation.proof import proofs
    from fcnet.derivation.text import CHAPTERS
    from fcnet.derivation.typeset import formula, line

    return [
        {
            "title": chapter.title,
            "text": Markup(prose(chapter.text)),
            "equations": [
                {
                    "title": equation.title,
                    "number": equation.number,
                    "text": Markup(prose(equation.text)),
                    "formula": Markup(mathml(formula(equation), display=True)),
                    "line": line(equation),
                    "holds": proofs()[equation].holds,
                    "verdict": verdict(proofs()[equation]),
                }
                for equation in chapter.equations
            ],
        }
        for chapter in CHAPTERS
    ]
