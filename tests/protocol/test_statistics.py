"""Student's t and the tests that are built on it, against mpmath and SciPy."""

from __future__ import annotations

import math
from statistics import mean, stdev

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fcnet.protocol.statistics import interval, lead, quantile, survival

mpmath = pytest.importorskip("mpmath")
scipy = pytest.importorskip("scipy.stats")

ACCURACIES = st.lists(st.integers(1, 9_999).map(lambda right: right / 10_000), min_size=2, max_size=8)


@given(st.floats(-50, 50), st.floats(1, 200))
@example(1e-8, 1.0)  # where SciPy 1.17 has eight digits
def test_the_tail_is_students(t: float, freedom: float) -> None:
    with mpmath.workdps(40):
        beyond = mpmath.betainc(
            mpmath.mpf(freedom) / 2, 0.5, 0, freedom / (freedom + mpmath.mpf(t) ** 2), regularized=True
        )
        tail = float(beyond / 2 if t >= 0 else 1 - beyond / 2)
    assert survival(t, freedom) == pytest.approx(tail, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("freedom", [1, 2, 4, 30, 2.7])
def test_the_quantile_is_students(freedom: float) -> None:
    assert quantile(0.025, freedom) == pytest.approx(scipy.t.isf(0.025, freedom), rel=1e-9)


@given(ACCURACIES)
def test_the_interval_is_that_of_the_mean(values: list[float]) -> None:
    found = interval(values)
    assert found is not None
    error = stdev(values) / math.sqrt(len(values))
    wanted = scipy.t.interval(0.95, len(values) - 1, mean(values), error) if error else [mean(values)] * 2
    assert found == pytest.approx(wanted, abs=1e-9)


def test_one_value_has_no_interval() -> None:
    assert interval([0.7]) is None


@given(ACCURACIES, ACCURACIES)
def test_two_records_are_compared_by_welch(new: list[float], old: list[float]) -> None:
    if len(set(new)) == 1 or len(set(old)) == 1:  # SciPy warns
        return
    found = lead(new, old, 10_000)
    wanted = scipy.ttest_ind(new, old, equal_var=False, alternative="greater").pvalue
    assert found.test == "Welch's t-test over seeds"
    assert found.p == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_a_published_number_is_compared_by_student() -> None:
    new = [0.70, 0.71, 0.705]
    found = lead(new, [0.69], 10_000)
    assert found.test == "Student's t-test over seeds"
    assert found.p == pytest.approx(scipy.ttest_1samp(new, 0.69, alternative="greater").pvalue)


def test_one_seed_is_compared_over_test_images() -> None:
    found = lead([0.77], [0.75, 0.76], 10_000)
    error = math.sqrt((0.77 * 0.23 + 0.755 * 0.245) / 10_000)
    assert found.test == "binomial over test images"
    assert found.p == pytest.approx(scipy.norm.sf(0.015 / error))


@pytest.mark.parametrize(("new", "p"), [([0.7, 0.7], 0.0), ([0.6, 0.6], 1.0), ([0.5, 0.5], 1.0)])
def test_seeds_without_spread_decide_by_their_mean(new: list[float], p: float) -> None:
    assert lead(new, [0.6, 0.6], 100).p == p
