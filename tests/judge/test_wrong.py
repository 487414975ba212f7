"""Mistakes are named in programs of any style; what the catalogue lacks is called wrong all the same."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import pytest

from in_process import judged
from judge.wrong_solutions import UNLISTED, WRONG, Wrong


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.codes[0]}-{wrong.new[:30]}")
def test_a_mistake_is_named_in_any_style(wrong: Wrong, apart: ProcessPoolExecutor) -> None:
    report = apart.submit(judged, wrong.text).result()
    errors = [finding.code for finding in report.findings if finding.severity == "error"]
    assert set(errors) == set(wrong.codes), report.findings
    assert report.verdict == "wrong"
    for finding in report.findings:
        assert finding.shown.expected is not None
        assert finding.shown.got is not None


@pytest.mark.parametrize("wrong", UNLISTED, ids=lambda wrong: wrong.new[:40])
def test_a_mistake_that_is_not_listed_is_wrong_and_shown(wrong: Wrong, apart: ProcessPoolExecutor) -> None:
    report = apart.submit(judged, wrong.text).result()
    assert report.verdict == "wrong"
    first = next(finding for finding in report.findings if finding.severity == "error")
    assert first.shown.input is not None
    assert first.shown.expected is not None
    assert first.shown.got is not None
