"""An architecture: what it builds, what it refuses, and how it travels with a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import Dataset
from fcnet.errors import DataError, RunError
from fcnet.net.activations import ACTIVATIONS
from fcnet.net.architecture import Architecture, Spec
from fcnet.net.layers import LAYERS
from fcnet.net.network import Network
from fcnet.net.weights import ARCHITECTURE, load_weights, save_weights
from fcnet.runs.training import train_run
from fcnet.train.model import Model
from trainings import small


def kinds(architecture: Architecture) -> list[str]:
    return [spec.kind for spec in architecture.layers]


def test_a_plain_network_is_the_exercises() -> None:
    architecture = Architecture.plain((3072, 50, 10))
    assert kinds(architecture) == ["linear", "activation", "linear"]
    assert (architecture.sizes, architecture.depth, architecture.size) == ((3072, 50, 10), 2, 154_160)
    assert [(p.name, p.shape, p.torch) for p in architecture.parameters] == [
        ("W1", (3072, 50), "layers.0.weight"),
        ("b1", (50,), "layers.0.bias"),
        ("W2", (50, 10), "layers.1.weight"),
        ("b2", (10,), "layers.1.bias"),
    ]


def test_residual_blocks_are_pre_activation_with_an_inverted_bottleneck() -> None:
    architecture = Architecture.of(
        30, (8,), 3, activation="gelu", norm="layernorm", blocks=2, expansion=3, dropout=0.1
    )
    assert kinds(architecture) == ["linear", "residual", "residual", "layernorm", "linear"]
    inside = dict(architecture.layers[1].options)["layers"]
    assert [spec.kind for spec in inside] == ["layernorm", "linear", "activation", "dropout", "linear"]
    assert [dict(spec.options).get("units") for spec in inside] == [None, 24, None, None, 8]
    assert (architecture.sizes, architecture.depth, architecture.dropouts) == ((30, 8, 3), 6, (24, 24))


def test_an_unknown_name_lists_the_known_ones() -> None:
    for architecture, message in (
        (lambda: Architecture.of(3, (4,), 2, activation="swish"), "activation is 'swish'.*'relu', 'gelu'"),
        (lambda: Architecture.of(3, (4,), 2, norm="batchnorm"), "layer is 'batchnorm'.*'linear', 'activ"),
        (lambda: Architecture(3, (Spec.of("linaer", units=3),)), "did you mean 'linear'"),
    ):
        with pytest.raises(DataError, match=message):
            architecture()


MANY = {"kind": "residual", "layers": [{"kind": "layernorm"}] * 9999}


@pytest.mark.parametrize(
    "text",
    [
        "null", "[]", "{", '{"inputs": 4}', '{"inputs": 4, "layers": [3]}', '{"inputs": 4, "layers": [{}]}',
        '{"inputs": 0, "layers": []}', '{"inputs": true, "layers": []}', '{"inputs": "4", "layers": []}',
        '{"inputs": 4, "layers": [{"kind": "linear"}]}',
        '{"inputs": 4, "layers": [{"kind": "linear", "units": -1}]}',
        '{"inputs": 4, "layers": [{"kind": "linear", "units": 1.5}]}',
        '{"inputs": 4, "layers": [{"kind": "linear", "units": 3, "colour": "red"}]}',
        '{"inputs": 4, "layers": [{"kind": "linear", "units": [{"kind": "layernorm"}]}]}',
        '{"inputs": 4, "layers": [{"kind": "activation", "function": ["relu"]}]}',
        '{"inputs": 4, "layers": [{"kind": "activation", "function": null}]}',
        '{"inputs": 4, "layers": [{"kind": "dropout", "p": NaN}]}',
        '{"inputs": 4, "layers": [{"kind": "residual", "layers": []}]}',
        '{"inputs": 4, "layers": [{"kind": "residual", "layers": 3}]}',
        '{"inputs": 4, "layers": [{"kind": "residual", "layers": [{"kind": "linear", "units": 5}]}]}',
        '{"inputs": 4, "layers": ' + '[{"kind": "residual", "layers": ' * 50 + "[]" + "}]" * 50 + "}",
        '{"inputs": 4, "layers": [{"kind": "mean", "rows": []}]}',
        '{"inputs": 4, "layers": [{"kind": "mean", "rows": [[]]}]}',
        '{"inputs": 4, "layers": [{"kind": "mean", "rows": [{"kind": "linear", "units": 5}]}]}',
        '{"inputs": 4, "layers": [{"kind": "mean", "rows": [[{"kind": "layernorm"}], '
        '[{"kind": "linear", "units": 5}]]}]}',
        '{"inputs": 4, "layers": [{"kind": "mean", "rows": ' + "[" * 500 + "]" * 500 + "}]}",
        "[" * 100_000,
        json.dumps({"inputs": 4, "layers": [MANY] * 2}),
    ],
)  # fmt: skip
def test_what_is_no_architecture_is_one_line(text: str) -> None:
    with pytest.raises(DataError) as caught:
        Architecture.loads(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_sizes_beyond_all_memory_cost_nothing_until_there_are_numbers() -> None:
    architecture = Architecture.plain((4, 10**30, 3))
    assert architecture.size > 10**30
    with pytest.raises(DataError, match="W1 is missing"):
        architecture.check({})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W1": np.zeros((3, 4))}, r"W1 has shape \(3, 4\), give \(4, 5\)"),
        ({"b1": np.zeros((5, 1))}, r"b1 has shape \(5, 1\), give \(5,\)"),
        ({"W3": np.zeros(3)}, "W3 is not a parameter of this network"),
        ({"b2": np.zeros(3, np.int64)}, "b2 has dtype int64"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    architecture = Architecture.plain((4, 5, 3))
    params = dict(Network(architecture, np.random.default_rng(0)).params)
    with pytest.raises(DataError, match=message):
        Network(architecture, np.random.default_rng(0), params=params | change)


RESIDUAL = {"blocks": 1, "norm": "layernorm", "activation": "gelu"}


@pytest.mark.parametrize("settings", [{}, RESIDUAL], ids=["plain", "residual"])
def test_a_model_carries_its_architecture(settings: dict[str, Any], digits: Dataset, tmp_path: Path) -> None:
    config = small(**settings)
    record = train_run(config, digits, tmp_path / "run")
    model = Model.load(tmp_path / "run")
    assert model.architecture == config.architecture(64, 10)
    assert record["architecture"] == model.architecture.to_json()
    assert record["parameters"] == sum(value.size for value in model.params.values())
    assert (model.logits(digits.test.images).argmax(axis=1) == digits.test.labels).mean() > 0.8


def test_a_weights_file_without_an_architecture_is_read_as_what_it_can_only_be(tmp_path: Path) -> None:
    """As fcnet wrote them before, and as PyTorch does."""
    from safetensors.numpy import save_file

    net = Network.plain((4, 6, 5, 3), np.random.default_rng(0))
    state = {}
    for place in range(3):
        state[f"layers.{place}.weight"] = np.ascontiguousarray(net.params[f"W{place + 1}"].T)
        state[f"layers.{place}.bias"] = net.params[f"b{place + 1}"]
    save_file(state, tmp_path / "old.safetensors")
    architecture, params = load_weights(str(tmp_path / "old.safetensors"))
    assert architecture == net.architecture
    for name, value in net.params.items():
        np.testing.assert_array_equal(params[name], value)


def test_a_file_whose_architecture_is_another_networks_is_refused(tmp_path: Path) -> None:
    net = Network.plain((4, 6, 3), np.random.default_rng(0))
    other = Architecture.plain((4, 7, 3))
    path = tmp_path / "weights.safetensors"
    save_weights(path, net.architecture, net.params, {ARCHITECTURE: other.dumps()})
    with pytest.raises(RunError, match=r"W1 has shape \(4, 6\), give \(4, 7\)"):
        load_weights(path)


def test_every_name_stands_in_the_help_of_its_setting() -> None:
    """The help is written by hand; NumPy is not loaded for it."""
    import inspect

    from fcnet.net.initialisation import INITIALISATIONS
    from fcnet.net.optimisers import OPTIMISERS
    from fcnet.train import config
    from fcnet.train.schedules import SCHEDULES

    source = inspect.getsource(config.TrainConfig)
    norms = [name for name, layer in LAYERS.items() if getattr(layer, "normalises", False)]
    for name in (*ACTIVATIONS, *norms, *INITIALISATIONS, *OPTIMISERS):
        assert f'"{name}"' in source, name
    for name in SCHEDULES:
        assert f"{name}:" in source, name


def test_both_engines_know_the_same_names() -> None:
    pytest.importorskip("torch")
    from fcnet.net.optimisers import OPTIMISERS
    from fcnet.torch_net.layers import TORCH_ACTIVATIONS, TORCH_LAYERS
    from fcnet.torch_net.optimisers import TORCH_OPTIMISERS

    assert TORCH_ACTIVATIONS.keys() == ACTIVATIONS.keys()
    assert TORCH_OPTIMISERS.keys() == OPTIMISERS.keys()
    assert set(TORCH_LAYERS) == set(LAYERS.values())


def test_a_model_of_the_first_format_is_still_read(digits: Dataset, tmp_path: Path) -> None:
    """Its files do not say the architecture; it can only be linear layers with ReLUs between them."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    train_run(small(), digits, tmp_path / "run")
    expected = Model.load(tmp_path / "run").logits(digits.test.images)
    for name in ("model.safetensors", "input.safetensors"):
        path = tmp_path / "run" / name
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() | {"format": "fcnet-model-1"}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        about.pop(ARCHITECTURE, None)
        save_file(tensors, path, about)
    (tmp_path / "run" / "SHA256SUMS").unlink()
    np.testing.assert_array_equal(Model.load(tmp_path / "run").logits(digits.test.images), expected)
