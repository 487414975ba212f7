"""The audit passes networks of every depth and kind, and rejects each in which one line is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from fcnet.audit import audit_gradients
from fcnet.net.blas import product
from fcnet.net.layers import Activation, Dropout, Linear, walk
from fcnet.net.losses import SoftmaxCrossEntropy
from fcnet.net.network import Network
from fcnet.net.parameters import BiasGradient, WeightGradient
from fcnet.net.scaled import Scaled

SIZES = (3, 3, 3, 4, 3, 4)
"""Few units, since every entry is moved; at every depth, two of five entries or more have a gradient."""
STEPS = (1e-4, 1e-5, 1e-6)
"""h of the central differences: the complex step decides, so three are enough here."""


def network(depth: int, seed: int = 0, dropout: float = 0.0, label_smoothing: float = 0.0) -> Network:
    """A network with random biases too, and, with dropout, masks that stay."""
    rng = np.random.default_rng([depth, seed])
    sizes = (*SIZES[:depth], 3)
    net = Network.plain(sizes, rng, dropout=dropout, label_smoothing=label_smoothing, dtype=np.float64)
    for parameter in net.parameters:
        if not parameter.decayed:
            parameter.value[:] = 0.3 * rng.standard_normal(parameter.value.shape)
    for layer, units in zip(net.dropouts, sizes[1:-1], strict=bool(dropout)):
        layer.fixed = (rng.random((5, units)) >= dropout) / (1 - dropout)
    return net


def toy(seed: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, SIZES[0])), rng.integers(3, size=5)


@pytest.mark.parametrize("depth", range(1, 6))
@pytest.mark.parametrize(
    "kind",
    [{}, {"dropout": 0.4}, {"label_smoothing": 0.2}, {"dropout": 0.4, "label_smoothing": 0.2}],
    ids=lambda kind: "-".join(kind) or "plain",
)
def test_gradients_are_the_derivatives_of_the_loss(depth: int, kind: dict[str, float]) -> None:
    audit = audit_gradients(network(depth, **kind), *toy(), reg=0.1, steps=STEPS)
    assert audit.passed, audit.table()
    assert len(audit.parameters) == 2 * depth
    assert all(parameter.complex_error < 1e-10 for parameter in audit.parameters.values())


class Mutant:
    """A network as the audit sees it, in each copy of which something was broken."""

    def __init__(self, net: Network, broken: Callable[[Network], None]) -> None:
        self.net, self.broken = net, broken
        broken(net)

    @property
    def params(self) -> Mapping[str, Any]:
        return self.net.params

    def loss(self, X: Any, y: Any, reg: float = 0.0) -> Any:
        return self.net.loss(X, y, reg)

    def preactivations(self, X: Any) -> list[Any]:
        return self.net.preactivations(X)

    def with_params(self, params: Mapping[str, Any]) -> Mutant:
        return Mutant(self.net.with_params(params), self.broken)


def replace_method(kind: type, name: str, function: Callable[..., Any]) -> Callable[[Network], None]:
    """Give every layer of a kind, and the criterion if it is of the kind, another method."""

    def broken(net: Network) -> None:
        for part in (*walk(net.layers), net.criterion):
            if isinstance(part, kind):
                setattr(part, name, function.__get__(part))

    return broken


def relu_lets_everything_through(self: Activation, delta: Any, input_needed: bool) -> Any:
    return delta


def relu_passes_where_the_unit_is_off(self: Activation, delta: Any, input_needed: bool) -> Any:
    delta *= self._kept.real <= 0
    return delta


def relu_looks_at_the_error(self: Activation, delta: Any, input_needed: bool) -> Any:
    delta *= delta.real > 0
    return delta


def dropout_forgets_its_mask(self: Dropout, delta: Any, input_needed: bool) -> Any:
    return delta


def dropout_forgets_its_scale(self: Dropout, delta: Any, input_needed: bool) -> Any:
    assert self.mask is not None
    delta *= self.mask > 0
    return delta


def linear_ignores_its_bias(self: Linear, X: Any, training: bool) -> Any:
    self._X = Scaled(X)
    Z = np.empty((len(X), self.W.value.shape[1]), self.W.value.dtype)
    product(X, self.W.value, Z)
    return Z


def _linear_backward(self: Linear, delta: Any, dX: Any, bias: Any) -> Any:
    self.W.gradient, self.b.gradient = WeightGradient(self._X, delta), BiasGradient(bias)
    return dX


def linear_passes_down_too_much(self: Linear, delta: Any, input_needed: bool) -> Any:
    return _linear_backward(self, delta, 1.001 * delta @ self.W.value.T, delta)


def linear_averages_the_bias(self: Linear, delta: Any, input_needed: bool) -> Any:
    return _linear_backward(self, delta, delta @ self.W.value.T, delta / len(delta))


def linear_leaves_out_the_last_example(self: Linear, delta: Any, input_needed: bool) -> Any:
    return _linear_backward(self, delta, delta @ self.W.value.T, delta[:-1])


def criterion_forgets_the_smoothing(self: SoftmaxCrossEntropy) -> Any:
    delta, (N, _) = self._P, self._P.shape
    delta.reshape(-1)[self._labelled] -= 1
    delta /= N
    return delta


def criterion_smooths_the_others_only(self: SoftmaxCrossEntropy) -> Any:
    delta, (N, K) = self._P, self._P.shape
    delta -= self.label_smoothing / (K - 1)
    delta.reshape(-1)[self._labelled] -= 1 - self.label_smoothing * K / (K - 1)
    delta /= N
    return delta


def criterion_sums_over_examples(self: SoftmaxCrossEntropy) -> Any:
    delta = self._P
    delta -= self.label_smoothing / delta.shape[1]
    delta.reshape(-1)[self._labelled] -= 1 - self.label_smoothing
    return delta


def no_weight_is_regularised(net: Network) -> None:
    for parameter in net.parameters[::2]:
        parameter.decayed = False
    net.squared_norm = lambda: sum((p.value**2).sum() for p in net.parameters[::2])  # type: ignore[method-assign]


def biases_are_regularised_in_the_gradient(net: Network) -> None:
    net.loss = lambda *a, loss=net.loss: _with_decayed_biases(net, loss, *a)  # type: ignore[method-assign]


def _with_decayed_biases(net: Network, loss: Any, X: Any, y: Any, reg: float) -> Any:
    J, grads = loss(X, y, reg)
    return J, {name: g + 2 * reg * net.params[name] * (name[0] == "b") for name, g in grads.items()}


MUTANTS = [
    replace_method(Activation, "backward", relu_lets_everything_through),
    replace_method(Activation, "backward", relu_passes_where_the_unit_is_off),
    replace_method(Activation, "backward", relu_looks_at_the_error),
    replace_method(Dropout, "backward", dropout_forgets_its_mask),
    replace_method(Dropout, "backward", dropout_forgets_its_scale),
    replace_method(Linear, "forward", linear_ignores_its_bias),
    replace_method(Linear, "backward", linear_passes_down_too_much),
    replace_method(Linear, "backward", linear_averages_the_bias),
    replace_method(Linear, "backward", linear_leaves_out_the_last_example),
    replace_method(SoftmaxCrossEntropy, "backward", criterion_forgets_the_smoothing),
    replace_method(SoftmaxCrossEntropy, "backward", criterion_smooths_the_others_only),
    replace_method(SoftmaxCrossEntropy, "backward", criterion_sums_over_examples),
    no_weight_is_regularised,
    biases_are_regularised_in_the_gradient,
]


def test_the_mutants_shell_alone_passes() -> None:
    net = network(3, dropout=0.4, label_smoothing=0.2)
    assert audit_gradients(Mutant(net, lambda net: None), *toy(), reg=0.1, steps=STEPS).passed


@pytest.mark.parametrize(
    "broken", MUTANTS, ids=lambda b: b.__closure__[0].cell_contents.__name__ if b.__closure__ else b.__name__
)
def test_the_audit_rejects(broken: Callable[[Network], None]) -> None:
    net = network(3, dropout=0.4, label_smoothing=0.2)
    audit = audit_gradients(Mutant(net, broken), *toy(), reg=0.1, steps=STEPS)
    assert not audit.passed
    assert audit.stage == "gradient"
