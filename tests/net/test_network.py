"""`Network` equals the specification, keeps its promises of type and memory, and refuses what cannot be."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcnet.data.dataset import Part
from fcnet.data.minibatches import Minibatch
from fcnet.errors import DataError
from fcnet.net.network import Network
from fcnet.net.optimisers import SGD, Adam, Optimiser
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from fcnet.two_layernet import TwoLayerNet, log_softmax, relu, softmax

SCHEMES = "choose from 'he', 'pytorch' or a positive standard deviation"

ROUNDING = 1e-12
"""Relative to an array's largest entry: two orders of summation in float64 differ by no more."""


def examples(N: int, D: int, K: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D)), rng.integers(K, size=N)


def both(D: int, H: int, K: int, seed: int = 0) -> tuple[TwoLayerNet, Network]:
    """The specification and the machine, with the same random weights and biases."""
    rng = np.random.default_rng(seed)
    specification = TwoLayerNet(D, H, K, std=1.0, rng=rng)
    for name in ("b1", "b2"):
        specification.params[name] = rng.standard_normal(specification.params[name].shape)
    machine = Network.plain((D, H, K), rng, dtype=np.float64)
    return specification, machine.with_params(specification.params)


def assert_equal_to_rounding(actual: Any, expected: Any, tolerance: float = ROUNDING) -> None:
    assert np.shape(actual) == np.shape(expected)
    assert np.abs(actual - expected).max() <= tolerance * max(1e-3, np.abs(expected).max())


# Two layers: the same as TwoLayerNet


@given(
    N=st.integers(1, 9), D=st.integers(1, 7), H=st.integers(1, 7), K=st.integers(2, 5),
    reg=st.sampled_from([0.0, 0.05, 3.0]), seed=st.integers(0, 2**32),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_loss_and_gradients_are_those_of_the_specification(
    N: int, D: int, H: int, K: int, reg: float, seed: int
) -> None:
    specification, machine = both(D, H, K, seed)
    X, y = examples(N, D, K, seed + 1)
    expected, expected_grads = specification.loss(X, y, reg)
    actual, actual_grads = machine.loss(X, y, reg)
    assert_equal_to_rounding(actual, expected)
    assert actual_grads.keys() == expected_grads.keys()
    for name, grad in expected_grads.items():
        assert_equal_to_rounding(actual_grads[name], grad)
    assert_equal_to_rounding(machine.loss(X), specification.loss(X))
    assert_equal_to_rounding(machine.logits(X), specification.logits(X))
    np.testing.assert_array_equal(machine.predict(X), specification.predict(X))
    assert_equal_to_rounding(machine.preactivations(X)[0], specification.preactivations(X)[0])


@pytest.mark.parametrize(("N", "D", "H", "K"), [(1, 1, 1, 2), (1, 5, 3, 2), (6, 1, 4, 3), (7, 4, 1, 3)])
def test_the_smallest_shapes(N: int, D: int, H: int, K: int) -> None:
    specification, machine = both(D, H, K)
    X, y = examples(N, D, K)
    for name, grad in specification.loss(X, y, 0.1)[1].items():
        assert_equal_to_rounding(machine.loss(X, y, 0.1)[1][name], grad)


def test_fifty_steps_on_the_same_minibatches_lead_to_the_same_weights() -> None:
    specification, machine = both(6, 9, 4)
    X, y = examples(40, 6, 4)
    optimiser, rng = SGD(), np.random.default_rng(7)
    for _ in range(50):
        rows = rng.permutation(40)[:8]
        loss, _ = specification.loss(X[rows], y[rows])
        _, grads = specification.loss(X[rows], y[rows], 0.01)
        specification.params = {name: p - 0.1 * grads[name] for name, p in specification.params.items()}
        assert machine.step(X[rows], y[rows], optimiser, 0.1, reg=0.01) == pytest.approx(loss, rel=1e-10)
    for name, value in machine.params.items():
        assert_equal_to_rounding(value, specification.params[name])


# Any depth


@pytest.mark.parametrize("depth", range(1, 7))
def test_logits_of_any_depth_are_linear_maps_with_relus_between(depth: int) -> None:
    sizes = (*(5, 7, 3, 6, 4, 8)[:depth], 3)
    net = Network.plain(sizes, np.random.default_rng(depth), dtype=np.float64)
    X, y = examples(6, 5, 3)
    A = X
    for layer in range(1, depth + 1):
        Z = A @ net.params[f"W{layer}"] + net.params[f"b{layer}"]
        A = relu(Z)
    assert_equal_to_rounding(net.logits(X), Z)
    assert_equal_to_rounding(net.loss(X), softmax(Z))
    assert_equal_to_rounding(net.loss(X, y)[0], -log_softmax(Z)[np.arange(6), y].mean())
    assert [z.shape[1] for z in net.preactivations(X)] == list(sizes[1:-1])


def test_one_layer_is_softmax_regression() -> None:
    net = Network.plain((4, 3), np.random.default_rng(0), dtype=np.float64)
    X, y = examples(8, 4, 3)
    delta = (softmax(X @ net.params["W1"]) - np.eye(3)[y]) / 8
    _, grads = net.loss(X, y)
    assert_equal_to_rounding(grads["W1"], X.T @ delta)
    assert_equal_to_rounding(grads["b1"], delta.sum(axis=0))


# Numbers and memory


@pytest.mark.parametrize("optimiser", [SGD(), SGD(0.9), SGD(0.9, nesterov=True), Adam()])
def test_float32_stays_float32(optimiser: Optimiser) -> None:
    net = Network.plain((6, 5, 4, 3), np.random.default_rng(0), dropout=0.2, label_smoothing=0.1)
    X, y = examples(9, 6, 3)
    for _ in range(3):
        net.step(X.astype(np.float32), y, optimiser, 0.01, reg=0.1)
    numbers = ("steps", ".scale", ".pull")
    state = {name: v for name, v in optimiser.state().items() if not name.endswith(numbers)}
    arrays = [
        *net.params.values(),
        *state.values(),
        *net.loss(X, y, 0.1)[1].values(),
        net.loss(X),
        net.logits(X),
    ]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_float32_agrees_with_float64() -> None:
    exact = Network.plain((30, 20, 10), np.random.default_rng(0), dtype=np.float64)
    single = exact.with_params({name: value.astype(np.float32) for name, value in exact.params.items()})
    X, y = examples(50, 30, 10)
    (expected, expected_grads), (actual, actual_grads) = exact.loss(X, y, 0.01), single.loss(X, y, 0.01)
    assert actual == pytest.approx(expected, rel=1e-6)
    for name, grad in expected_grads.items():
        assert_equal_to_rounding(actual_grads[name], grad, 1e-5)


def test_a_step_leaves_its_input_as_it_was() -> None:
    net = Network.plain((6, 5, 3), np.random.default_rng(0), dropout=0.5)
    X, y = examples(9, 6, 3)
    X = X.astype(np.float32)
    before, labels = X.copy(), y.copy()
    net.step(X, y, SGD(0.9), 0.1, reg=0.1)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(y, labels)


def test_a_smaller_last_batch_is_a_batch_like_any_other() -> None:
    X, y = examples(11, 6, 3)
    used = Network.plain((6, 5, 3), np.random.default_rng(0), dtype=np.float64)
    used.loss(*examples(20, 6, 3, seed=5))  # buffers for 20 rows from now on
    fresh = used.with_params(used.params)
    for name, grad in fresh.loss(X[8:], y[8:])[1].items():
        np.testing.assert_array_equal(used.loss(X[8:], y[8:])[1][name], grad)


def test_what_loss_and_logits_return_is_not_overwritten_by_the_next_call() -> None:
    net = Network.plain((6, 5, 3), np.random.default_rng(0), dtype=np.float64)
    X, y = examples(9, 6, 3)
    kept = [net.loss(X), net.logits(X), *net.loss(X, y)[1].values()]
    copies = [array.copy() for array in kept]
    net.loss(-X, (y + 1) % 3)
    for array, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("settings", [{}, {"mirror": True, "shift": 3, "dropout": 0.2, "momentum": 0.9}])
def test_the_steady_state_allocates_nothing_worth_the_name(settings: dict[str, Any]) -> None:
    """One minibatch of 200 images is 2.4 MB as float32, W1 is 3.1 MB: none of them is made anew."""
    rng = np.random.default_rng(0)
    train = Part(rng.integers(256, size=(400, 3072), dtype=np.uint8), rng.integers(10, size=400))
    config = TrainConfig(hidden=(256,), initialisation="he", preprocessing="standardised", **settings)
    engine = NumpyEngine(config, train, (3, 32, 32), tuple("0123456789"))
    rows = [rng.permutation(400)[: 200 - step] for step in range(23)]
    batches = [Minibatch(r, rng.integers(engine.views, size=len(r))) for r in rows]
    for batch in batches[:3]:
        engine.step(batch, 1e-3)
    tracemalloc.start()
    try:
        for batch in batches[3:]:
            engine.step(batch, 1e-3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000


# Divergence, refusals


def test_a_step_from_a_loss_that_is_not_finite_updates_nothing() -> None:
    net = Network.plain((2, 2), np.random.default_rng(0), dtype=np.float64)
    net.params["W1"][0, 0] = np.nan
    before = {name: value.copy() for name, value in net.params.items()}
    assert np.isnan(net.step(np.ones((3, 2)), np.array([0, 1, 0]), SGD(), 0.1))
    for name, value in net.params.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": ()}, "sizes is (), give at least the inputs and the classes, such as (3072, 10)"),
        ({"sizes": (4,)}, "sizes is (4,), give at least the inputs and the classes, such as (3072, 10)"),
        ({"sizes": (4, 0, 3)}, "sizes[1] is 0, give a whole number of at least 1"),
        ({"sizes": (4, 2.5)}, "sizes[1] is 2.5, give a whole number of at least 1"),
        ({"dropout": 1}, "dropout is 1, give a number from 0 up to, but not including, 1"),
        ({"dropout": float("nan")}, "dropout is nan, give a number from 0 up to, but not including, 1"),
        (
            {"label_smoothing": -0.1},
            "label_smoothing is -0.1, give a number from 0 up to, but not including, 1",
        ),
        (
            {"initialisation": "xavier"},
            "initialisation is 'xavier', choose from 'he', 'pytorch' or a positive standard deviation",
        ),
        (
            {"initialisation": "0"},
            "initialisation is '0', choose from 'he', 'pytorch' or a positive standard deviation",
        ),
        (
            {"initialisation": "nan"},
            "initialisation is 'nan', choose from 'he', 'pytorch' or a positive standard deviation",
        ),
    ],
)
def test_a_network_that_cannot_be_is_refused_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        Network.plain(**({"sizes": (4, 3), "rng": np.random.default_rng(0)} | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": np.ones((2, 5))}, "X has shape (2, 5), give examples as rows: (N, 4)"),
        ({"X": np.ones((0, 4))}, "X has no rows, give at least one example"),
        (
            {"X": np.full((2, 4), np.nan)},
            "X holds NaN or infinity, the first in row 0, clean or drop such rows",
        ),
        ({"y": [0, 3]}, "label 3 in row 1 of y is out of range, labels run from 0 to 2"),
        ({"y": [0]}, "y has shape (1,), give one label for each of the 2 rows of X"),
        ({"reg": -1.0}, "reg is -1.0, give a finite number of at least 0"),
    ],
)
def test_loss_refuses_what_the_specification_refuses(arguments: dict[str, Any], message: str) -> None:
    arguments = {"X": np.ones((2, 4)), "y": [0, 1], "reg": 0.0} | arguments
    rng = np.random.default_rng(0)
    for net in (Network.plain((4, 5, 3), rng), TwoLayerNet(4, 5, 3, rng=rng)):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            net.loss(**arguments)


def test_an_update_before_the_first_backward_pass_is_a_defect_with_a_name() -> None:
    net = Network.plain((4, 3), np.random.default_rng(0))
    with pytest.raises(RuntimeError, match="W1 has no gradient yet"):
        SGD().step(net.parameters, 0.1, 0.0)
