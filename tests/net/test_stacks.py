"""Random rows of layers: gradients, memory, prediction and JSON hold for all of them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fcnet.audit.numeric import COMPLEX_STEP
from fcnet.net.architecture import Architecture, Spec
from fcnet.net.layers import Activation, Residual, walk
from fcnet.net.network import Network
from fcnet.net.optimisers import SGD, gradient_of
from net.stacks import architectures, near_a_kink, network

REG = 0.1
SEEDS = st.integers(0, 2**32 - 1)


def complex_gradients(net: Network, X: Any, y: Any) -> dict[str, Any]:
    """Every derivative by the complex step: Im J(theta + ih) / h."""
    found = {}
    for name, value in net.params.items():
        grads = np.empty_like(value)
        for place in np.ndindex(value.shape):
            moved = {key: one.astype(np.complex128) for key, one in net.params.items()}
            moved[name][place] += COMPLEX_STEP * 1j
            grads[place] = net.with_params(moved).loss(X, y, REG)[0].imag / COMPLEX_STEP
        found[name] = grads
    return found


def assert_equal_gradients(ours: dict[str, Any], theirs: dict[str, Any], tolerance: float = 1e-10) -> None:
    largest = max(float(np.abs(value).max()) for value in theirs.values())
    for name, value in theirs.items():
        assert np.abs(ours[name] - value).max() <= tolerance * max(largest, 1.0), name


@given(architectures(), SEEDS, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_gradients_equal_the_complex_step(architecture: Architecture, seed: int, N: int) -> None:
    net, X, y = network(architecture, seed, N)
    assume(not near_a_kink(net, X))
    _, grads = net.loss(X, y, REG)
    assert_equal_gradients(grads, complex_gradients(net, X, y), 1e-9)  # LayerNorm of two units amplifies


@given(architectures(), SEEDS, st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_gradients_equal_autograd(architecture: Architecture, seed: int, N: int) -> None:
    torch = pytest.importorskip("torch")
    from fcnet.torch_net.weights import gradients_of, network_from

    net, X, y = network(architecture, seed, N)
    assume(not near_a_kink(net, X))
    theirs = network_from(architecture, net.params)
    masks = [torch.from_numpy(layer.fixed) for layer in net.dropouts]
    J, grads = net.loss(X, y)
    other = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(X), masks), torch.from_numpy(y))
    other.backward()
    assert other.item() == pytest.approx(float(J), rel=1e-10, abs=1e-12)
    assert_equal_gradients(grads, gradients_of(theirs), 1e-9)


@given(architectures(), SEEDS)
@settings(max_examples=60, deadline=None)
def test_nothing_that_is_needed_is_overwritten(architecture: Architecture, seed: int) -> None:
    """The same numbers as when every layer writes to memory of its own, and X as it was."""
    net, X, y = network(architecture, seed, 3)
    careful = net.with_params(net.params)
    for layer in walk(careful.layers):
        layer.overwrite_input = layer.overwrite_delta = False
        if isinstance(layer, Residual):
            layer._output_free = layer._delta_free = False
    before = X.copy()
    for _ in range(2):  # the second time with buffers that the first has filled
        J, grads = net.loss(X, y, REG)
        other, expected = careful.loss(X, y, REG)
        assert other == J
        for name, value in expected.items():
            np.testing.assert_array_equal(grads[name], value)
    np.testing.assert_array_equal(X, before)


@given(architectures(), SEEDS)
@settings(max_examples=60, deadline=None)
def test_prediction_equals_the_forward_pass(architecture: Architecture, seed: int) -> None:
    net, X, _ = network(architecture, seed, 3)
    for layer in net.dropouts:
        layer.fixed = None
    np.testing.assert_allclose(net.logits(X), net.forward(X), rtol=1e-12, atol=1e-12)


@given(architectures())
@settings(max_examples=60, deadline=None)
def test_an_architecture_goes_to_json_and_back(architecture: Architecture) -> None:
    again = Architecture.loads(architecture.dumps())
    assert again == architecture
    assert hash(again) == hash(architecture)
    assert again.parameters == architecture.parameters


def test_a_plan_that_overwrites_what_is_needed_is_noticed() -> None:
    """The test above can fail: a residual block whose input is given away loses it."""
    block = Spec.of("residual", layers=(Spec.of("activation", function="relu"), Spec.of("linear", units=4)))
    net, X, y = network(Architecture(4, (block, Spec.of("linear", units=3))), 0, 3)
    _, right = net.loss(X.copy(), y)
    right = {name: value.copy() for name, value in right.items()}
    activation = next(layer for layer in walk(net.layers) if isinstance(layer, Activation))
    activation.overwrite_input = True
    _, wrong = net.loss(X.copy(), y)
    assert any(not np.array_equal(wrong[name], right[name]) for name in right)


def test_several_threads_may_predict_at_once() -> None:
    """Wide enough that NumPy releases the lock in the middle of a layer."""
    architecture = Architecture.of(64, (256, 256), 5, activation="gelu", norm="layernorm", blocks=1)
    net = Network(architecture, np.random.default_rng(0))
    inputs = [np.random.default_rng(k).standard_normal((400, 64)).astype(np.float32) for k in range(4)]
    alone = [net.logits(X) for X in inputs]
    wrong: list[int] = []

    def ask(k: int) -> None:
        for _ in range(10):
            if not np.array_equal(net.logits(inputs[k]), alone[k]):
                wrong.append(k)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "gelu", "norm": "layernorm"},
        {"activation": "gelu", "norm": "layernorm", "blocks": 2},
    ],
    ids=["plain", "normed", "residual"],
)
def test_a_step_allocates_nothing_large_after_the_first(options: dict[str, Any]) -> None:
    import tracemalloc

    architecture = Architecture.of(200, (300, 300), 10, dropout=0.1, **options)
    rng = np.random.default_rng(0)
    net, optimiser = Network(architecture, rng), SGD(0.9)
    X, y = rng.standard_normal((256, 200)).astype(np.float32), rng.integers(10, size=256)
    for _ in range(2):
        net.step(X, y, optimiser, 0.01, 1e-4)
    tracemalloc.start()
    try:
        net.step(X, y, optimiser, 0.01, 1e-4)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 256 * 200 * 4 / 2  # half of the smallest array of a minibatch


def test_decay_and_the_penalty_spare_norms_and_biases() -> None:
    architecture = Architecture.of(3, (4,), 2, norm="layernorm", blocks=1)
    decayed = {parameter.name for parameter in architecture.parameters if parameter.decayed}
    assert decayed == {parameter.name for parameter in architecture.parameters if parameter.name[0] == "W"}
    net = Network(architecture, np.random.default_rng(0), dtype=np.float64)
    X, y = np.ones((2, 3)), np.array([0, 1])
    _, without = net.loss(X, y)
    _, with_reg = net.loss(X, y, 0.5)
    for parameter in net.parameters:
        expected = parameter.value if parameter.decayed else 0 * parameter.value
        np.testing.assert_allclose(with_reg[parameter.name] - without[parameter.name], expected, atol=1e-12)
        assert gradient_of(parameter).dense().shape == parameter.value.shape
