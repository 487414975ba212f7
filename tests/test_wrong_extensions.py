"""Wrong extensions: each gets one line that says which code, where, and what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import programs
from extensions import (
    ACTIVATION,
    AUDIT,
    COMMANDS,
    LAYER,
    OPTIMISER,
    SCHEDULE,
    SECTION,
    TRAIN,
    WRONG,
    changed,
    data_in,
    plain,
    run,
    trained,
)
from fcnet.audit import Audit, audit_gradients
from fcnet.errors import ExtensionError
from fcnet.net.architecture import Architecture, Spec
from fcnet.net.contract import check_own_layers
from fcnet.net.layers import LAYERS, Layer
from fcnet.net.network import Network
from fcnet.net.parameters import Declared, DenseGradient


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return data_in(tmp_path)


@pytest.mark.parametrize("right", COMMANDS, ids=lambda text: text.strip().splitlines()[0].split()[-1])
def test_the_right_ones_work(right: str, folder: Path) -> None:
    if right is SECTION:
        assert plain(folder, TRAIN)[0] == 0
    status, _, err = run(folder, right, COMMANDS[right])
    assert status == 0, err


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_named_in_one_line(name: str, folder: Path) -> None:
    right, wrong, message = WRONG[name]
    if right is SECTION:
        assert plain(folder, TRAIN)[0] == 0
    start = right[:60]
    command = next(command for text, command in COMMANDS.items() if text.startswith(start))
    status, _, err = run(folder, wrong, command)
    lines = [line for line in err.splitlines() if not line.startswith("note")]
    assert status == 2, err
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    assert re.search(message, lines[0]), err
    assert right is SECTION or not (folder / "run").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            WRONG["a prediction of its own"][1],
            "predicts other numbers than forward gives without training, by 2.5e-01",
        ),
        (WRONG["an input overwritten"][1], "overwrites its input in forward, write to it only where"),
        (
            WRONG["no error passed down"][1],
            "returns None from backward, where the layer below needs the error",
        ),
    ],
)
def test_the_audit_tries_every_layer(wrong: str, message: str, folder: Path) -> None:
    for inside in ("", " --blocks 1"):
        assert run(folder, LAYER, f"{AUDIT} --norm scale{inside}")[0] == 0
        status, _, err = run(folder, wrong, f"{AUDIT} --norm scale{inside}")
        assert status == 2
        assert err.startswith("error: the layer (Scale in own.py, line 6) ")
        assert message in err


RUNNING = """
from fcnet.net.layers import LAYERS, Layer
from fcnet.net.parameters import Declared, DenseGradient

class Running(Layer):
    normalises = True

    def __init__(self, inputs):
        super().__init__(inputs)
        self.declared = (Declared("m", (inputs,), "zeros"),)
        self.mean = np.zeros(inputs, np.float32)

    def bind(self, parameters, rng):
        (self.m,) = parameters
        DECLARED

    def forward(self, X, training):
        if training:
            self.mean[...] += 1
        return X - self.mean

    def backward(self, delta, input_needed):
        self.m.gradient = DenseGradient(np.zeros_like(self.m.value))
        return delta

    def predict(self, X):
        return X - self.mean

LAYERS["running"] = Running
"""


def test_what_the_saved_model_lacks_is_warned_of(folder: Path) -> None:
    command = COMMANDS[LAYER].replace("scale", "running")
    declared = changed(RUNNING, "DECLARED", "self.mean = self.m.value")
    assert run(folder, declared, command.replace("--out run", "--out declared"))[2].count("warning") == 0
    status, _, err = run(folder, changed(RUNNING, "DECLARED", "pass"), command)
    assert status == 0
    assert re.search(
        r"^warning: the saved model has a validation loss of .*, the trained network .*: "
        r"a layer \(Running in own.py, line 6\) keeps something from step to step that is not in declared",
        err,
        flags=re.MULTILINE,
    ), err


class Rounded(Layer):
    """Its prediction differs by too little for the training in float32 to mind."""

    def forward(self, X: Any, training: bool) -> Any:
        return X * 2

    def backward(self, delta: Any, input_needed: bool) -> Any:
        return delta * 2

    def predict(self, X: Any) -> Any:
        return X * (2 + 1e-6)


class Greedy(Layer):
    """Writes over its input also where it must not."""

    in_place = True

    def forward(self, X: Any, training: bool) -> Any:
        X *= 2
        return X

    def backward(self, delta: Any, input_needed: bool) -> Any:
        return delta * 2

    def predict(self, X: Any) -> Any:
        return X * 2


class Drop(Layer):
    """Right in a training, where no error comes back through a forward without training."""

    normalises = True

    def bind(self, parameters: Any, rng: np.random.Generator) -> None:
        self.rng = rng

    def forward(self, X: Any, training: bool) -> Any:
        if training:
            self.mask = (self.rng.random(X.shape) > 0.3).astype(X.dtype)
            return X * self.mask
        return X

    def backward(self, delta: Any, input_needed: bool) -> Any:
        return delta * self.mask

    def predict(self, X: Any) -> Any:
        return X


class DropForAudits(Drop):
    def forward(self, X: Any, training: bool) -> Any:
        if not training:
            self.mask = np.ones_like(X)
        return super().forward(X, training)


class Centred(Layer):
    """Y = X - m: the mean of the minibatch in training, and a running mean, which is a parameter, outside."""

    normalises = True

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs)
        self.declared = (Declared("m", (inputs,), "zeros"),)

    def bind(self, parameters: Any, rng: np.random.Generator) -> None:
        (self.m,) = parameters

    def forward(self, X: Any, training: bool) -> Any:
        self.training = training
        if not training:
            return X - self.m.value
        self.m.value[...] = 0.9 * self.m.value + 0.1 * X.mean(axis=0)
        return X - X.mean(axis=0)

    def backward(self, delta: Any, input_needed: bool) -> Any:
        if self.training:
            self.m.gradient = DenseGradient(np.zeros_like(self.m.value))
            return delta - delta.mean(axis=0)
        self.m.gradient = DenseGradient(-delta.sum(axis=0))
        return delta

    def predict(self, X: Any) -> Any:
        return X - self.m.value


class WronglyCentred(Centred):
    def backward(self, delta: Any, input_needed: bool) -> Any:
        super().backward(delta, input_needed)
        return delta


class WronglyScaled(Layer):
    """The gradient of its parameter is wrong, and only in training."""

    normalises = True

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs)
        self.declared = (Declared("s", (1,), "ones"),)

    def bind(self, parameters: Any, rng: np.random.Generator) -> None:
        (self.s,) = parameters

    def forward(self, X: Any, training: bool) -> Any:
        self.X, self.factor = X, 2 if training else 1
        return self.factor * X * self.s.value

    needs_input = True

    def backward(self, delta: Any, input_needed: bool) -> Any:
        self.s.gradient = DenseGradient((self.X * delta).sum(keepdims=True)[0])
        return self.factor * delta * self.s.value

    def predict(self, X: Any) -> Any:
        return X * self.s.value


class Steady(Layer):
    """Gives back the array that it was given, both ways, and does not say so."""

    normalises = True

    def forward(self, X: Any, training: bool) -> Any:
        return X

    def backward(self, delta: Any, input_needed: bool) -> Any:
        return delta

    def predict(self, X: Any) -> Any:
        return X


def audited(architecture: Architecture) -> Audit:
    net = Network(architecture, np.random.default_rng(0), dtype=np.float64)
    return audit_gradients(net, np.random.default_rng(1).standard_normal((5, 3)), np.arange(5) % 2)


@pytest.mark.parametrize("kind", [DropForAudits, Centred, Steady])
@pytest.mark.parametrize("blocks", [0, 1])
def test_right_layers_pass_a_training_and_an_audit(
    kind: type[Layer], blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LAYERS, "own", kind)
    architecture = Architecture.of(3, [4], 2, norm="own", blocks=blocks)
    check_own_layers(architecture)
    audit = audited(architecture)
    assert audit.passed, audit.table()
    assert audit.decided_by == "complex step"


def test_a_dropout_with_a_mask_only_in_training_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "own", Drop)
    check_own_layers(Architecture.of(3, [4], 2, norm="own"))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            Drop,
            r"fails in backward after forward\(X, False\), where the audit needs it: AttributeError: .*mask",
        ),
        (
            WronglyCentred,
            r"is wrong in training: the error that it passes down is not the derivative of forward",
        ),
        (WronglyScaled, r"is wrong in training: the gradient of s is not the derivative"),
    ],
)
def test_the_audit_names_what_is_wrong_in_training_alone(
    kind: type[Layer], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LAYERS, "own", kind)
    audit = audited(Architecture.of(3, [4], 2, norm="own"))
    assert audit.stage == "layer"
    assert re.search(rf"the layer \({kind.__name__} in .*, line \d+\) {message}", audit.reason)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            Rounded,
            r"predicts other numbers than forward gives without training, by 5.0e-07: let predict",
        ),
        (Greedy, r"overwrites its input in forward, write to it only where self.overwrite_input is True"),
    ],
)
def test_the_audit_from_python(kind: type[Layer], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "own", kind)
    architecture = Architecture(3, (Spec.of("linear", units=4), Spec.of("own"), Spec.of("linear", units=2)))
    rng = np.random.default_rng(0)
    params = {p.name: rng.standard_normal(p.shape) for p in architecture.parameters}
    net = Network(architecture, rng, dtype=np.float64, params=params)
    audit = audit_gradients(net, rng.standard_normal((5, 3)), np.arange(5) % 2)
    assert audit.stage == "layer"
    assert re.search(
        rf"the layer \({kind.__name__} in .*test_wrong_extensions.py, line \d+\) {message}", audit.reason
    )
    assert audit.table() == f"failed at layer: {audit.reason}"


def test_the_audit_says_how_far_predictions_are_from_the_forward_pass() -> None:
    net = Network(Architecture.of(4, [6], 3, norm="layernorm"), np.random.default_rng(0), dtype=np.float64)
    audit = audit_gradients(net, np.random.default_rng(1).standard_normal((5, 4)), np.arange(5) % 3)
    assert audit.prediction is not None
    assert audit.to_record()["prediction"] == audit.prediction < 1e-14
    assert audit.table().splitlines()[-2].startswith("every layer predicts what its forward pass gives, to ")


@pytest.mark.parametrize(
    ("right", "method", "message"),
    [
        (
            ACTIVATION,
            "",
            r"an activation \(Swish in own.py, line 5\) lacks onnx\(graph, x\), which the export needs",
        ),
        (
            LAYER,
            "",
            r"a layer \(Scale in own.py, line 6\) lacks onnx\(graph, x\), which the export needs, define it",
        ),
        (
            ACTIVATION,
            "        graph.node('Sigmoid', x)",
            r"\(Swish in own.py, line 5\) returns None from onnx, return",
        ),
        (
            LAYER,
            "        return 'nothing'",
            r"\(Scale in own.py, line 6\) returns 'nothing' from onnx, return what",
        ),
    ],
)
def test_an_export_without_nodes_is_named(right: str, method: str, message: str, folder: Path) -> None:
    pytest.importorskip("onnx")
    base = "(ActivationFunction):" if right is ACTIVATION else "(Layer):"
    text = changed(right, base, f"{base}\n    def onnx(self, graph, x):\n{method}\n") if method else right
    trained(folder, right)
    status, _, err = run(folder, text, "export run --onnx")
    assert status == 2
    assert re.search(message, err), err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("name", ["no slope", "another start", "a prediction of its own", "a negative rate"])
def test_the_estimator_names_a_wrong_one(name: str, folder: Path) -> None:
    pytest.importorskip("sklearn")
    right, wrong, message = WRONG[name]
    option = {ACTIVATION: "activation='swish'", LAYER: "norm='scale'", SCHEDULE: "schedule='steady'"}[right]
    program = f"""
import numpy as np{wrong}
from fcnet import FCNetClassifier
X = np.random.default_rng(0).standard_normal((60, 4))
FCNetClassifier(hidden=(6,), {option}).fit(X, np.arange(60) % 3)
"""
    (folder / "own.py").write_text(program)
    with pytest.raises(ExtensionError, match=message):
        programs.run(["own.py"], folder, {})


TORCH = """
import torch
from fcnet.torch_net.layers import TORCH_ACTIVATIONS, TORCH_LAYERS

class TorchScale(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.s = torch.nn.Parameter(torch.ones(layer.inputs))

    def forward(self, x, masks=None):
        return x * self.s
"""


@pytest.mark.parametrize(
    ("right", "added", "message"),
    [
        (ACTIVATION, 'TORCH_ACTIVATIONS["swish"] = torch.nn.functional.silu', ""),
        (
            ACTIVATION,
            'TORCH_ACTIVATIONS["swish"] = torch.nn.functional.relu',
            r"\(relu in .*\) gives other numbers than",
        ),
        (
            ACTIVATION,
            'TORCH_ACTIVATIONS["swish"] = lambda x: None',
            r"\(<lambda> in own.py, line \d+\) gives None, give",
        ),
        (ACTIVATION, "", "activation with the engine torch is 'swish', choose from 'relu', 'gelu', 'tanh'"),
        (LAYER, "TORCH_LAYERS[Scale] = TorchScale", ""),
        (
            LAYER,
            "",
            r"the engine torch has no Scale, .*; add a counterpart to fcnet.torch_net.layers.TORCH_LAYERS",
        ),
        (
            LAYER,
            "TorchScale.forward = lambda self, x, masks: 2 * x * self.s\nTORCH_LAYERS[Scale] = TorchScale",
            r"\(TorchScale in own.py, line \d+\) gives other numbers than the engine numpy, by",
        ),
        (
            LAYER,
            "TORCH_LAYERS[Scale] = lambda layer: torch.nn.LayerNorm(layer.inputs)",
            r"\(LayerNorm in .*\) has the parameters .*, give it \{'s': \(6,\)\}",
        ),
        (
            LAYER,
            "TORCH_LAYERS[Scale] = lambda layer: None",
            r"\(NoneType\) is None, give a torch.nn.Module",
        ),
    ],
)
def test_a_counterpart_in_pytorch_does_the_same(right: str, added: str, message: str, folder: Path) -> None:
    layers = pytest.importorskip("fcnet.torch_net.layers")
    command = f"{COMMANDS[right]} --engine torch --device cpu"
    with patch.dict(layers.TORCH_ACTIVATIONS), patch.dict(layers.TORCH_LAYERS):
        status, _, err = run(folder, f"{right}{TORCH}{added}\n", command)
    assert status == (2 if message else 0), err
    assert re.search(message, err), err
    assert not message or len(err.splitlines()) == 1


def test_an_optimiser_of_pytorch_is_one(folder: Path) -> None:
    rules = pytest.importorskip("fcnet.torch_net.optimisers")
    added = """
from fcnet.torch_net.optimisers import TORCH_OPTIMISERS

TORCH_OPTIMISERS["plain"] = lambda groups, config: None
"""
    with patch.dict(rules.TORCH_OPTIMISERS):
        status, _, err = run(folder, OPTIMISER + added, f"{COMMANDS[OPTIMISER]} --engine torch --device cpu")
    assert (status, err) == (
        2,
        "error: the optimiser 'plain' in PyTorch (<lambda> in own.py, line 20) makes None, "
        "return a torch.optim.Optimizer\n",
    )
