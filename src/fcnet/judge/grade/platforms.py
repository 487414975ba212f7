"""One graded submission in the words of Gradescope, PrairieLearn and GitHub."""

from collections.abc import Mapping
from typing import Any

from fcnet.judge.grade.graded import Graded
from fcnet.judge.grade.summary import number

PASSED = "Nothing is wrong here."


def gradescope(graded: Graded) -> dict[str, Any]:
    """The object that Gradescope reads from `results/results.json`: a test for each stage that counts."""
    return {
        "score": graded.points,
        "output": graded.problem or f"Verdict: {graded.verdict}.",
        "output_format": "text",
        "stdout_visibility": "hidden",
        "execution_time": round(graded.record.get("seconds", 0.0)),
        "tests": [
            {
                "name": stage,
                "score": points,
                "max_score": graded.rubric.points[stage],
                "status": "passed" if points >= graded.rubric.points[stage] else "failed",
                "output": words(graded, stage),
                "output_format": "text",
            }
            for stage, points in graded.by_stage.items()
        ],
    }


def prairielearn(graded: Graded) -> dict[str, Any]:
    """The object that PrairieLearn reads from `/grade/results/results.json`."""
    if graded.problem:
        return {"gradable": False, "format_errors": [graded.problem]}
    return {
        "gradable": True,
        "score": graded.points / graded.rubric.total,
        "output": f"Verdict: {graded.verdict}.",
        "tests": [
            {
                "name": stage,
                "points": points,
                "max_points": graded.rubric.points[stage],
                "output": words(graded, stage),
            }
            for stage, points in graded.by_stage.items()
        ],
    }


def github(graded: Graded) -> list[str]:
    """Commands of GitHub Actions, which shows them beside the lines of the file."""
    if graded.problem:
        return [f"::error::{escaped(graded.problem)}"]
    lines = []
    for finding in graded.findings:
        kind = "error" if finding["severity"] == "error" else "warning"
        place = {"file": graded.record["file"], "line": finding["line"], "title": finding["code"]}
        told = ",".join(
            f"{key}={escaped(str(value), True)}" for key, value in place.items() if value is not None
        )
        lines.append(f"::{kind} {told}::{escaped(finding['message'])}")
    lines.append(
        f"::notice::{number(graded.points)} of {number(graded.rubric.total)} points, {graded.verdict}"
    )
    return lines


def plain(graded: Graded) -> list[str]:
    """Lines for a terminal: the points of each stage, and below it what was found."""
    if graded.problem:
        return [f"{graded.shown} could not be checked: {graded.problem}"]
    lines = [
        f"{graded.shown}: {number(graded.points)} of {number(graded.rubric.total)} points, {graded.verdict}"
    ]
    for entry in graded.record["stages"]:
        full = graded.rubric.points.get(entry["stage"])
        points = f", {number(graded.by_stage[entry['stage']])} of {number(full)}" if full is not None else ""
        lines.append(f"{entry['stage']}: {entry['verdict']}{points}")
        lines += [f"  {_line(finding)}" for finding in graded.of(entry["stage"])]
    return lines


def words(graded: Graded, stage: str) -> str:
    """What is said of a stage, a finding a line."""
    if graded.problem:
        return graded.problem
    verdict = next(
        (entry["verdict"] for entry in graded.record["stages"] if entry["stage"] == stage), "not reached"
    )
    lines = [_line(finding) for finding in graded.of(stage)]
    if not lines and verdict == "not reached":
        return "Not reached: an earlier stage comes first."
    return "\n".join(lines) or PASSED


def _line(finding: Mapping[str, Any]) -> str:
    where = f"line {finding['line']}: " if finding["line"] else ""
    return f"{where}{finding['message']} ({finding['code']})"


def escaped(text: str, in_property: bool = False) -> str:
    """A text as GitHub's commands want it; `,` and `:` mean something inside their properties."""
    pairs = [
        ("%", "%25"),
        ("\r", "%0D"),
        ("\n", "%0A"),
        *([(":", "%3A"), (",", "%2C")] if in_property else []),
    ]
    for sign, code in pairs:
        text = text.replace(sign, code)
    return text
