"""The tolerances of the audit in one table, each with its reason. All in float64."""

import numpy as np

from fcnet.arrays import Array

TOLERANCES = {
    # The exercise's floor under |a| + |n|: below it, rounding is all that is left to compare.
    "floor": 1e-8,
    # Analytic against the complex step, as a part of |a| + |n|. Rounding is their only error, and it is 1e-14
    # to 1e-13. The smallest wrong factor that matters is far larger.
    "complex_step": 1e-10,
    # The same, as a part of the parameter's largest gradient (at least 1), for sums that cancel.
    "cancellation": 1e-14,
    # Analytic against a further reference (torch.autograd in float64): only the order of summation differs.
    "reference": 1e-9,
    # Central difference against the complex step, at the best h of each entry: truncation, h^2 times a
    # third derivative. Only a loss that is not analytic, so that its complex step is wrong, comes near it.
    "central": 1e-3,
    # Rounding of a central difference, in units of eps / h times the largest of 1, loss, pre-activations.
    "central_rounding": 1e3,
    # Analytic against extrapolated differences, in addition to the estimated error of the extrapolation. If
    # only the loss is known, the differences reach 1e-9.
    "travelling": 1e-7,
    # How far half the step may be from halving the bend at a point, as a part of the slopes: a kink that is
    # smaller than this changes the derivative by less than "travelling".
    "kink": 1e-8,
    # Two calls at the same point: the same operations in the same order.
    "repeat": 1e-12,
}


def relative_error(a: Array, n: Array) -> Array:
    """The exercise's |a - n| / max(1e-8, |a| + |n|), element-wise; a, n and result of one shape."""
    error: Array = np.abs(a - n) / np.maximum(TOLERANCES["floor"], np.abs(a) + np.abs(n))
    return error


def disagree(a: Array, n: Array, tolerance: str, error: Array | float = 0.0) -> Array:
    """True where a and n (one shape) are further apart than `tolerance`, cancellation and an error allow."""
    scale = max(1.0, float(np.abs(n).max(initial=0.0)))
    allowed = TOLERANCES[tolerance] * (np.abs(a) + np.abs(n)) + TOLERANCES["cancellation"] * scale + error
    return np.asarray(~(np.abs(a - n) <= allowed))  # "not <=": NaN disagrees
