"""The audit of a user's own functions that take no complex numbers, or are not analytic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fcnet.audit import Audit, audit_gradients
from fcnet.net.activations import ACTIVATIONS, ActivationFunction
from fcnet.net.architecture import Architecture
from fcnet.net.layers import LAYERS, Layer
from fcnet.net.network import Network
from fcnet.net.parameters import Declared, DenseGradient

Function = Callable[[Any], Any]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def bell(z: Any) -> Any:
    return 1 / (1 + np.abs(z)) ** 2


NOT_ANALYTIC = {
    "softsign": (lambda z: z / (1 + np.abs(z)), bell),
    "distance": (np.abs, np.sign),
}
NOT_COMPLEX = {
    "softplus": (lambda z: np.logaddexp(0, z), sigmoid),
    "cube root": (np.cbrt, lambda z: 1 / (3 * np.cbrt(z) ** 2)),
    "step": (lambda z: z * np.heaviside(z, 0), lambda z: np.heaviside(z, 0)),
    "cast": (lambda z: np.tanh(z.astype(np.float64)), lambda z: 1 - np.tanh(z) ** 2),
}
ONLY_THE_SLOPE_IS_NOT = (np.tanh, lambda z: 1 - np.tanh(z.astype(np.float64)) ** 2)


def own(value: Function, slope: Function) -> type[ActivationFunction]:
    class Own(ActivationFunction):
        def value(self, Z: Any, out: Any) -> None:
            out[...] = value(Z)

        def slope(self, kept: Any, out: Any) -> None:
            out[...] = slope(kept)

    return Own


class Length(Layer):
    """Each example divided by its length."""

    normalises = True

    def forward(self, X: Any, training: bool) -> Any:
        self.length = np.linalg.norm(X, axis=1, keepdims=True)
        self.Y = X / self.length
        return self.Y.copy()

    def backward(self, delta: Any, input_needed: bool) -> Any:
        return (delta - self.Y * (delta * self.Y).sum(axis=1, keepdims=True)) / self.length

    def predict(self, X: Any) -> Any:
        return X / np.linalg.norm(X, axis=1, keepdims=True)


class Deviation(Layer):
    """Each example divided by its standard deviation."""

    normalises = True

    def forward(self, X: Any, training: bool) -> Any:
        self.X, self.s = X - X.mean(axis=1, keepdims=True), X.std(axis=1, keepdims=True)
        return self.X / self.s

    def backward(self, delta: Any, input_needed: bool) -> Any:
        Y = self.X / self.s
        below = delta - delta.mean(axis=1, keepdims=True) - Y * (delta * Y).mean(axis=1, keepdims=True)
        return below / self.s

    def predict(self, X: Any) -> Any:
        return (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)


def audited(seed: int = 0, **kind: Any) -> Audit:
    rng = np.random.default_rng(seed)
    net = Network(Architecture.of(4, [5], 3, **kind), rng, dtype=np.float64)
    return audit_gradients(net, rng.standard_normal((5, 4)), rng.integers(3, size=5), reg=0.1)


@pytest.mark.parametrize("name", [*NOT_ANALYTIC, *NOT_COMPLEX])
@pytest.mark.parametrize("seed", range(3))
def test_central_differences_decide_where_the_complex_step_cannot(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, slope = (NOT_ANALYTIC | NOT_COMPLEX)[name]
    monkeypatch.setitem(ACTIVATIONS, "own", own(value, slope))
    audit = audited(seed, activation="own")
    assert audit.passed, audit.table()
    assert audit.decided_by == audit.rows()[0][4] == "extrapolation"
    assert audit.note.startswith("decided by central differences, since the activation 'own' (Own in "), (
        audit.note
    )
    why = "is no analytic function of complex numbers" if name in NOT_ANALYTIC else "takes no complex numbers"
    assert audit.note.endswith(f") {why}")
    assert audit.note in audit.table().splitlines()
    assert audit.to_record()["note"] == audit.note


@pytest.mark.parametrize("name", [*NOT_ANALYTIC, *NOT_COMPLEX])
def test_a_derivative_that_is_slightly_wrong_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, slope = (NOT_ANALYTIC | NOT_COMPLEX)[name]
    monkeypatch.setitem(ACTIVATIONS, "own", own(value, lambda z: (1 + 1e-5) * slope(z)))
    audit = audited(activation="own")
    assert audit.stage == "gradient"
    assert "central differences say" in audit.reason


def test_a_slope_need_not_take_complex_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The complex step needs only the loss."""
    value, slope = ONLY_THE_SLOPE_IS_NOT
    monkeypatch.setitem(ACTIVATIONS, "own", own(value, slope))
    assert audited(activation="own").decided_by == "complex step"
    monkeypatch.setitem(ACTIVATIONS, "own", own(value, lambda z: (1 + 1e-9) * slope(z)))
    audit = audited(activation="own")
    assert audit.stage == "gradient"
    assert "the complex step says" in audit.reason


class Kept(Layer):
    """Scales by e^s, which it keeps until `backward`: in a training, nothing moves s before that."""

    normalises = True
    factor: Any = None

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs)
        self.declared = (Declared("s", (inputs,), "zeros"),)

    def bind(self, parameters: Any, rng: np.random.Generator) -> None:
        (self.s,) = parameters

    def forward(self, X: Any, training: bool) -> Any:
        if self.factor is None:
            self.factor = np.exp(self.s.value)
        self.Y = X * self.factor
        return self.Y.copy()

    def backward(self, delta: Any, input_needed: bool) -> Any:
        self.s.gradient = DenseGradient((self.Y * delta).sum(axis=0))
        below, self.factor = delta * self.factor, None
        return below

    def predict(self, X: Any) -> Any:
        return X * np.exp(self.s.value)


class WronglyKept(Kept):
    def backward(self, delta: Any, input_needed: bool) -> Any:
        below = super().backward(delta, input_needed)
        self.s.gradient = DenseGradient(2 * self.s.gradient.dense())
        return below


@pytest.mark.parametrize(
    ("kind", "activation", "stage"),
    [(Kept, "tanh", ""), (Kept, "own", ""), (WronglyKept, "own", "layer"), (WronglyKept, "tanh", "gradient")],
)
def test_what_a_layer_keeps_between_two_calls_is_no_mistake(
    kind: type[Layer], activation: str, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ACTIVATIONS, "own", own(*NOT_ANALYTIC["softsign"]))
    monkeypatch.setitem(LAYERS, "own", kind)
    if stage == "gradient":  # the trial in training would name it at once
        monkeypatch.setattr(Network, "claims_in_training", lambda net: iter(()))
    audit = audited(norm="own", activation=activation)
    assert audit.stage == stage, audit.table()
    assert ("2 times the derivative" in audit.reason) == (kind is WronglyKept)


class Frozen(Layer):
    """Scales by s over the length of s, which it computes once and takes for a constant."""

    normalises = True
    length: Any = None

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs)
        self.declared = (Declared("s", (inputs,), "ones"),)

    def bind(self, parameters: Any, rng: np.random.Generator) -> None:
        (self.s,) = parameters

    def forward(self, X: Any, training: bool) -> Any:
        self.X = X
        return self.predict(X)

    def backward(self, delta: Any, input_needed: bool) -> Any:
        self.s.gradient = DenseGradient((self.X * delta).sum(axis=0) / self.length)
        return delta * self.s.value / self.length

    def predict(self, X: Any) -> Any:
        if self.length is None:
            self.length = np.sqrt((self.s.value**2).sum())
        return X * self.s.value / self.length


def test_what_a_layer_keeps_hides_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "own", Frozen)
    audit = audited(norm="own", activation="tanh")
    assert audit.stage == "gradient", audit.table()
    assert "s1: " in audit.reason


@pytest.mark.parametrize("kind", [Length, Deviation])
def test_layers_that_measure_complex_numbers_in_another_way_pass(
    kind: type[Layer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LAYERS, "own", kind)
    audit = audited(norm="own", activation="gelu")
    assert audit.passed, audit.table()
    assert f"since the layer ({kind.__name__} in " in audit.note


def test_the_complex_step_decides_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "own", own(np.tanh, lambda z: 1 - np.tanh(z) ** 2))
    audit = audited(activation="own")
    assert audit.passed
    assert (audit.decided_by, audit.note) == ("complex step", "")
    assert "note" not in audit.to_record()
    monkeypatch.setitem(ACTIVATIONS, "own", own(np.tanh, lambda z: (1 - np.tanh(z) ** 2) * (1 + 1e-9)))
    audit = audited(activation="own")
    assert (audit.stage, audit.note) == ("gradient", "")
    assert "the complex step says" in audit.reason


def test_a_function_without_a_derivative_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Computed in float32, whose rounding is all that small steps see."""
    coarse = own(lambda z: np.tanh(z.real.astype(np.float32)), lambda z: 1 - np.tanh(z) ** 2)
    monkeypatch.setitem(ACTIVATIONS, "own", coarse)
    audit = audited(activation="own")
    assert audit.stage == "gradient"
    assert "settle on no derivative for any entry" in audit.reason


def test_fcnets_own_layers_are_not_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    softsign = own(*NOT_ANALYTIC["softsign"])
    softsign.__module__ = "fcnet.elsewhere"
    monkeypatch.setitem(ACTIVATIONS, "own", softsign)
    audit = audited(activation="own")
    assert (audit.stage, audit.note) == ("gradient", "")
    assert "the complex step says" in audit.reason
