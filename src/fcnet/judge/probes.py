"""The questions that a network is asked: parameters, examples and labels, drawn so that mistakes show.

All sizes differ, no bias is zero, and no pre-activation lies near the ReLU's kink, so that every derivative
exists and nobody is called wrong for a choice at 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fcnet.arrays import Array

KINK = 0.02
"""No pre-activation is closer to 0 than this."""

APART = 10.0
"""No two scores of an example are further apart, so that no probability is below 1e-6: then the usual tiny
number in a logarithm, 1e-15, changes the loss by less than `EXACT` parts."""

NAMES = ("W1", "b1", "W2", "b2")


@dataclass(frozen=True, eq=False)
class Probe:
    """One question; those with the same numbers are equal, so that answers can be remembered.

    Attributes
    ----------
    params : {"W1": (D, H), "b1": (H,), "W2": (H, K), "b2": (K,)}
    X, y : (N, D) and (N,)
    reg : lambda
    """

    params: Mapping[str, Array]
    X: Array
    y: Array
    reg: float

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(D, H, K)."""
        D, H = self.params["W1"].shape
        return D, H, self.params["W2"].shape[1]

    @cached_property
    def z2(self) -> Array:
        """The right pre-activations (N, H)."""
        z2: Array = self.X @ self.params["W1"] + self.params["b1"]
        return z2

    @cached_property
    def logits(self) -> Array:
        """The right scores before the softmax (N, K)."""
        z3: Array = np.maximum(self.z2, 0) @ self.params["W2"] + self.params["b2"]
        return z3

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        arrays = (*(self.params[name] for name in NAMES), self.X, self.y)
        return (self.reg, *((array.shape, array.dtype.str, array.tobytes()) for array in arrays))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Probe) and self._key == other._key

    def at(self, reg: float) -> Probe:
        """The same question with another lambda."""
        return replace(self, reg=reg)


def draw(
    rng: np.random.Generator,
    D: int,
    H: int,
    K: int,
    N: int,
    reg: float = 0.3,
    y: Any = None,
) -> Probe:
    """A random question, clear of the kink and of certainty; labels hold every class if N allows it."""
    while True:
        params = {
            "W1": rng.normal(0, 0.8, (D, H)),
            "b1": rng.uniform(0.2, 0.7, H) * rng.choice([-1, 1], H),
            "W2": rng.normal(0, 0.8, (H, K)),
            "b2": rng.uniform(0.2, 0.9, K) * rng.choice([-1, 1], K),
        }
        probe = Probe(params, rng.normal(0, 1.0, (N, D)), np.zeros(N, np.int64), reg)
        z2, z3, without = probe.z2, probe.logits, probe.X @ params["W1"]
        both_signs = (z2 > 0).any() and (z2 < 0).any()
        clear = min(np.abs(z2).min(), np.abs(z3).min(), np.abs(without).min()) > KINK
        if clear and both_signs and np.ptp(z3, axis=1).max() < APART:
            break
    labels = rng.permutation(np.resize(np.arange(K), N)) if y is None else np.asarray(y)
    return replace(probe, y=labels)


def main_probes(rng: np.random.Generator) -> tuple[Probe, Probe]:
    """The two questions from which mistakes are told apart; all sizes differ."""
    return draw(rng, 5, 7, 4, 6), draw(rng, 2, 6, 8, 9, reg=0.2)


def toy_probe() -> Probe:
    """The exercise's toy problem."""
    from fcnet.data.toy import REG, toy_data, toy_weights

    X, y = toy_data()
    return Probe(toy_weights(), X, y, REG)


def small_probes() -> list[Probe]:
    """Round numbers from the smallest network upwards, to show a mistake with."""
    two_one = {
        "W1": np.array([[1.0, -1.0]]),
        "b1": np.array([0.5, 0.25]),
        "W2": np.array([[1.0, -0.5], [0.5, 1.0]]),
        "b2": np.array([0.25, -0.5]),
    }
    wide = {
        "W1": np.array([[1.0, -1.0, 0.5], [0.5, 2.0, -1.5]]),
        "b1": np.array([0.25, -0.5, 0.75]),
        "W2": np.array([[1.0, -0.5], [0.5, 1.5], [-1.0, 0.25]]),
        "b2": np.array([0.25, -0.5]),
    }
    three = {
        "W1": wide["W1"],
        "b1": wide["b1"],
        "W2": np.array([[1.0, -0.5, 0.25, 0.5], [0.5, 1.5, -1.0, -0.25], [-1.0, 0.25, 0.75, 1.0]]),
        "b2": np.array([0.25, -0.5, 0.75, -0.25]),
    }
    tiny, narrow = np.array([[1.0]]), np.array([[1.0], [-2.0]])
    pair, trio = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([[1.0, 2.0], [-1.0, 0.5], [2.0, -3.0]])
    five = np.vstack([trio, [[0.5, 1.0], [-2.0, -0.25]]])
    return [
        Probe(two_one, tiny, np.array([0]), 0.0),
        Probe(two_one, tiny, np.array([0]), 0.5),
        Probe(two_one, narrow, np.array([0, 1]), 0.0),
        Probe(two_one, narrow, np.array([0, 1]), 0.5),
        Probe(wide, pair, np.array([1, 0]), 0.5),
        Probe(wide, trio, np.array([1, 0, 1]), 0.5),
        Probe(three, five, np.array([2, 0, 1, 3, 1]), 0.5),
    ]
