"""Names the likely mistake in a wrong gradient."""

from collections.abc import Mapping

import numpy as np

from fcnet.arrays import Array

CLOSE = 1e-6
"""Largest deviation of a guess from the whole gradient, as a part of its largest entry."""


def diagnose(
    a: Array, n: Array, dead: Array, theta: Array, examples: int, reg: float, others: Mapping[str, Array]
) -> str:
    """Name the mistake that turns the derivative n into the gradient a, "" if none of the usual ones does.

    Parameters
    ----------
    a : (E,) the wrong gradient
    n : (E,) the derivative
    dead : (E,) bool, entries of dead units
    theta : (E,) the parameter's own values
    examples : N
    reg : lambda
    others : (E,) each, derivatives by other parameters of the same shape, by name
    """
    if not a.any():
        return "the gradient is zero everywhere"
    if (dead & (a != 0)).any():
        return f"{(dead & (a != 0)).sum()} entries of dead units are not exactly 0: is the ReLU's mask right?"
    factor = float(a @ n / (n @ n)) if n.any() else 0.0
    if min(abs(factor), abs(factor - 1)) > CLOSE and _explains(a, factor * n):
        return f"{factor:.6g} times the derivative{_meaning(factor, examples)}"
    if theta.any():
        multiple = float((a - n) @ theta / (theta @ theta))
        if multiple and _explains(a - n, multiple * theta):
            return f"off by {multiple:.6g} times the parameter{_share(multiple, reg)}"
    for other, derivative in others.items():
        if _explains(a, derivative):
            return f"this is the derivative by {other}"
    if np.sqrt(a.size).is_integer() and _explains(a, n.reshape(int(np.sqrt(a.size)), -1).T.ravel()):
        return "this is the derivative transposed"
    return ""


def _explains(a: Array, guess: Array) -> bool:
    return bool(np.abs(a - guess).max() <= CLOSE * np.abs(a).max())


def _meaning(factor: float, examples: int) -> str:
    meanings = {
        float(examples): "a sum over examples instead of their mean?",
        1 / examples: "divided by the number of examples twice?",
        -1.0: "its sign is wrong",
        0.5: "a factor 2 is missing",
        2.0: "a factor 2 too many",
    }
    return next((f": {text}" for value, text in meanings.items() if np.isclose(factor, value, CLOSE)), "")


def _share(multiple: float, reg: float) -> str:
    meanings = {
        -2 * reg: "the regularisation's gradient is missing",
        -reg: "the regularisation's gradient lacks its factor 2",
        2 * reg: "regularised though the loss does not, or twice?",
        reg: "regularised though the loss does not?",
    }
    return next((f": {text}" for value, text in meanings.items() if np.isclose(multiple, value, CLOSE)), "")
