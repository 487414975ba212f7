"""The rules of the test suite itself: what is slow exists, and a skipped test is noticed."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import RELEASE, ROOT, SLOW, refused_if_skipped


def skipped(reason: str) -> Any:
    return SimpleNamespace(skipped=True, outcome="skipped", longrepr=("file", 3, f"Skipped: {reason}"))


def test_the_files_that_are_left_out_exist() -> None:
    assert [name for name in (*SLOW, *RELEASE) if not (ROOT / name).exists()] == []
    assert not set(SLOW) & set(RELEASE)


@pytest.mark.parametrize("variable", ["CI", "FCNET_CI"])
def test_a_skipped_test_fails_in_continuous_integration(variable: str) -> None:
    report = refused_if_skipped(skipped("PyTorch is not installed"), {variable: "1"})
    assert report.outcome == "failed"
    assert report.longrepr.endswith("PyTorch is not installed")


@pytest.mark.parametrize(
    ("reason", "environment"),
    [("PyTorch is not installed", {}), ("root may write everywhere", {"CI": "1"})],
)
def test_elsewhere_or_for_a_good_reason_it_stays_skipped(reason: str, environment: dict[str, str]) -> None:
    assert refused_if_skipped(skipped(reason), environment).outcome == "skipped"


def test_what_ran_is_left_as_it_is() -> None:
    report = SimpleNamespace(skipped=False, outcome="passed", longrepr=None)
    assert refused_if_skipped(report, {"CI": "1"}).outcome == "passed"


def test_tests_compute_with_one_thread() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    if os.environ["OPENBLAS_NUM_THREADS"] == "1":
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info()} == {1}
