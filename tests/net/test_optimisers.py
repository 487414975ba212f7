"""The fused updates equal the textbook's, gradient first and update after; and the comparison can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fcnet.net import scaled, velocity
from fcnet.net.network import Network
from fcnet.net.optimisers import SGD, Adam, Optimiser
from fcnet.net.parameters import Parameter, WeightGradient
from fcnet.net.scaled import Scaled

Params = dict[str, Any]
Gradient = Callable[[Params], Params]
Textbook = Callable[[Params, Gradient], Iterator[Params]]

ALPHA, MU, REG, STEPS = 0.05, 0.9, 0.02, 10


def problem(seed: int = 0) -> tuple[Network, Any, Any]:
    rng = np.random.default_rng(seed)
    net = Network.plain((6, 8, 5, 4), rng, dtype=np.float64)
    return net, rng.standard_normal((12, 6)), rng.integers(4, size=12)


def gradient(net: Network, X: Any, y: Any, reg: float = REG) -> Gradient:
    """dJ/dtheta of the objective (13), L2 term included, at any parameters."""
    return lambda params: net.with_params(params).loss(X, y, reg)[1]  # type: ignore[return-value]


def plain(theta: Params, grad: Gradient, alpha: float = ALPHA) -> Iterator[Params]:
    """The plain step: theta <- theta - alpha g."""
    while True:
        g = grad(theta)
        theta = {n: theta[n] - alpha * g[n] for n in theta}
        yield theta


def momentum(theta: Params, grad: Gradient, mu: float = MU) -> Iterator[Params]:
    """Algorithm 1: v <- mu v - alpha g(theta); theta <- theta + v."""
    v = {n: np.zeros_like(p) for n, p in theta.items()}
    while True:
        g = grad(theta)
        v = {n: mu * v[n] - ALPHA * g[n] for n in theta}
        theta = {n: theta[n] + v[n] for n in theta}
        yield theta


def nesterov(theta: Params, grad: Gradient, mu: float = MU) -> Iterator[Params]:
    """With v <- mu v - alpha g(theta + mu v), theta <- theta + v; what is compared is the point ahead."""
    v = {n: np.zeros_like(p) for n, p in theta.items()}
    while True:
        g = grad({n: theta[n] + mu * v[n] for n in theta})
        v = {n: mu * v[n] - ALPHA * g[n] for n in theta}
        theta = {n: theta[n] + v[n] for n in theta}
        yield {n: theta[n] + mu * v[n] for n in theta}


def nesterov_in_two_sequences(theta: Params, grad: Gradient) -> Iterator[Params]:
    """Nesterov's own form: x' = y - alpha g(y); y' = x' + mu (x' - x). The gradient is taken at y."""
    x = ahead = theta
    while True:
        g = grad(ahead)
        new = {n: ahead[n] - ALPHA * g[n] for n in x}
        ahead = {n: new[n] + MU * (new[n] - x[n]) for n in x}
        x = new
        yield ahead


def adam(theta: Params, grad: Gradient, beta2: float = 0.999) -> Iterator[Params]:
    """Kingma and Ba's Algorithm 1, as printed."""
    m = {n: np.zeros_like(p) for n, p in theta.items()}
    v = {n: np.zeros_like(p) for n, p in theta.items()}
    t = 0
    while True:
        t += 1
        g = grad(theta)
        m = {n: 0.9 * m[n] + (1 - 0.9) * g[n] for n in theta}
        v = {n: beta2 * v[n] + (1 - beta2) * g[n] ** 2 for n in theta}
        m_hat = {n: m[n] / (1 - 0.9**t) for n in theta}
        v_hat = {n: v[n] / (1 - beta2**t) for n in theta}
        theta = {n: theta[n] - ALPHA * m_hat[n] / (np.sqrt(v_hat[n]) + 1e-8) for n in theta}
        yield theta


def distance(optimiser: Optimiser, textbook: Textbook, reg: float = REG) -> float:
    """The largest relative difference of any weight over ten steps of both."""
    net, X, y = problem()
    rows = textbook({name: p.copy() for name, p in net.params.items()}, gradient(net, X, y))
    worst = 0.0
    for expected in (next(rows) for _ in range(STEPS)):
        net.step(X, y, optimiser, ALPHA, reg)
        for name, value in net.params.items():
            worst = max(worst, float(np.abs(value - expected[name]).max() / np.abs(expected[name]).max()))
    return worst


PAIRS: list[tuple[str, Callable[[], Optimiser], Textbook]] = [
    ("plain", SGD, plain),
    ("momentum", lambda: SGD(MU), momentum),
    ("nesterov", lambda: SGD(MU, nesterov=True), nesterov),
    ("nesterov in two sequences", lambda: SGD(MU, nesterov=True), nesterov_in_two_sequences),
    ("nesterov without momentum", lambda: SGD(0.0, nesterov=True), plain),
    ("adam", Adam, adam),
]


@pytest.mark.parametrize(("make", "textbook"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_ten_steps_equal_the_textbooks(make: Callable[[], Optimiser], textbook: Textbook) -> None:
    assert distance(make(), textbook) < 1e-12


@pytest.mark.parametrize(("make", "textbook"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_a_missing_or_halved_decay_is_seen(make: Callable[[], Optimiser], textbook: Textbook) -> None:
    assert distance(make(), textbook, reg=0.0) > 1e-6
    assert distance(make(), textbook, reg=REG / 2) > 1e-6


@pytest.mark.parametrize(
    ("optimiser", "textbook"),
    [
        (SGD(0.01), plain),
        (SGD(0.91), momentum),
        (SGD(MU), nesterov),
        (SGD(MU, nesterov=True), momentum),
        (SGD(0.89, nesterov=True), nesterov),
        (Adam(beta1=0.89), adam),
        (Adam(beta2=0.99), adam),
        (Adam(epsilon=1e-3), adam),
    ],
)
def test_another_rule_or_another_constant_is_seen(optimiser: Optimiser, textbook: Textbook) -> None:
    assert distance(optimiser, textbook) > 1e-6


@pytest.mark.parametrize("make", [pair[1] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_biases_are_not_decayed(make: Callable[[], Optimiser]) -> None:
    """At zero input and uniform labels all gradients are zero: only the decay moves anything."""
    net = Network.plain((3, 2), np.random.default_rng(0), dtype=np.float64)
    net.params["b1"][:] = 1.0  # equal, so that the probabilities stay uniform
    W = net.params["W1"].copy()
    net.step(np.zeros((2, 3)), np.array([0, 1]), make(), ALPHA, reg=REG)
    np.testing.assert_array_equal(net.params["b1"], 1.0)
    assert (np.abs(net.params["W1"]) < np.abs(W)).all()


@pytest.mark.parametrize("make", [pair[1] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_a_loaded_state_goes_on_where_the_saved_one_stopped(make: Callable[[], Optimiser]) -> None:
    net, X, y = problem()
    first = make()
    for _ in range(4):
        net.step(X, y, first, ALPHA, REG)
    other = net.with_params(net.params)
    second = make()
    second.load_state({name: value.copy() for name, value in first.state().items()})
    for _ in range(4):
        net.step(X, y, first, ALPHA, REG)
        other.step(X, y, second, ALPHA, REG)
    for name, value in net.params.items():
        np.testing.assert_array_equal(other.params[name], value)


@pytest.mark.parametrize("make", [pair[1] for pair in PAIRS[1:4:2]], ids=["momentum", "nesterov"])
def test_a_loaded_state_is_a_copy(make: Callable[[], Optimiser]) -> None:
    net, X, y = problem()
    first, second = make(), make()
    net.step(X, y, first, ALPHA, REG)
    second.load_state(first.state())
    kept = {name: value.copy() for name, value in second.state().items()}
    net.step(X, y, first, ALPHA, REG)
    for name, value in second.state().items():
        np.testing.assert_array_equal(value, kept[name])


@pytest.mark.parametrize("smallest", [1e-300, scaled.SMALLEST, 0.5, 2.0])
@pytest.mark.parametrize("reg", [REG, 10.0, 15.0])
@pytest.mark.parametrize(("make", "textbook"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_nobody_has_to_read_the_weights_for_the_scale_to_be_right(
    make: Callable[[], Optimiser], textbook: Textbook, reg: float, smallest: float, monkeypatch: Any
) -> None:
    """Never settled, rarely, in every step; a decay that wipes the weights out, and one that turns them."""
    monkeypatch.setattr(scaled, "SMALLEST", smallest)
    net, X, y = problem()
    rows = textbook({name: p.copy() for name, p in net.params.items()}, gradient(net, X, y, reg))
    expected = [next(rows) for _ in range(STEPS)][-1]
    optimiser = make()
    for _ in range(STEPS):
        net.step(X, y, optimiser, ALPHA, reg)
    for name, value in net.params.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-11 * np.abs(expected[name]).max())


@pytest.mark.parametrize("make", [pair[1] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_a_network_saved_and_loaded_goes_on_bit_for_bit(make: Callable[[], Optimiser]) -> None:
    """Although the saved one is never read, and so never settles what weight decay has put off."""
    net, X, y = problem()
    first, second = make(), make()
    for _ in range(4):
        net.step(X, y, first, ALPHA, REG)
    other, _, _ = problem(seed=1)
    other.load_state({name: value.copy() for name, value in net.state().items()})
    second.load_state({name: value.copy() for name, value in first.state().items()})
    for _ in range(4):
        net.step(X, y, first, ALPHA, REG)
        other.step(X, y, second, ALPHA, REG)
    for name, value in net.state().items():
        np.testing.assert_array_equal(other.state()[name], value)


def test_the_squared_norm_and_the_logits_know_the_scale() -> None:
    net, X, y = problem()
    for _ in range(3):
        net.step(X, y, SGD(), ALPHA, REG)
    norm, logits = net.squared_norm(), net.logits(X)
    settled = net.with_params(net.params)
    np.testing.assert_allclose(settled.squared_norm(), norm, rtol=1e-14)
    np.testing.assert_allclose(settled.logits(X), logits, atol=1e-14)


@pytest.mark.parametrize("largest", [0.0, velocity.LARGEST], ids=["always added up", "as it is"])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay", [0.0, 1e-5, 1e-3, 3e-3, 0.1, 1.0])
def test_weight_decay_in_the_velocity_holds_for_long_and_in_float32(
    decay: float, nesterov: bool, largest: float, monkeypatch: Any
) -> None:
    """From no decay to one above (1 - sqrt(mu))^2 = 2.6e-3, where weights without gradients swing through 0.

    The textbook's rule is done in float64 on the same gradients, which are random; float32 may differ from it
    by what rounding makes of a thousand steps.
    """
    monkeypatch.setattr(velocity, "LARGEST", largest)
    rng = np.random.default_rng(0)
    theta = rng.standard_normal((30, 20))
    parameter = Parameter("W1", Scaled(theta.astype(np.float32)), decayed=True)
    optimiser, v = SGD(MU, nesterov=nesterov), np.zeros_like(theta)
    for step in range(1000):
        X, delta = (rng.standard_normal((5, n)).astype(np.float32) for n in theta.shape)
        if step < 500:  # and none afterwards
            parameter.gradient = WeightGradient(Scaled(X), delta)
            g = (X.T @ delta).astype(np.float64)
        else:
            parameter.gradient, g = WeightGradient(Scaled(0 * X), 0 * delta), np.zeros_like(theta)
        optimiser.step([parameter], 1e-3, decay / 2 / 1e-3)
        change = -1e-3 * g - decay * theta
        theta += MU * (MU * v + change) + change if nesterov else MU * v + change
        v = MU * v + change
        if step in (0, 99, 499):
            assert np.abs(parameter.value - theta).max() <= 1e-4 * np.abs(theta).max()
    assert np.abs(parameter.value - theta).max() <= 1e-5
