"""Student's t: the interval of a mean, and whether one mean is larger than another by more than chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np

CONFIDENCE = 0.95
"""Of the interval of a mean."""

SIGNIFICANT = 0.01
"""A record is beaten if chance alone gives so large a lead with a lower probability."""

STEPS = np.linspace(-4.2, 4.2, 401)
"""Of the quadrature: with these the integral is right to 1e-12 of itself for up to 200 degrees of freedom."""


def survival(t: float, freedom: float) -> float:
    """The probability that Student's t with `freedom` degrees of freedom, at least 1, is larger than t.

    With t = sqrt(freedom) cot(u) its density becomes a multiple of sin(u)^(freedom - 1), which is integrated
    from 0 by the tanh-sinh rule: u moves from one end to the other so that both ends need few steps.
    """
    if t < 0:
        return 1 - survival(-t, freedom)
    end = math.atan2(math.sqrt(freedom), t)
    swing = math.pi * np.sinh(STEPS)
    u = end / (1 + np.exp(-swing))
    du = u / (1 + np.exp(swing)) * math.pi * np.cosh(STEPS) * (STEPS[1] - STEPS[0])
    factor = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return float(factor * np.sum(np.sin(u) ** (freedom - 1) * du))


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
