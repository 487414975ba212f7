"""No right solution is called wrong, whatever its style."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from fcnet.judge import Options, check_submission
from fcnet.judge.report import Report
from in_process import judged
from judge.right_solutions import RIGHT, Right


def assert_right(solution: Right, report: Report) -> None:
    assert [f.code for f in report.findings if f.severity == "error"] == [], report.findings
    assert report.verdict == "right"
    assert {f.code for f in report.findings} == solution.remarks
    assert (report.scores, report.penalty) == solution.handout


@pytest.mark.parametrize("solution", RIGHT, ids=lambda solution: solution.name)
def test_a_right_solution_is_called_right(solution: Right, apart: ProcessPoolExecutor) -> None:
    assert_right(solution, apart.submit(judged, solution.text, solution.file).result())


@pytest.mark.parametrize("solution", RIGHT[::6], ids=lambda solution: solution.name)
def test_in_a_process_of_its_own_too(solution: Right, tmp_path: Path) -> None:
    path = tmp_path / solution.file
    path.write_text(solution.text)
    assert_right(solution, check_submission(path, Options()))
