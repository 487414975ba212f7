"""A user's own data through every command: train, test, export, report, predict."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcnet.cli.progress import showing
from fcnet.records import read_json
from fcnet.runs.prediction import softmax
from fcnet.train.model import Model

from .conftest import CLASSES, fcnet, picture

SETTINGS = ("--hidden", "16", "--initialisation", "he", "--preprocessing", "standardised")
SETTINGS += ("--learning-rate", "0.02", "--momentum", "0.9", "--reg", "1e-4", "--epochs", "3")

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(pictures: Path, capsys: Capture) -> Path:
    status, out, err = fcnet(capsys, "train", "--out", "run", "--data", pictures, *SETTINGS)
    assert (status, err) == (0, [])
    assert out[:3] == [
        "pictures: images of 3 classes, 12 x 12 in colour: 48 for training, 12 for testing, "
        "one in 5 of each class",
        "pictures: bright 20, dark 20, mixed 20",
        "chosen for 48 training examples: --validation 9 --batch-size 3",
    ]
    assert [line.split()[:3] for line in out[3:-1]] == [["run:", "epoch", f"{n}.0"] for n in (1, 2, 3)]
    assert out[-1].startswith("run: training accuracy 100.0 %, validation accuracy 100.0 % on pictures after")
    return Path("run")


@pytest.mark.slow
def test_a_run_on_pictures_is_tested_exported_and_told(run: Path, capsys: Capture) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    data = read_json(run / "record.json")["data"]
    assert (data["kind"], data["name"], data["label"]) == ("folder", "pictures", "pictures")
    assert "100.0 % on 12 images of pictures" in fcnet(capsys, "test", run)[1][-1]
    assert fcnet(capsys, "report", run)[0] == 0
    page = (run / "report.html").read_text()
    assert "48 training and 12 test images of 3 x 12 x 12 numbers in 3 classes" in " ".join(page.split())
    assert fcnet(capsys, "export", run, "--onnx")[0] == 0
    session = onnxruntime.InferenceSession(run / "model.onnx")
    image = picture(1, 50).transpose(2, 0, 1)
    (logits,) = session.run(["logits"], {"images": image[None]})
    np.testing.assert_allclose(logits, Model.load(run).logits(image.reshape(1, -1)), rtol=1e-4, atol=1e-4)


def test_a_missing_folder_is_answered_with_what_was_asked_for(capsys: Capture) -> None:
    status, _, err = fcnet(capsys, "train", "--data", "missing", "--out", "run", "--recipe", "quick")
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith(
        "error: missing (--data) does not exist, draw a sample with: fcnet data sample missing; "
        "or name a folder of pictures by class, "
    )
    assert "cifar-10-batches-py" not in err[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nosuch.csv", "nosuch.csv (--data) does not exist, name a folder of pictures by class, "),
        ("nosuch.npz", "nosuch.npz (--data) does not exist, name a folder of pictures by class, "),
        ("MNSIT", "MNSIT (--data) does not exist, do you mean mnist? Otherwise name a folder of "),
        ("my pets", "my pets (--data) does not exist, draw a sample with: fcnet data sample 'my pets'; or "),
    ],
)
def test_a_sample_is_advised_where_a_folder_is_missed(name: str, said: str, capsys: Capture) -> None:
    status, _, err = fcnet(capsys, "train", "--data", name, "--out", "run")
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith(f"error: {said}")


def test_a_resumed_run_whose_data_moved_asks_for_their_place(
    run: Path, pictures: Path, capsys: Capture
) -> None:
    pictures.rename("moved")
    status, _, err = fcnet(capsys, "train", "--out", run, "--resume")
    said = f"the recorded data {pictures} do not exist any more, say where they are now: --data PLACE"
    assert (status, err) == (2, [f"error: {said}"])
    assert fcnet(capsys, "train", "--out", run, "--resume", "--data", "moved")[0] == 0


@pytest.mark.slow
def test_a_run_knows_its_pictures_by_their_content(run: Path, pictures: Path, capsys: Capture) -> None:
    assert fcnet(capsys, "train", "--out", run, "--resume")[1][-1].startswith(
        "run: training accuracy 100.0 %"
    )
    again = ("train", "--out", run, "--data", pictures, "--resume")
    assert fcnet(capsys, *again)[1][-1].startswith("run: training accuracy 100.0 %")
    Image.fromarray(picture(0, 7)).save(pictures / "dark" / "0.png")
    refused = fcnet(capsys, "test", run)
    assert refused[0] == 2
    assert "holds other data" in refused[2][0]
    assert "was trained on other data than" in fcnet(capsys, *again)[2][0]
    pictures.rename("moved")
    status, _, err = fcnet(capsys, "test", run)
    assert (status, len(err)) == (2, 1)
    assert "cannot read" in err[0]
    assert fcnet(capsys, "report", run)[0] == 0  # without the pictures, and says so
    assert "it was not found when this report was written" in (run / "report.html").read_text()


@pytest.mark.slow
def test_features_go_the_same_way(tmp_path: Path, capsys: Capture) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    X = rng.standard_normal((3, 6))[y] * 3 + 0.3 * rng.standard_normal((120, 6))
    np.savez(tmp_path / "trees.npz", X=X, y=np.array(["ash", "elm", "oak"])[y])
    white = ("--preprocessing", "whitened", "--whitening-floor", "0.1", "--epochs", "9")
    for name, more in {"numpy": (), "torch": ("--engine", "torch"), "white": white}.items():
        if name == "torch":
            pytest.importorskip("torch")
        status, out, err = fcnet(capsys, "train", "--out", name, "--data", "trees.npz", *SETTINGS, *more)
        assert (status, err) == (0, [])
        assert "validation accuracy 100.0 % on trees" in out[-1]
    assert "100.0 % on 24 rows of trees" in fcnet(capsys, "test", "numpy")[1][-1]
    told = fcnet(capsys, "fold", "numpy", "white", "--out", "folded")[1][0]
    assert told.split() == ["validation", "parameters", "file", "one", "row"]
    told = " ".join(fcnet(capsys, "compare", "numpy", "white")[1])
    assert "on the same 19 validation examples" in " ".join(told.split())
    assert fcnet(capsys, "report", "numpy")[0] == 0
    page = " ".join(Path("numpy/report.html").read_text().split())
    assert "96 training and 24 test rows of 6 numbers in 3 classes" in page
    assert "first training examples" in page
    words = re.sub(r"<(style|script).*?</(style|script)>|<[^>]*>", "", page)
    assert not re.findall(r".{60}\bimages?\b.{20}", words)
    fcnet(capsys, "export", "numpy", "--onnx")
    session = onnxruntime.InferenceSession("numpy/model.onnx")
    rows = X[:5]
    (logits,) = session.run(["logits"], {"features": rows})
    np.testing.assert_allclose(logits, Model.load(Path("numpy")).logits(rows), rtol=1e-4, atol=1e-4)
    for options, said in {
        ("--mirror",): "mirror is for images, and these are rows of 6 numbers, leave it out",
        ("--preprocessing", "symmetric"): "preprocessing symmetric is for pixels from 0 to 255, ",
    }.items():
        status, _, err = fcnet(capsys, "train", "--out", "x", "--data", "trees.npz", *SETTINGS, *options)
        assert (status, len(err)) == (2, 1)
        assert err[0].startswith(f"error: {said}")
        assert not Path("x").exists()
    Image.fromarray(picture(0, 0)).save("a.png")
    assert fcnet(capsys, "predict", "numpy", "a.png")[2][0].startswith(
        "error: this network was trained on rows of 6 numbers and not on images"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--image-size", "8"), "--image-size is for a folder of pictures, name one with --data"),
        (("--data", "pictures", "--require-cifar10"), "--require-cifar10, and --data names other data, "),
        (("--data", "notes.txt"), "notes.txt (--data) is not a data set, give a folder of pictures "),
        (("--data", "pictures/dark"), "/dark holds no folders of pictures, give one folder per class, "),
        (("--data", "pictures", "--batch-size", "49"), "batch_size is 49, choose from 1 to the 39 training "),
    ],
)
def test_a_mistake_is_one_line(
    arguments: tuple[str, ...], said: str, pictures: Path, capsys: Capture
) -> None:
    Path("notes.txt").write_text("notes")
    status, _, err = fcnet(capsys, "train", "--out", "run", *arguments)
    assert (status, len(err)) == (2, 1)
    assert said in err[0]


# Predictions


def test_pictures_are_told_with_what_was_done_to_them(run: Path, pictures: Path, capsys: Capture) -> None:
    Image.fromarray(picture(1, 60, 30, 40)).save("night.jpg")
    status, out, err = fcnet(capsys, "predict", run, "night.jpg", "pictures/bright", "--top", "2")
    assert (status, err) == (0, [])
    assert len(out) == 21 * 3
    assert out[0] == "night.jpg: 40 x 30 RGB, middle 30 x 30 cut out, resized to 12 x 12"
    assert re.fullmatch(r"  dark  +\d+\.\d %  [█#]+", out[1])
    assert [line for line in out if line.endswith("5.png: 12 x 12 RGB")] == [
        "pictures/bright/15.png: 12 x 12 RGB", "pictures/bright/5.png: 12 x 12 RGB",
    ]  # fmt: skip


def test_programs_get_numbers_and_every_failure(run: Path, capsys: Capture) -> None:
    Image.fromarray(picture(1, 60)).save("night.png")
    Path("torn.png").write_text("no picture")
    Path("empty").mkdir()
    status, out, err = fcnet(
        capsys, "predict", run, "torn.png", "night.png", "nowhere.png", "empty", "--json", "--top", "99"
    )
    assert status == 2
    answer = json.loads("\n".join(out))
    (found,) = answer["pictures"]
    assert (found["path"], found["preprocessing"]) == ("night.png", ["12 x 12 RGB"])
    named = [one["name"] for one in found["classes"]]
    assert (named[0], set(named)) == ("dark", set(CLASSES))
    probabilities = [one["probability"] for one in found["classes"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1)
    logits = Model.load(run).logits(picture(1, 60).transpose(2, 0, 1).reshape(1, -1))
    assert probabilities == pytest.approx(sorted(softmax(logits)[0], reverse=True))
    assert [one["path"] for one in answer["failed"]] == ["torn.png", "nowhere.png", "empty"]
    assert [line[:18] for line in err] == ["error: torn.png is", "error: cannot read", "error: empty holds"]


def test_what_the_network_saw_is_drawn(run: Path, capsys: Capture) -> None:
    Path("folder").mkdir()
    Image.fromarray(picture(1, 60, 30, 40)).save("folder/a $name$.jpg")
    in_folder = ("predict", str(run), "folder", "--show", "folder/seen.png")
    once, again = (fcnet_words(capsys, *in_folder) for _ in range(2))
    assert once == again  # the picture of before is no input
    assert (once[0], once[1][-1]) == (0, "wrote folder/seen.png")
    seen = np.asarray(Image.open("folder/seen.png").convert("RGB"))
    assert seen.shape[1] > 2 * seen.shape[0]  # one picture beside its bars
    Image.fromarray(picture(1, 60, 30, 40)).save("folder/seen.png")  # one of somebody else is
    assert "is what the command reads" in fcnet_words(capsys, *in_folder)[2][0]
    refused = fcnet_words(capsys, "predict", str(run), "folder/a $name$.jpg", "--show", "seen.docx")
    assert refused[1] == []  # the ending is looked at before anything is predicted
    assert refused[2] == ["error: cannot draw into seen.docx, give a name that ends in .png, .svg or .pdf"]


def fcnet_words(capsys: Capture, *arguments: str) -> tuple[int, list[str], list[str]]:
    return fcnet(capsys, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("nowhere", "a.png"),
            "nowhere/model.safetensors is missing, is nowhere the folder of a finished run",
        ),
        (("nowhere",), "no pictures given, name some: fcnet predict nowhere cat.jpg"),
        (("nowhere", "a.png", "--top", "0"), "top is 0, give a whole number of at least 1"),
    ],
)
def test_a_wrong_prediction_is_one_line(arguments: tuple[str, ...], said: str, capsys: Capture) -> None:
    status, _, err = fcnet(capsys, "predict", *arguments)
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith(f"error: {said}")


def test_grey_networks_see_colours_as_grey(pictures: Path, capsys: Capture) -> None:
    for path in pictures.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    fcnet(capsys, "train", "--out", "grey", "--data", pictures, *SETTINGS)
    Image.fromarray(picture(0, 60)).save("day.png")
    status, out, _ = fcnet(capsys, "predict", "grey", "day.png", "--show", "seen.svg")
    assert status == 0
    assert out[0] == "day.png: 12 x 12 RGB, made grey"
    assert out[1].startswith("  bright")


# Progress


class Screen:
    """A console that is a terminal, or none."""

    def __init__(self, terminal: bool) -> None:
        import io

        from rich.console import Console

        self.text = io.StringIO()
        self.console: Any = Console(file=self.text, force_terminal=terminal, width=80)


def test_reading_shows_a_bar_on_a_terminal_and_nothing_of_a_quick_one_elsewhere() -> None:
    terminal, file = Screen(True), Screen(False)
    for screen in (terminal, file):
        with showing("files", screen.console) as progress:
            for done in range(1, 1201):
                progress("reading pictures", done, 1200)
    assert "1,200 of 1,200" in terminal.text.getvalue()
    assert file.text.getvalue() == ""


def test_a_slow_reading_is_told_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("fcnet.cli.progress.time.monotonic", lambda: next(clock))
    screen = Screen(False)
    with showing("files", screen.console) as progress:
        for done in range(1, 13):
            progress("reading pictures", done, 1200)
    assert screen.text.getvalue().splitlines() == [f"reading pictures: {n} of 1,200" for n in (6, 11)]
