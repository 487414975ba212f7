"""Figures: drawn from real runs on small data, the same file every time, silent about the machine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import asdict

from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.data.digits import load_digits
from fcnet.errors import RunError
from fcnet.experiments.diagnosis import Watch, diagnose
from fcnet.experiments.reproduce import Reproduction
from fcnet.experiments.toy import toy_questions
from fcnet.records import write_json
from fcnet.report.figures import draw, write
from fcnet.report.reading import Records
from fcnet.runs.testing import use_test_set
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback
from fcnet.train.config import TrainConfig
from fcnet.train.history import Evaluation, history_lines, read_history
from fcnet.train.model import Model

WITHOUT_LADDER = {
    "overview", "toy_training", "gradient_error", "default_run", "default_weights",
    "tuned_curves", "tuned_weights", "confusion",
}  # fmt: skip

AWKWARD = ("<b>", "a&b", "$x$", "50$", "_under_{", "--", 'quote"', "\\frac", "new\nline", "long" * 20)


def tiny(classes: tuple[str, ...] = AWKWARD, shape: tuple[int, int, int] = (3, 4, 4)) -> Dataset:
    rng = np.random.default_rng(0)

    def part(n: int) -> Part:
        images = rng.integers(256, size=(n, int(np.prod(shape))), dtype=np.uint8)
        return Part(images, np.arange(n) % len(classes))

    return Dataset(
        "tiny", part(60), part(20), classes, shape, Origin("/secret/place", "0" * 64, None, "<&$1$>")
    )


def draw_all(out: Path, dataset: Dataset, folder: Path | None = None) -> list[tuple[Path, str]]:
    """Draw into the folder `figures`; returns each figure's path and caption."""
    drawn = list(draw(Records(out, dataset)))
    paths = write(drawn, folder or out / "figures")
    return list(zip(paths, (one.caption for one in drawn), strict=True))


def make(out: Path, dataset: Dataset, hidden: tuple[int, ...] = (3,)) -> Path:
    """A reproduction in little: the same files from the same functions."""
    write_json(out / "toy.json", toy_questions())
    config = TrainConfig(hidden=hidden, iterations=12, evaluate_every=2, batch_size=10, validation=20)
    watch = Watch(every=2)
    metrics = train_run(config, dataset, out / "default", callback=watch)["metrics"]
    assert watch.initial is not None
    watch.initial.save(out / "default" / "initial")
    history, final = read_history(out / "default" / "history.jsonl"), Model.load(out / "default")
    findings = [asdict(one) for one in diagnose(metrics, history, watch.updates, watch.initial, final)]
    write_json(out / "default" / "diagnosis.json", {"findings": findings, "updates": watch.updates})
    train_run(replace(config, iterations=None, epochs=3, learning_rate=1e-3), dataset, out / "tuned")
    use_test_set(out / "tuned", dataset)
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("figures") / "out", tiny())


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


@pytest.fixture(scope="module")
def drawn(made: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """Every figure as a file, and its caption."""
    return draw_all(made, tiny(), tmp_path_factory.mktemp("drawn"))


def test_every_figure_that_the_records_allow_is_drawn_with_a_caption(drawn):
    assert {path.stem for path, _ in drawn} == WITHOUT_LADDER
    for path, caption in drawn:
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
        assert path.stat().st_size < 300_000
        assert re.fullmatch(r"[^\n]{20,320}\.", caption)


def test_a_ladder_is_drawn_where_there_is_one(out, only):
    rung = {
        "change": "50$ & $more <units>",
        "config": {},
        "train_accuracy": 0.5,
        "val_accuracy": 0.4,
        "seconds": 1,
    }
    write_json(out / "ladder.json", {"rungs": [rung, rung | {"train_accuracy": 0.4}]})
    names = only("ladder")
    assert {path.stem for path, _ in draw_all(out, tiny())} == names


def test_figures_say_nothing_of_the_machine_or_the_day(drawn, made):
    for path, _ in drawn:
        text = path.read_text()
        assert "<dc:date>" not in text
        assert not re.search(r"\b20[2-9]\d-\d\d-\d\d", text)
        for place in (made, path.parent, f"{Path.home()}/", "/secret/place", Path(__file__).parents[2]):
            assert str(place) not in text


def test_figures_are_the_same_twice_whatever_the_users_own_settings_which_stay(drawn, made, tmp_path):
    import matplotlib

    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "svg.fonttype": "none"}):
        odd = {path.name: path.read_bytes() for path, _ in draw_all(made, tiny(), tmp_path)}
        assert matplotlib.rcParams["font.size"] == 30
    assert {path.name: path.read_bytes() for path, _ in drawn} == odd


def test_importing_the_figures_does_not_import_matplotlib():
    code = "import sys, fcnet.report.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("default/diagnosis.json", "{"),
        ("default/diagnosis.json", '{"findings": []}'),
        ("default/diagnosis.json", '{"findings": [], "updates": [{"W1": 1}]}'),
        ("default/diagnosis.json", '{"findings": [{"name": "x", "value": "y"}], "updates": []}'),
        ("toy.json", "[]"),
        (
            "toy.json",
            '{"loss_history": [], "audit": {"passed": true, "steps": [1], "parameters": {"W": {}}}}',
        ),
        ("ladder.json", '{"rungs": [{}]}'),
        ("ladder.json", '{"rungs": 3}'),
        ("default/history.jsonl", "not json\n"),
        ("tuned/history.jsonl", '{"step": 1}\n'),
        ("tuned/test.json", '{"accuracy": 1, "classes": ["a", "b"], "confusion": [[1, 2]]}'),
        ("tuned/model.safetensors", "nothing"),
        ("default/initial/model.safetensors", "nothing"),
        ("tuned/first_layer.safetensors", "nothing"),
    ],
)
def test_a_damaged_record_is_named(out, name, content):
    (out / name).write_text(content)
    with pytest.raises(RunError, match=re.escape(str(out / name))):
        draw_all(out, tiny())


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("missing", "figures"),
    [
        ("toy.json", {"toy_training", "gradient_error"}),
        ("default/history.jsonl", {"default_run", "overview"}),
        ("default/model.safetensors", {"default_weights", "overview"}),
        ("tuned/test.json", {"confusion"}),
    ],
)
def test_what_is_missing_is_left_out(out, missing, figures):
    (out / missing).unlink()
    assert {path.stem for path, _ in draw_all(out, tiny())} == WITHOUT_LADDER - figures


def test_nothing_is_drawn_of_an_empty_folder(tmp_path):
    assert draw_all(tmp_path, tiny()) == []


OF_A_HISTORY = ("overview", "default_run", "tuned_curves")


@pytest.mark.parametrize("keep", [1, 2])
def test_histories_of_one_and_two_rows(out, keep, only):
    for run in ("default", "tuned"):
        path = out / run / "history.jsonl"
        path.write_text(history_lines(read_history(path)[:keep]))
    names = only(*OF_A_HISTORY)
    assert {path.stem for path, _ in draw_all(out, tiny())} == names


def test_a_diverged_history(out, only):
    row = Evaluation(5, 0.5, 1.0, 0.1, 1e6, 1e6, 0.1, 0.1, 1e6)  # what is not finite is not written
    for run in ("default", "tuned"):
        (out / run / "history.jsonl").write_text(history_lines([row, replace(row, step=10, epoch=1.0)]))
    names = only(*OF_A_HISTORY)
    assert {path.stem for path, _ in draw_all(out, tiny())} == names


def test_gradients_with_kinks_and_without_any_error(out, only):
    record = json.loads((out / "toy.json").read_text())
    parameters = record["audit"]["parameters"]
    parameters["W1"]["errors"] = [None] * len(record["audit"]["steps"])
    parameters["b1"]["errors"][3] = 0.0
    parameters["b2"]["complex_error"] = None
    write_json(out / "toy.json", record)
    names = only("toy_training", "gradient_error")
    assert {path.stem for path, _ in draw_all(out, tiny())} == names


@pytest.mark.parametrize(
    ("classes", "shape", "hidden"),
    [(("yes", "no"), (1, 2, 1), (1,)), (tuple(map(str, range(40))), (2, 3, 5), (120, 4))],
)
def test_other_shapes_of_images_classes_and_networks(tmp_path, classes, shape, hidden, only):
    dataset = tiny(classes, shape)
    out = make(tmp_path, dataset, hidden)
    names = only(*WITHOUT_LADDER - {"toy_training", "gradient_error"})
    assert {path.stem for path, _ in draw_all(out, dataset)} == names


@pytest.mark.usefixtures("undrawn")  # tests/test_docs.py draws them
def test_digits_through_the_whole_reproduction(tmp_path):
    dataset = load_digits()
    reproduction = Reproduction(dataset, tmp_path, quick=True)
    reproduction.toy()
    reproduction.default(Callback())
    reproduction.tuned(Callback())
    reproduction.test()
    assert {path.stem for path, _ in draw_all(tmp_path, dataset)} == WITHOUT_LADDER
