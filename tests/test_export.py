"""An exported network answers in another runtime as it does here, pixels and all."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.cli import main
from fcnet.data.dataset import Dataset
from fcnet.runs.training import train_run
from fcnet.train.model import Model
from fcnet.two_layernet import softmax
from trainings import small

onnxruntime = pytest.importorskip("onnxruntime")

AGREEMENT = 1e-5


NETWORKS: dict[str, dict[str, Any]] = {
    "2 layers": {},
    "4 layers, whitened": {"hidden": (20, 16, 12), "preprocessing": "whitened", "components": 30},
    "1 layer, symmetric": {"hidden": (), "preprocessing": "symmetric"},
    "tanh": {"activation": "tanh", "dropout": 0.2},
    "residual": {"blocks": 2, "norm": "layernorm", "activation": "gelu", "dropout": 0.2},
}


@pytest.fixture(scope="module", params=NETWORKS)
def run(request: pytest.FixtureRequest, digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "run"
    train_run(small(**NETWORKS[request.param]), digits, folder)
    return folder


def test_onnxruntime_answers_identically(run: Path, digits: Dataset, capsys: Any) -> None:
    assert main(["export", str(run), "--onnx"]) == 0
    assert capsys.readouterr().out == f"wrote {run / 'model.onnx'}\n"
    session = onnxruntime.InferenceSession(run / "model.onnx", providers=["CPUExecutionProvider"])
    images = digits.test.images
    for some in (images, images[:1]):
        logits, probabilities = session.run(
            ["logits", "probabilities"], {"images": some.reshape(-1, *digits.image_shape)}
        )
        expected = Model.load(run).logits(some)
        assert np.abs(logits - expected).max() <= AGREEMENT * np.abs(expected).max()
        assert np.abs(probabilities - softmax(expected)).max() <= AGREEMENT


def test_the_model_says_what_it_takes_and_gives(run: Path, digits: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere" / "net.onnx"
    assert main(["export", str(run), "--onnx", "--out", str(out)]) == 0
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["N", *digits.image_shape])
    assert [one.shape for one in session.get_outputs()] == [["N", 10], ["N", 10]]
    described = session.get_modelmeta().custom_metadata_map
    assert json.loads(described["classes"]) == list(digits.classes)


def test_a_network_that_was_altered_answers_otherwise(run: Path, digits: Dataset, tmp_path: Path) -> None:
    """The comparison above can fail."""
    model = Model.load(run)
    model.params["b1"][0] += 0.5
    model.save(tmp_path)
    assert main(["export", str(tmp_path), "--onnx"]) == 0
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": digits.test.images.reshape(-1, *digits.image_shape)})
    assert np.abs(logits - Model.load(run).logits(digits.test.images)).max() > 1e-2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no format is given, add --onnx (PyTorch reads model.safetensors as it is)"),
        (["--onnx", "--out", "/proc/net.onnx"], "cannot write /proc/net.onnx: "),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    arguments: list[str], message: str, run: Path, capsys: Any
) -> None:
    assert main(["export", str(run), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_folder_without_a_model_is_named(tmp_path: Path, capsys: Any) -> None:
    assert main(["export", str(tmp_path), "--onnx"]) == 2
    assert f"{tmp_path / 'model.safetensors'} is missing" in capsys.readouterr().err


def test_without_the_package_it_says_how_to_get_it(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(run), "--onnx"]) == 2
    assert "pip install 'fcnet[onnx]'" in capsys.readouterr().err
