"""The lasso: soft thresholding after each step, which leaves everything else of the step alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnet.errors import DataError
from fcnet.net.lasso import shrink, threshold
from fcnet.net.network import Network
from fcnet.net.optimisers import OPTIMISERS
from fcnet.train.config import TrainConfig

LASSO, REG, MU = 2e-2, 0.01, 0.9


def network(seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    return Network.plain((7, 9, 4), rng, initialisation="pytorch", dtype=np.float64)


def batch(seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng([3, seed])
    return rng.standard_normal((12, 7)), rng.integers(4, size=12)


@given(
    weight=st.floats(-3, 3), t=st.floats(0, 2), elsewhere=st.lists(st.floats(-4, 4), min_size=1, max_size=20)
)
def test_soft_thresholding_is_the_minimiser_of_the_term_and_the_distance(
    weight: float, t: float, elsewhere: list[float]
) -> None:
    """Of (x - w)^2 / 2 + t |x|: no other x is better."""
    net = network()
    net.parameters[0].value[...] = weight
    shrink(net.parameters[:1], OPTIMISERS["sgd"](TrainConfig()), 1.0, t)
    (x,) = np.unique(net.params["W1"])

    def cost(point: float) -> float:
        return (point - weight) ** 2 / 2 + t * abs(point)

    assert all(cost(x) <= cost(other) + 1e-12 for other in elsewhere)
    assert (x == 0) == (abs(weight) <= t)


def plain_steps(net: Network, rule: str, steps: int) -> dict[str, Any]:
    """The same on arrays of their own, by Algorithm 1 as it stands: no scales, no pull."""
    theta = {name: value.copy() for name, value in net.params.items()}
    v = {name: np.zeros_like(value) for name, value in theta.items()}
    for step in range(steps):
        rate = 0.1 / (1 + step)
        _, grads = net.with_params(theta).loss(*batch(step), REG)
        for name, g in grads.items():
            v[name] = MU * v[name] - rate * g
            theta[name] = theta[name] + (MU * v[name] - rate * g if rule == "nesterov" else v[name])
            if name.startswith("W"):
                t = rate * LASSO / (1 - MU)
                theta[name] = np.sign(theta[name]) * np.maximum(np.abs(theta[name]) - t, 0)
    return theta


@pytest.mark.parametrize("rule", ["sgd", "nesterov"])
def test_steps_with_momentum_decay_and_lasso_lead_where_plain_arrays_lead(rule: str) -> None:
    net, config = network(), TrainConfig(optimiser=rule, momentum=MU)
    wanted = plain_steps(net, rule, 12)
    optimiser = OPTIMISERS[rule](config)
    for step in range(12):
        rate = 0.1 / (1 + step)
        net.step(*batch(step), optimiser, rate, REG)
        shrink(net.parameters, optimiser, LASSO, rate)
    for name, value in net.params.items():
        np.testing.assert_allclose(value, wanted[name], rtol=1e-9, atol=1e-12)
    assert any((value == 0).any() for name, value in net.params.items() if name.startswith("W"))
    assert all((value != 0).all() for name, value in net.params.items() if name.startswith("b"))


def test_without_settling_the_velocity_would_change() -> None:
    """What `SGD.settle` does is needed: without it the test above fails."""
    net, optimiser = network(), OPTIMISERS["sgd"](TrainConfig(momentum=MU))
    wanted = plain_steps(net, "sgd", 12)

    class Unsettled:
        momentum = MU

    for step in range(12):
        rate = 0.1 / (1 + step)
        net.step(*batch(step), optimiser, rate, REG)
        shrink(net.parameters, Unsettled(), LASSO, rate)  # type: ignore[arg-type]
    assert max(np.abs(value - wanted[name]).max() for name, value in net.params.items()) > 1e-6


def test_the_threshold_grows_with_the_momentum() -> None:
    assert threshold(0.5, 0.1, 0.0) == pytest.approx(0.05)
    assert threshold(0.5, 0.1, 0.9) == pytest.approx(0.5)


@pytest.mark.parametrize("value", [-1e-3, float("nan"), float("inf"), "small"])
def test_the_factor_is_a_number_of_at_least_0(value: Any) -> None:
    with pytest.raises(DataError, match="lasso is"):
        TrainConfig(lasso=value)
