"""Weights of examples: in the loss, in its gradient, and in a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fcnet.net.losses import SoftmaxCrossEntropy
from fcnet.net.network import Network
from fcnet.net.optimisers import SGD, gradient_of


def problem(seed: int = 0) -> tuple[Any, Any, Any]:
    """Logits (7, 3), labels and weights, one of them 0."""
    rng = np.random.default_rng(seed)
    weights = rng.exponential(size=7)
    weights[3] = 0
    return 3 * rng.standard_normal((7, 3)), rng.integers(3, size=7), weights


def against_torch(criterion: SoftmaxCrossEntropy) -> tuple[float, float]:
    """How far loss and gradient are from torch's, relative to their largest entries."""
    torch = pytest.importorskip("torch")
    Z, y, weights = problem()
    inputs = torch.tensor(Z, requires_grad=True)
    losses = torch.nn.functional.cross_entropy(
        inputs, torch.tensor(y), reduction="none", label_smoothing=criterion.label_smoothing
    )
    expected = (losses * torch.tensor(weights)).mean()
    expected.backward()
    J = criterion.forward(Z, y, weights)
    error = np.abs(criterion.backward() - inputs.grad.numpy())
    return abs(J / expected.item() - 1), float(error.max() / inputs.grad.abs().max())


@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_weighted_loss_and_gradient_are_those_of_torch(label_smoothing: float) -> None:
    assert max(against_torch(SoftmaxCrossEntropy(label_smoothing))) < 1e-12


def divided_by_the_sum(self: SoftmaxCrossEntropy, Z: Any, y: Any, weights: Any) -> Any:
    return SoftmaxCrossEntropy.forward(self, Z, y, weights / weights.mean())


def not_in_the_smoothing(self: SoftmaxCrossEntropy, Z: Any, y: Any, weights: Any) -> Any:
    plain = SoftmaxCrossEntropy(0.0)
    J = (1 - self.label_smoothing) * plain.forward(Z, y, weights)
    uniform = SoftmaxCrossEntropy(self.label_smoothing).forward(Z, y) - (
        1 - self.label_smoothing
    ) * plain.forward(Z, y)
    SoftmaxCrossEntropy.forward(self, Z, y, weights)
    return J + uniform


def not_in_the_gradient(self: SoftmaxCrossEntropy, Z: Any, y: Any, weights: Any) -> Any:
    J = SoftmaxCrossEntropy.forward(self, Z, y, weights)
    SoftmaxCrossEntropy.forward(self, Z, y)
    return J


@pytest.mark.parametrize("wrong", [divided_by_the_sum, not_in_the_smoothing, not_in_the_gradient])
def test_wrong_weightings_are_rejected(wrong: Callable[..., Any]) -> None:
    criterion = SoftmaxCrossEntropy(0.3)
    criterion.forward = wrong.__get__(criterion)  # type: ignore[method-assign]
    assert max(against_torch(criterion)) > 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_weights_of_one_are_no_weights_bit_for_bit(dtype: Any, label_smoothing: float) -> None:
    Z, y, weights = problem()
    criterion = SoftmaxCrossEntropy(label_smoothing)
    criterion.forward(Z.astype(dtype), y, weights.astype(dtype))  # forgotten by what comes next
    plain = criterion.forward(Z.astype(dtype), y), criterion.backward().copy()
    ones = criterion.forward(Z.astype(dtype), y, np.ones(7, dtype)), criterion.backward()
    assert plain[0] == ones[0]
    np.testing.assert_array_equal(plain[1], ones[1])


def test_every_gradient_of_a_weighted_network_is_the_central_difference() -> None:
    rng = np.random.default_rng(1)
    X, (_, y, weights) = rng.standard_normal((7, 4)), problem()
    net = Network.plain((4, 5, 3), rng, label_smoothing=0.1, dtype=np.float64)
    net.params["b1"][:] = 0.2 * rng.standard_normal(5)
    net.criterion.forward(net.forward(X), y, weights)
    net.backward()
    grads = {parameter.name: gradient_of(parameter).dense() for parameter in net.parameters}
    h = 1e-6
    for name, value in net.params.items():
        for place in np.ndindex(value.shape):
            here, J = value[place], []
            for step in (h, -h):
                value[place] = here + step
                J.append(net.criterion.forward(net.forward(X), y, weights))
            value[place] = here
            assert grads[name][place] == pytest.approx((J[0] - J[1]) / (2 * h), rel=1e-5, abs=1e-8), name


def test_a_step_with_weights_is_a_step_with_repeated_rows() -> None:
    rng = np.random.default_rng(2)
    X, y, weights = rng.standard_normal((6, 4)), rng.integers(3, size=6), np.array([0, 1, 2, 3, 1, 5.0])
    weighted, repeated = (
        Network.plain((4, 5, 3), np.random.default_rng(0), dtype=np.float64) for _ in range(2)
    )
    times = weights.astype(int)
    loss = weighted.step(X, y, SGD(), 0.5, 0.1, weights=weights / weights.mean())
    expected = repeated.step(X.repeat(times, axis=0), y.repeat(times), SGD(), 0.5, 0.1)
    assert loss == pytest.approx(expected, rel=1e-13)
    for name, value in repeated.params.items():
        np.testing.assert_allclose(weighted.params[name], value, rtol=1e-12, atol=1e-15)
