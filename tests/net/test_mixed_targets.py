"""Targets between two classes: loss and gradient against torch, the complex step, and plain labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcnet.net.losses import SoftmaxCrossEntropy
from fcnet.net.network import Network
from fcnet.net.optimisers import gradient_of


def problem(N: int = 7, K: int = 4, seed: int = 0) -> tuple[Any, Any]:
    """Logits and mixed targets, a pair of equal labels and weights of 0 and 1 among them."""
    rng = np.random.default_rng(seed)
    labels, others, share = rng.integers(K, size=N), rng.integers(K, size=N), rng.random(N)
    others[0] = labels[0]
    share[-1], share[N // 2] = 0.0, 1.0
    return 3 * rng.standard_normal((N, K)), (labels, others, share)


def rows(targets: Any, K: int) -> Any:
    """The targets as rows of probabilities (N, K)."""
    labels, others, share = targets
    return share[:, None] * np.eye(K)[labels] + (1 - share)[:, None] * np.eye(K)[others]


def against_torch(criterion: SoftmaxCrossEntropy, Z: Any, targets: Any) -> float:
    """How far loss and gradient are from torch's, which is given the targets as probabilities."""
    torch = pytest.importorskip("torch")
    inputs = torch.tensor(Z, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        inputs, torch.tensor(rows(targets, Z.shape[1])), label_smoothing=criterion.label_smoothing
    )
    expected.backward()
    J = criterion.forward(Z, targets)
    error = np.abs(criterion.backward() - inputs.grad.numpy())
    return max(abs(J / expected.item() - 1), float(error.max() / inputs.grad.abs().max()))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
@given(N=st.integers(1, 6), K=st.integers(2, 5), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_loss_and_gradient_are_those_of_torch(label_smoothing: float, N: int, K: int, seed: int) -> None:
    assert against_torch(SoftmaxCrossEntropy(label_smoothing), *problem(N, K, seed)) < 1e-10


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_the_gradients_of_a_network_are_the_complex_step_of_its_loss(label_smoothing: float) -> None:
    """Every entry of every parameter, by an imaginary step of 1e-30, which loses no digit."""
    rng = np.random.default_rng(1)
    X, (_, targets) = rng.standard_normal((6, 5)), problem(6, 3)
    net = Network.plain((5, 4, 3), rng, label_smoothing=label_smoothing, dtype=np.float64)
    net.criterion.forward(net.forward(X, training=True), targets)
    net.backward()
    grads = {p.name: gradient_of(p).dense().copy() for p in net.parameters}
    twin = net.with_params({name: value.astype(complex) for name, value in net.params.items()})
    for name, grad in grads.items():
        value = twin.params[name]
        for place in np.ndindex(value.shape):
            value[place] += 1e-30j
            J = twin.criterion.forward(twin.forward(X.astype(complex)), targets)
            value[place] -= 1e-30j
            assert abs(J.imag / 1e-30 - grad[place]) < 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_mixed_with_itself_or_not_at_all_is_the_plain_label(dtype: Any, label_smoothing: float) -> None:
    Z, (labels, others, share) = problem()
    Z, criterion = Z.astype(dtype), SoftmaxCrossEntropy(label_smoothing)
    J = criterion.forward(Z, labels)
    delta = criterion.backward().copy()
    for targets in ((labels, labels, share), (labels, others, np.ones(7)), (others, labels, np.zeros(7))):
        assert criterion.forward(Z, targets) == pytest.approx(J, rel=1e-6)
        np.testing.assert_allclose(criterion.backward(), delta, atol=1e-7)
    assert criterion.forward(Z, labels) == J  # nothing of the mixture is left behind
    np.testing.assert_array_equal(criterion.backward(), delta)


def test_weights_of_examples_count_for_mixed_targets_too() -> None:
    Z, (labels, others, share) = problem()
    weights = np.random.default_rng(2).random(7)
    criterion = SoftmaxCrossEntropy(0.1)
    parts = [criterion.forward(Z, y, weights * w) for y, w in ((labels, share), (others, 1 - share))]
    # label smoothing is in both parts, with weights that add up to the whole
    assert criterion.forward(Z, (labels, others, share), weights) == pytest.approx(sum(parts), rel=1e-12)


def forgets_the_others(self: SoftmaxCrossEntropy, Z: Any, targets: Any) -> Any:
    return SoftmaxCrossEntropy.forward(self, Z, targets[0])


def swaps_the_weights(self: SoftmaxCrossEntropy, Z: Any, targets: Any) -> Any:
    labels, others, share = targets
    return SoftmaxCrossEntropy.forward(self, Z, (labels, others, 1 - share))


def not_in_the_gradient(self: SoftmaxCrossEntropy, Z: Any, targets: Any) -> Any:
    J = SoftmaxCrossEntropy.forward(self, Z, targets)
    SoftmaxCrossEntropy.forward(self, Z, targets[0])
    return J


def one_weight_for_all(self: SoftmaxCrossEntropy, Z: Any, targets: Any) -> Any:
    labels, others, share = targets
    return SoftmaxCrossEntropy.forward(self, Z, (labels, others, np.full_like(share, share.mean())))


@pytest.mark.parametrize(
    "wrong", [forgets_the_others, swaps_the_weights, not_in_the_gradient, one_weight_for_all]
)
def test_wrong_mixtures_are_rejected(wrong: Callable[..., Any]) -> None:
    criterion = SoftmaxCrossEntropy(0.3)
    criterion.forward = wrong.__get__(criterion)  # type: ignore[method-assign]
    assert against_torch(criterion, *problem()) > 1e-3
