"""The squared error: loss and gradient against torch, the audit, and that cross-entropy stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fcnet.audit import audit_gradients
from fcnet.errors import DataError
from fcnet.net.losses import LOSSES, SquaredError
from fcnet.net.network import Network


def problem(N: int = 7, K: int = 2, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    return 3 * rng.standard_normal((N, K)), rng.standard_normal((N, K)), rng.random(N)


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_gradient_are_those_of_torch(K: int, weighted: bool) -> None:
    torch = pytest.importorskip("torch")
    Z, y, w = problem(K=K)
    inputs = torch.tensor(Z, requires_grad=True)
    squares = torch.nn.functional.mse_loss(inputs, torch.tensor(y), reduction="none")
    expected = (squares * torch.tensor(w)[:, None] if weighted else squares).mean()
    expected.backward()
    criterion = SquaredError()
    before = Z.copy()
    assert criterion.forward(Z, y, w if weighted else None) == pytest.approx(expected.item(), rel=1e-14)
    np.testing.assert_allclose(criterion.backward(), inputs.grad.numpy(), rtol=1e-13)
    np.testing.assert_array_equal(Z, before)


def network(hidden: tuple[int, ...], outputs: int) -> Network:
    rng = np.random.default_rng(1)
    net = Network.plain((4, *hidden, outputs), rng, loss="squared", dtype=np.float64)
    for parameter in net.parameters:
        parameter.value[...] += 0.1 * rng.standard_normal(parameter.value.shape)
    return net


@pytest.mark.parametrize("hidden", [(), (5,), (5, 6, 4)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_audit_passes_a_regression(hidden: tuple[int, ...], outputs: int) -> None:
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((6, 4)), rng.standard_normal((6, outputs))
    result = audit_gradients(network(hidden, outputs), X, y, reg=0.1, steps=(1e-4, 1e-5, 1e-6))
    assert result.passed
    assert max(one.complex_error for one in result.parameters.values()) < 1e-12


def without_the_two(self: SquaredError) -> Any:
    self._difference *= 1 / self._difference.size
    return self._difference


def without_the_weights(self: SquaredError) -> Any:
    self._weights = None
    return backward(self)


def summed(self: SquaredError) -> Any:
    self._difference *= 2
    return self._difference


backward = SquaredError.backward


@pytest.mark.parametrize("wrong", [without_the_two, summed])
def test_a_wrong_gradient_is_noticed(wrong: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SquaredError, "backward", wrong)
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((6, 4)), rng.standard_normal((6, 1))
    assert not audit_gradients(network((5,), 1), X, y, reg=0.1, steps=(1e-4, 1e-5, 1e-6)).passed


def test_weights_scale_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    Z, y, w = problem()

    def error() -> float:
        criterion, h = SquaredError(), 1e-30
        criterion.forward(Z, y, w)
        found = criterion.backward().copy()
        moved = Z.astype(complex)
        moved[2, 1] += 1j * h
        return abs(SquaredError().forward(moved, y, w).imag / h - found[2, 1])

    assert error() < 1e-15
    monkeypatch.setattr(SquaredError, "backward", without_the_weights)
    assert error() > 1e-3


def test_targets_that_do_not_fit_are_one_line() -> None:
    net, X = network((5,), 2), np.ones((3, 4))
    assert net.loss(X).shape == (3, 2)
    for y in (np.ones(3), np.ones((3, 1)), np.full((3, 2), np.nan), [["a", "b"]] * 3):
        with pytest.raises(DataError, match=r"y has shape .* give finite numbers \(3, 2\)"):
            net.loss(X, y)
    with pytest.raises(DataError, match=r"label_smoothing is 0\.1, and the squared error has no labels"):
        Network.plain((4, 1), np.random.default_rng(0), loss="squared", label_smoothing=0.1)
    with pytest.raises(DataError, match="loss is 'square', choose from 'cross-entropy', 'squared'"):
        Network.plain((4, 1), np.random.default_rng(0), loss="square")
    assert list(LOSSES) == ["cross-entropy", "squared"]
