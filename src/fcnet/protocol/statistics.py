"""Student's t: the interval of a mean, and whether one mean is larger than another by more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

CONFIDENCE = 0.95
"""Of the interval of a mean."""

SIGNIFICANT = 0.01
"""A record is beaten if chance alone gives so large a lead with a lower probability."""

TERMS, ENOUGH, TINY = 1_000, 1e-15, 1e-300


def survival(t: float, freedom: float) -> float:
    """The probability that Student's t with `freedom` degrees of freedom is larger than t."""
    if math.isinf(t):
        return float(t < 0)
    square = t * t
    if square < freedom:  # where the other form would lose the digits of a small t
        tail = (1 - _incomplete_beta(square / (freedom + square), 0.5, freedom / 2)) / 2
    else:
        tail = _incomplete_beta(freedom / (freedom + square), freedom / 2, 0.5) / 2
    return tail if t >= 0 else 1 - tail


def quantile(probability: float, freedom: float) -> float:
    """The t that Student's t exceeds with this probability, below one half."""
    low, high = 0.0, 1.0
    while survival(high, freedom) > probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if survival(middle, freedom) > probability else (low, middle)
    return (low + high) / 2


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Bounds of the mean with `CONFIDENCE`; None for one value."""
    if len(values) < 2:
        return None
    reach = quantile((1 - CONFIDENCE) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return mean(values) - reach, mean(values) + reach


@dataclass(frozen=True)
class Lead:
    """Whether one mean is larger than another.

    p : probability of a lead at least so large if there is none, one-sided
    test : the test's name
    """

    p: float
    test: str


def lead(new: Sequence[float], old: Sequence[float], images: int) -> Lead:
    """Compare the accuracies of new seeds with those of a record.

    With several seeds on both sides this is Welch's t-test; against one number, Student's t-test of the new
    seeds. One new seed has no spread: then only the chance of which images were tested is counted.

    Parameters
    ----------
    new, old : fractions in [0, 1], one a seed
    images : that each was tested on
    """
    difference = mean(new) - mean(old)
    if len(new) == 1:
        variances = [mean(side) * (1 - mean(side)) / images for side in (new, old)]
        return Lead(_normal(difference, math.sqrt(sum(variances))), "binomial over test images")
    parts = [(stdev(side) ** 2 / len(side), len(side) - 1) for side in (new, old) if len(side) > 1]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return Lead(float(difference <= 0), _name(parts))
    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    return Lead(survival(difference / math.sqrt(variance), freedom), _name(parts))


def _name(parts: Sequence[object]) -> str:
    return "Welch's t-test over seeds" if len(parts) == 2 else "Student's t-test over seeds"


def _normal(difference: float, error: float) -> float:
    return math.erfc(difference / error / math.sqrt(2)) / 2 if error else float(difference <= 0)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges quickly on the other side
        return 1 - _incomplete_beta(1 - x, b, a)
    front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(front) / a / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)) with the coefficients of I_x(a, b), by Lentz's method."""
    value, above, below = 1.0, 1.0, 0.0
    for number in range(1, TERMS):
        half = number // 2
        if number % 2:
            d = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            d = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        below = 1 / (1 + d * below or TINY)
        above = 1 + d / above or TINY
        value *= above * below
        if abs(above * below - 1) < ENOUGH:
            break
    return value
