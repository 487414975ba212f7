"""A report as one HTML page: the student's lines beside what was found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fcnet.extras import jinja
from fcnet.files import write_atomically
from fcnet.judge.catalogue import phrases
from fcnet.judge.output.words import by_stage, handout_text, rows_of, something
from fcnet.judge.report import Report
from fcnet.judge.source import Source
from fcnet.wording import shown

HERE = Path(__file__).parent


def write_page(path: Path, parts: Sequence[tuple[Source, Report]], hints: int) -> None:
    """Write the page of a submission's files.

    Raises
    ------
    RunError : the file cannot be written
    """
    write_atomically(path, page(parts, hints))


def page(parts: Sequence[tuple[Source, Report]], hints: int) -> str:
    """The page's text: all that comes from the student is escaped."""
    template = jinja(HERE).get_template("page.html")
    return template.render(
        files=[_file(place, source, report, hints) for place, (source, report) in enumerate(parts)],
        words=phrases(),
        hints=hints,
        css=(HERE / "page.css").read_text(),
    )


def _file(place: int, source: Source, report: Report, hints: int) -> dict[str, Any]:
    """What the template needs of one file."""
    told = [
        {
            "id": f"f{place}-{number}",
            "code": finding.code,
            "severity": finding.severity,
            "stage": finding.stage,
            "line": finding.line,
            "where": source.where(finding.line),
            "message": finding.message if hints >= 2 else something([finding]),
            "detail": shown(finding.detail) if hints >= 2 else "",
            "rows": rows_of(finding.shown) if hints >= 1 else [],
            "equation": finding.equation if hints >= 2 else "",
            "think": finding.think if hints >= 3 else "",
        }
        for number, finding in enumerate(report.findings)
    ]
    marked = {item["line"]: item for item in reversed(told) if hints >= 1 and item["line"] is not None}
    return {
        "place": place,
        "name": shown(report.file),
        "verdict": report.verdict,
        "handout": handout_text(report),
        "stages": report.stages,
        "findings": told,
        "stage_words": {stage: something(findings) for stage, findings in by_stage(report.findings).items()},
        "lines": [
            (number, source.place(number)[1], shown(text.expandtabs(4)), marked.get(number))
            for number, text in enumerate(source.lines, 1)
        ],
        "notes": [shown(note) for note in report.notes],
    }
