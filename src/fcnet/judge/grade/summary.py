"""What a course did well and badly, and its table of marks."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fcnet.judge.grade.graded import Graded
from fcnet.wording import harmless


@dataclass(frozen=True)
class Mistake:
    """A kind of mistake, and who made it.

    Attributes
    ----------
    code, stage, severity, message : of the finding
    who : the submissions that have it
    """

    code: str
    stage: str
    severity: str
    message: str
    who: tuple[Graded, ...]


def frequencies(graded: Sequence[Graded]) -> list[Mistake]:
    """All kinds of mistakes, errors before remarks, the most frequent first."""
    found: dict[str, list[Graded]] = {}
    first: dict[str, Mapping[str, Any]] = {}
    for one in graded:
        for finding in one.findings:
            first.setdefault(finding["code"], finding)
            if one not in found.setdefault(finding["code"], []):
                found[finding["code"]].append(one)
    mistakes = [
        Mistake(code, first[code]["stage"], first[code]["severity"], first[code]["message"], tuple(who))
        for code, who in found.items()
    ]
    return sorted(mistakes, key=lambda kind: (kind.severity != "error", -len(kind.who), kind.code))


def grades_csv(graded: Sequence[Graded]) -> str:
    """The table of marks: one line for each submission."""
    stages = list(graded[0].rubric.points) if graded else []
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["name", "verdict", "points", "of", *stages, "mistakes", "remarks", "seconds", "problem"])
    for one in graded:
        writer.writerow(
            [
                harmless(one.shown),
                one.verdict,
                number(one.points),
                number(one.rubric.total),
                *(number(one.by_stage[stage]) for stage in stages),
                " ".join(finding["code"] for finding in one.mistakes),
                " ".join(finding["code"] for finding in one.findings if finding["severity"] != "error"),
                one.record.get("seconds", ""),
                harmless(one.problem),
            ]
        )
    return file.getvalue()


def number(points: float) -> str:
    """Points without a useless decimal."""
    return f"{points:g}"
