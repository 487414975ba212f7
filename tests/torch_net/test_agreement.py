"""Two networks that agree: NumPy's and PyTorch's, from the same weights, on the same minibatches, in float64.

Tolerances are relative to each array's largest entry: the two add in different orders, and no more.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from fcnet.audit import audit_gradients
from fcnet.data.dataset import Dataset, split
from fcnet.data.toy import REG, toy_data
from fcnet.experiments.toy import TOY, toy_network
from fcnet.net.lasso import shrink
from fcnet.net.network import Network
from fcnet.net.optimisers import OPTIMISERS, SGD
from fcnet.net.weights import load_weights, save_weights
from fcnet.torch_net.autograd import autograd_gradients
from fcnet.torch_net.engine import TorchEngine
from fcnet.torch_net.mlp import MultiLayerPerceptron
from fcnet.torch_net.optimisers import Optimiser
from fcnet.torch_net.weights import gradients_of, network_from, parameters_of
from fcnet.torch_net.workers import ProcessGroup
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from fcnet.train.fit import Fit
from trainings import KINDS, small

AGREEMENT = 1e-10
"""Wanted of two networks in float64."""

SIZES = (7, 9, 6, 8, 5)
"""Input and hidden sizes; a net of L layers takes the first L of them."""


def assert_close(
    actual: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float = AGREEMENT
) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert actual[name].shape == value.shape, name
        assert np.abs(actual[name] - value).max() <= tolerance * np.abs(value).max(), name


def pair(layers: int, dropout: float = 0.0, seed: int = 0) -> tuple[Network, MultiLayerPerceptron]:
    """Both networks of so many layers with the same weights, biases drawn too."""
    sizes = (*SIZES[:layers], 4)
    rng = np.random.default_rng(seed)
    numpy_net = Network.plain(sizes, rng, initialisation="pytorch", dropout=dropout, dtype=np.float64)
    return numpy_net, network_from(numpy_net.architecture, numpy_net.params)


def batch(seed: int, N: int = 12) -> tuple[Any, Any]:
    rng = np.random.default_rng([5, seed])
    return rng.standard_normal((N, SIZES[0])), rng.integers(4, size=N)


def masks_for(net: Network, N: int, rng: np.random.Generator) -> list[Any]:
    """Scaled dropout masks for every hidden layer, which the NumPy network then uses."""
    masks = [(rng.random((N, units)) < 0.7) / 0.7 for units in net.architecture.sizes[1:-1]]
    for dropout, mask in zip(net.dropouts, masks, strict=True):
        dropout.fixed = mask
    return masks


def torch_loss(net: MultiLayerPerceptron, X: Any, y: Any, masks: list[Any] | None = None) -> torch.Tensor:
    tensors = None if masks is None else [torch.from_numpy(mask) for mask in masks]
    return functional.cross_entropy(net(torch.from_numpy(X), tensors), torch.from_numpy(y))


# One step


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_loss_and_gradients_agree(layers: int, dropout: float) -> None:
    numpy_net, torch_net = pair(layers, dropout)
    X, y = batch(0)
    masks = masks_for(numpy_net, len(y), np.random.default_rng(1)) if dropout else None
    loss, grads = numpy_net.loss(X, y, training=True)
    theirs = torch_loss(torch_net, X, y, masks)
    theirs.backward()
    assert theirs.item() == pytest.approx(loss, rel=AGREEMENT)
    assert_close(gradients_of(torch_net), grads)


@given(
    N=st.integers(1, 6), sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5), K=st.integers(2, 4),
    reg=st.sampled_from([0.0, 0.05, 2.0]), smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    seed=st.integers(0, 2**32),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_autograd_agrees_at_any_shape(
    N: int, sizes: list[int], K: int, reg: float, smoothing: float, seed: int
) -> None:
    """The objective's gradient, with torch's `cross_entropy(label_smoothing=)` as the loss."""
    rng = np.random.default_rng(seed)
    net = Network.plain(
        (*sizes, K), rng, initialisation="pytorch", dtype=np.float64, label_smoothing=smoothing
    )
    X, y = rng.standard_normal((N, sizes[0])), rng.integers(K, size=N)
    _, grads = net.loss(X, y, reg)
    theirs = autograd_gradients(net.architecture, net.params, X, y, reg, smoothing)
    for name, value in grads.items():  # a unit that is off has a gradient of exactly 0 in both
        assert np.abs(theirs[name] - value).max() <= AGREEMENT * max(np.abs(value).max(), 1e-3)


# Ten steps with momentum


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("optimiser", ["sgd", "nesterov", "adam", "adamw"])
def test_ten_steps_lead_to_the_same_weights(layers: int, dropout: float, optimiser: str) -> None:
    """With L2, and with a learning rate that changes from step to step, as every schedule's does."""
    config = TrainConfig(optimiser=optimiser, momentum=0.9, reg=0.01)
    numpy_net, torch_net = pair(layers, dropout)
    ours = OPTIMISERS[optimiser](config)
    theirs = Optimiser(config, torch_net)
    start = {name: value.copy() for name, value in numpy_net.params.items()}
    rng = np.random.default_rng(2)
    for step in range(10):
        X, y = batch(step)
        rate = 0.1 / (1 + step)
        masks = masks_for(numpy_net, len(y), rng) if dropout else None
        loss = numpy_net.step(X, y, ours, rate, config.reg)
        other = torch_loss(torch_net, X, y, masks)
        assert other.item() == pytest.approx(loss, rel=AGREEMENT)
        other.backward()
        theirs.step(rate)
    assert_close(parameters_of(torch_net), numpy_net.params)
    assert max(np.abs(numpy_net.params[name] - start[name]).max() for name in start) > 0.01


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("optimiser", ["sgd", "nesterov", "adamw"])
@pytest.mark.parametrize("lasso", [0.0, 1e-3])
def test_steps_without_a_rate_lead_to_the_same_weights(optimiser: str, momentum: float, lasso: float) -> None:
    """A schedule may give 0, at first too: momentum goes on along v."""
    if optimiser == "nesterov" and not momentum:
        return
    config = TrainConfig(optimiser=optimiser, momentum=momentum, reg=0.01, lasso=lasso)
    numpy_net, torch_net = pair(3)
    ours, theirs = OPTIMISERS[optimiser](config), Optimiser(config, torch_net)
    start = {name: value.copy() for name, value in numpy_net.params.items()}
    for step, rate in enumerate([0.0, 0.0, 0.1, 0.0, 0.0, 0.03, 0.07, 0.0]):
        X, y = batch(step)
        numpy_net.step(X, y, ours, rate, config.reg)
        if lasso:
            shrink(numpy_net.parameters, ours, lasso, rate)
        torch_loss(torch_net, X, y).backward()
        if step == 5:  # as a checkpoint does
            state = {name: value.copy() for name, value in theirs.state().items()}
            theirs = Optimiser(config, torch_net)
            theirs.load_state(state)
        theirs.step(rate)
        assert_close(parameters_of(torch_net), numpy_net.params)
        if step == 1:
            assert_close(numpy_net.params, start, 0.0)
    assert max(np.abs(numpy_net.params[name] - start[name]).max() for name in start) > 0.01


@pytest.mark.slow
def test_torchs_own_momentum_differs_when_the_learning_rate_changes() -> None:
    """What `Optimiser` adds to torch.optim.SGD is needed: without it the test above fails."""
    numpy_net, torch_net = pair(2)
    ours = SGD(0.9)
    theirs = torch.optim.SGD(torch_net.parameters(), lr=0.1, momentum=0.9)
    for step in range(10):
        X, y = batch(step)
        theirs.param_groups[0]["lr"] = 0.1 / (1 + step)
        numpy_net.step(X, y, ours, 0.1 / (1 + step))
        theirs.zero_grad()
        torch_loss(torch_net, X, y).backward()
        theirs.step()
    with pytest.raises(AssertionError):
        assert_close(parameters_of(torch_net), numpy_net.params, 1e-3)


# A whole training


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_train_alike(kind: str, digits: Dataset) -> None:
    """Two epochs by the same loop, in float64: 42 steps, the last of each epoch with a smaller minibatch."""
    config = small(epochs=2, precision="float64", **KINDS[kind])
    train, validation = split(digits.train, config.validation)
    numpy_engine = NumpyEngine(config, train, digits.image_shape, digits.classes)
    with_torch = replace(config, engine="torch", device="cpu")
    torch_engine = TorchEngine(
        with_torch, train, digits.image_shape, digits.classes, ProcessGroup(torch.device("cpu"))
    )
    ours = Fit(numpy_engine, config, train, validation).run()
    theirs = Fit(torch_engine, with_torch, train, validation).run()
    for mine, other in zip(ours, theirs, strict=True):
        assert other.loss == pytest.approx(mine.loss, rel=1e-9)
        assert other.objective == pytest.approx(mine.objective, rel=1e-9)
        assert (other.train_accuracy, other.val_accuracy) == (mine.train_accuracy, mine.val_accuracy)
    assert_close(parameters_of(torch_engine.network), numpy_engine.network.params, 1e-8)
    np.testing.assert_allclose(
        torch_engine.model().logits(validation.images), numpy_engine.model().logits(validation.images),
        rtol=1e-4, atol=1e-4,
    )  # fmt: skip


# Weights


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_weights_travel_to_pytorch_and_back_in_one_file(layers: int, tmp_path: Any) -> None:
    from safetensors.torch import load_file, save_file

    numpy_net, _ = pair(layers)
    params = {name: value.astype(np.float32) for name, value in numpy_net.params.items()}
    save_weights(tmp_path / "there.safetensors", numpy_net.architecture, params)
    theirs = MultiLayerPerceptron(SIZES[0], SIZES[1:layers], 4)
    theirs.load_state_dict(load_file(tmp_path / "there.safetensors"))
    X, _ = batch(0)
    X = X.astype(np.float32)
    np.testing.assert_allclose(
        theirs(torch.from_numpy(X)).detach().numpy(), numpy_net.with_params(params).logits(X), atol=1e-5
    )
    save_file(theirs.state_dict(), tmp_path / "back.safetensors")
    architecture, back = load_weights(tmp_path / "back.safetensors")  # which says nothing of itself
    assert architecture == numpy_net.architecture
    assert back.keys() == params.keys()
    for name, value in params.items():
        np.testing.assert_array_equal(back[name], value)
        assert back[name].flags.c_contiguous


def test_state_dict_has_the_names_and_shapes_that_a_pytorch_user_expects() -> None:
    net = MultiLayerPerceptron(input_size=12, hidden_layers=[8, 5], num_classes=3)
    assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == {
        "layers.0.weight": (8, 12),
        "layers.0.bias": (8,),
        "layers.1.weight": (5, 8),
        "layers.1.bias": (5,),
        "layers.2.weight": (3, 5),
        "layers.2.bias": (3,),
    }


# The audit's third reference


def test_torch_autograd_is_a_reference_for_the_toy_problem() -> None:
    net, (X, y) = toy_network(), toy_data()
    references = {"torch.autograd": autograd_gradients(TOY, net.params, X, y, REG)}
    audit = audit_gradients(net, X, y, reg=REG, references=references)
    assert audit.passed, audit.table()
    assert max(p.references["torch.autograd"] for p in audit.parameters.values()) < 1e-12


@pytest.mark.parametrize(("reg", "smoothing"), [(REG / 2, 0.0), (REG, 1e-3)])
def test_a_reference_of_another_loss_fails_the_audit(reg: float, smoothing: float) -> None:
    net, (X, y) = toy_network(), toy_data()
    references = {"torch.autograd": autograd_gradients(TOY, net.params, X, y, reg, smoothing)}
    audit = audit_gradients(net, X, y, reg=REG, references=references)
    assert not audit.passed
    assert "torch.autograd disagrees" in audit.reason


@pytest.mark.slow
def test_no_optimiser_loads_the_compiler() -> None:
    """It would take longer than a short training; in a process that has not loaded it before."""
    code = """
import sys, torch
from fcnet.torch_net import optimisers
for kind in (optimisers.SGD, optimisers.Adam, optimisers.AdamW):
    weight = torch.ones(2, requires_grad=True)
    rule = kind([weight])
    weight.sum().backward()
    rule.step()
    rule.zero_grad()
    assert weight.grad is None
    assert (weight < 1).all()
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
