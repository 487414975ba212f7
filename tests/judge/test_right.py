"""No right solution is called wrong, whatever its style."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcnet.judge import Options, check_submission
from judge.right_solutions import RIGHT, Right


@pytest.mark.parametrize("solution", RIGHT, ids=lambda solution: solution.name)
def test_a_right_solution_is_called_right(solution: Right, tmp_path: Path) -> None:
    path = tmp_path / solution.file
    path.write_text(solution.text)
    report = check_submission(path, Options())
    assert [f.code for f in report.findings if f.severity == "error"] == [], report.findings
    assert report.verdict == "right"
    assert {f.code for f in report.findings} == solution.remarks
    assert (report.scores, report.penalty) == solution.handout
