"""What both outputs say, and the numbers in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fcnet.judge.catalogue import phrases
from fcnet.judge.report import UNFINISHED, Finding, Report, Shown
from fcnet.wording import shown


def value_text(value: Any) -> str:
    """A value of `shown` in a line."""
    if isinstance(value, np.ndarray | np.generic):
        return value_text(value.tolist())
    if isinstance(value, bool | int | str) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {value_text(item)}" for key, item in value.items())
    return str(value)


def rows_of(given: Shown) -> list[tuple[str, str]]:
    """Input, expected and got, each as a line; those that are not there left out."""
    words = phrases()
    pairs = (("input", given.input), ("expected", given.expected), ("got", given.got))
    return [(words[name], shown(value_text(value))) for name, value in pairs if value is not None]


def handout_text(report: Report) -> str:
    """Which handout the solution follows; "" where that cannot be told."""
    words = phrases()
    known = [words[f"handout {name}"] for name in (report.scores, report.penalty) if name]
    return f"{words['handout']} {' and '.join(known)}." if known else ""


def by_stage(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """The findings of each stage."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.stage, []).append(finding)
    return found


def something(findings: Sequence[Finding]) -> str:
    """What is said of a stage when no more may be said."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return phrases()["something remark"]
    unwritten = all(finding.code in UNFINISHED for finding in errors)
    return phrases()["something unfinished" if unwritten else "something error"]


def severity_word(finding: Finding) -> str:
    """Whether it is a mistake, a remark, or not written yet."""
    return phrases()["unfinished" if finding.code in UNFINISHED else finding.severity]
