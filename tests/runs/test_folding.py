"""Folded networks: their scores are the averages, in plain PyTorch and onnxruntime too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fcnet.cli import main
from fcnet.data.dataset import Dataset
from fcnet.data.deformation import Deformation
from fcnet.errors import DataError, RunError
from fcnet.records import RunFolder
from fcnet.runs import folding
from fcnet.runs.folding import fold, fold_runs
from fcnet.runs.testing import read_test, use_test_set
from fcnet.runs.training import train_run
from fcnet.torch_net import weights
from fcnet.train.model import Model
from trainings import small

NETWORKS: dict[str, dict[str, Any]] = {
    "two": {"dropout": 0.2},
    "whitened": {"hidden": (20, 16), "preprocessing": "whitened", "components": 30},
    "residual": {"blocks": 1, "norm": "layernorm", "activation": "gelu"},
    "linear": {"hidden": (), "preprocessing": "symmetric"},
}

DEFORMATION = Deformation(mirror=True, shift=1)


@pytest.fixture(scope="module")
def runs(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("folding")
    for name, settings in NETWORKS.items():
        train_run(small(epochs=1, **settings), digits, folder / name)
    return {name: folder / name for name in NETWORKS}


def mean_over_views(model: Model, images: Any, deformation: Deformation) -> Any:
    views = deformation.tables(model.image_shape)
    return np.mean([model.logits(images[:, view]) for view in views], axis=0)


def agree(found: Any, wanted: Any) -> bool:
    return bool(np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("deformation", [DEFORMATION, Deformation(shift=2), Deformation(mirror=True)])
def test_the_scores_are_the_mean_over_all_views(
    name: str, deformation: Deformation, runs: dict[str, Path], digits: Dataset
) -> None:
    model = Model.load(runs[name])
    folded = fold([model], deformation.tables(model.image_shape))
    wanted = mean_over_views(model, digits.test.images, deformation)
    assert agree(folded.logits(digits.test.images), wanted)
    assert not agree(model.logits(digits.test.images), wanted)


def test_a_two_layer_network_stays_one(runs: dict[str, Path]) -> None:
    model = Model.load(runs["two"])
    folded = fold([model], DEFORMATION.tables(model.image_shape))
    assert folded.architecture.sizes == (64, 18 * 24, 10)
    assert [spec.kind for spec in folded.architecture.layers] == ["linear", "activation", "dropout", "linear"]


def test_deep_networks_stand_side_by_side(runs: dict[str, Path]) -> None:
    model = Model.load(runs["residual"])
    folded = fold([model], DEFORMATION.tables(model.image_shape)).architecture
    assert [spec.kind for spec in folded.layers] == ["mean"]
    assert (folded.depth, folded.size) == (model.architecture.depth, 18 * model.architecture.size)


def test_several_runs_become_one_network_whatever_their_preprocessing(
    runs: dict[str, Path], digits: Dataset
) -> None:
    models = [Model.load(folder) for folder in runs.values()]
    images = digits.test.images
    wanted = np.mean([model.logits(images) for model in models], axis=0)
    assert agree(fold(models).logits(images), wanted)
    views = DEFORMATION.tables(models[0].image_shape)
    each = np.mean([mean_over_views(model, images, DEFORMATION) for model in models], axis=0)
    assert agree(fold(models, views).logits(images), each)
    assert agree(fold([fold(models)], views).logits(images), each)


def test_plain_pytorch_and_onnxruntime_say_the_same(
    runs: dict[str, Path], digits: Dataset, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    onnxruntime = pytest.importorskip("onnxruntime")
    from safetensors.torch import load_file

    images = digits.test.images
    for name in ("two", "residual"):
        out = tmp_path / name
        assert main(["fold", str(runs[name]), "--mirror", "--shift", "1", "--out", str(out)]) == 0
        assert main(["export", str(out), "--onnx"]) == 0
        session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
        (logits,) = session.run(["logits"], {"images": images.reshape(-1, *digits.image_shape)})
        assert agree(logits, Model.load(out).logits(images))
    net = torch.nn.Sequential(torch.nn.Linear(64, 18 * 24), torch.nn.ReLU(), torch.nn.Linear(18 * 24, 10))
    renamed = {"layers.0": "0", "layers.1": "2"}
    state = load_file(tmp_path / "two" / "model.safetensors")
    net.load_state_dict({renamed[key[:8]] + key[8:]: value for key, value in state.items()})
    model = Model.load(tmp_path / "two")
    with torch.no_grad():
        scores = net(torch.from_numpy(model.preprocessing(images))).numpy()
    assert agree(scores, model.logits(images))


@pytest.mark.slow
def test_a_folded_run_is_a_run(runs: dict[str, Path], tmp_path: Path, capsys: Any) -> None:
    """Both accuracies stand side by side, and what it costs; all that takes a run takes it."""
    out = tmp_path / "folded"
    assert main(["fold", str(runs["two"]), str(runs["residual"]), "--mirror", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    record = RunFolder(out).read_record()
    alone = [RunFolder(runs[name]).read_record()["metrics"] for name in ("two", "residual")]
    for metrics in (*alone, record["metrics"]):
        assert f"{metrics['val_accuracy']:.2%}".replace("%", " %") in said
    assert record["folded"] == {
        "runs": [str(runs["two"]), str(runs["residual"])],
        "mirror": True, "shift": 0, "views": 2, "alone": alone,
    }  # fmt: skip
    assert f"{record['parameters']:,}" in said
    for command in (
        ["test", str(out)],
        ["report", str(out)],
        ["compare", str(runs["two"]), str(out)],
        ["runs", str(out)],
    ):
        assert main(command) == 0, command
    assert main(["fold", str(runs["two"]), "--mirror", "--out", str(out)]) == 2
    assert f"{out} is not empty" in capsys.readouterr().err


def test_the_test_images_are_used_once_with_the_views_of_the_folded_network(
    runs: dict[str, Path], tmp_path: Path, digits: Dataset
) -> None:
    run = Path(shutil.copytree(runs["two"], tmp_path / "run"))
    result = use_test_set(run, digits, views=DEFORMATION)
    fold_runs([run], tmp_path / "folded", DEFORMATION, digits)
    written = use_test_set(tmp_path / "folded", digits)
    assert result["accuracy"] == written["accuracy"]
    assert result["loss"] == pytest.approx(written["loss"], rel=1e-5)
    assert read_test(run, DEFORMATION) == result
    with pytest.raises(RunError, match=r"already used once on .*test-folded.json"):
        use_test_set(run, digits, views=DEFORMATION)
    assert read_test(run) is None
    alone = use_test_set(run, digits)  # has a count of its own
    assert alone["count"] == 1
    assert alone["loss"] != result["loss"]


def test_a_run_of_a_gpu_is_tested_there_and_by_numpy_where_there_is_none(
    runs: dict[str, Path], tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(runs["two"], tmp_path / "run"))
    expected = use_test_set(run, digits, views=DEFORMATION)
    record = RunFolder(run).read_record() | {"engine": {"name": "torch", "device": "NVIDIA H200"}}
    monkeypatch.setattr(RunFolder, "read_record", lambda folder: record)
    used = []

    def gpu_scores(*network: Any) -> Any:
        used.append(network)
        return weights.scores_on(torch.device("cpu"), *network)

    again = use_test_set(run, digits, again=True, views=DEFORMATION)
    monkeypatch.setattr(weights, "gpu_scores", gpu_scores)
    there = use_test_set(run, digits, again=True, views=DEFORMATION)
    assert len(used) == 1
    for result in (again, there):
        assert result["confusion"] == expected["confusion"]
        assert result["loss"] == pytest.approx(expected["loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no run is given"),
        (["two"], "there is nothing to fold: add --mirror, --shift 1 or another run"),
        (["two", "--shift", "8"], "shift is 8, choose from 0 to 7 pixels"),
        (["two", "--shift", "-1"], "shift is -1, choose from 0 to 7 pixels"),
        (["nowhere", "--mirror"], "nowhere"),
        (["two", "residual", "two"], "two is given 2 times, give each run once"),
    ],
)
def test_what_cannot_be_folded_is_one_line(
    arguments: list[str], message: str, runs: dict[str, Path], tmp_path: Path, capsys: Any
) -> None:
    words = [str(runs.get(word, word)) for word in arguments]
    assert main(["fold", *words, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_network_too_large_is_refused_before_it_is_made(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "LARGEST", 1000)
    model = Model.load(runs["two"])
    with pytest.raises(DataError, match="choose a smaller shift or fewer runs"):
        fold([model], DEFORMATION.tables(model.image_shape))
