"""What a watched training keeps: the same training, right numbers, little time; buttons that are Ctrl-C."""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import Dataset, Part, split
from fcnet.errors import RunError
from fcnet.net.losses import softmax
from fcnet.net.network import Network
from fcnet.records import RunFolder
from fcnet.runs import observer
from fcnet.runs.observed import FRAMES, Control, LiveFolder, Progress, State, read_live, thinned, write_live
from fcnet.runs.observer import Observer
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback, Callbacks
from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation, read_history
from fcnet.train.model import Model
from run_folders import content, differences
from trainings import StopAfter, small


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every evaluation is measured, whatever it costs."""
    monkeypatch.setattr(observer, "SHARE", 1e9)


def state_of(folder: Path) -> State:
    state = read_live(LiveFolder(folder).state, State)
    assert state is not None
    return state


def watched(folder: Path, digits: Dataset, *others: Callback, **settings: Any) -> None:
    train_run(
        small(**settings), digits, folder, resume=True,
        callback=Callbacks(Observer(folder, digits, "train"), *others),
    )  # fmt: skip


class Kept(Callback):
    """Keeps the weights after each step."""

    def on_train_begin(self, engine: Engine) -> None:
        self.engine = engine
        self.weights: dict[int, dict[str, Any]] = {}

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        self.weights[step] = {name: value.copy() for name, value in self.engine.weights().items()}


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(
    "settings", [{}, {"preprocessing": "whitened", "components": 20, "optimiser": "adam"}]
)
def test_the_training_is_the_same_with_and_without(
    digits: Dataset, tmp_path: Path, settings: dict[str, Any]
) -> None:
    watched(tmp_path / "with", digits, **settings)
    train_run(small(**settings), digits, tmp_path / "without")
    found = differences(tmp_path / "with", tmp_path / "without")
    assert len(found) == 1
    more = set(found[0].removeprefix("the files: ").strip("[]").replace("'", "").split(", "))
    assert more - {"live/progress.json"} == {"live", "live/state.json"}


@pytest.mark.usefixtures("free")
def test_every_number_is_that_of_the_weights(digits: Dataset, tmp_path: Path) -> None:
    kept = Kept()
    watched(tmp_path / "run", digits, kept, hidden=(24, 12))
    state = state_of(tmp_path / "run")
    assert state.rows == read_history(RunFolder(tmp_path / "run").history)
    assert [one.step for one in state.measured] == [21, 42, 63]
    model = Model.load(tmp_path / "run")
    train, _ = split(digits.train, 200)
    X = model.preprocessing(np.asarray(train.images[:200]))
    for one in state.measured:
        weights = kept.weights[one.step]
        net = Network(model.architecture, np.random.default_rng(0), params=weights)
        _, gradients = net.loss(X, train.labels[:200], 1e-4)
        assert set(one.gradients) == {"W1", "W2", "W3"}
        for name, norm in one.gradients.items():
            assert norm == pytest.approx(float(np.linalg.norm(gradients[name])), rel=1e-5)
        off = [float((Z <= 0).all(axis=0).mean()) for Z in net.preactivations(X)]
        assert one.dead == off
        if one.step < 63:
            after = kept.weights[one.step + 1]
            for name, ratio in one.updates.items():
                moved = np.linalg.norm(after[name] - weights[name])
                assert ratio == pytest.approx(float(moved / np.linalg.norm(weights[name])), rel=1e-5)
    assert state.measured[-1].updates == {}


@pytest.mark.usefixtures("free")
def test_both_engines_are_measured_alike(digits: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    for engine in ("numpy", "torch"):
        watched(tmp_path / engine, digits, engine=engine, device="cpu", precision="float32")
    ours, theirs = (state_of(tmp_path / engine).measured for engine in ("numpy", "torch"))
    for one, other in zip(ours, theirs, strict=True):
        assert one.gradients == pytest.approx(other.gradients, rel=1e-3)
        assert one.updates == pytest.approx(other.updates, rel=1e-3)
        assert one.dead == other.dead


@pytest.mark.usefixtures("free")
def test_answers_and_weights_are_those_of_the_model(digits: Dataset, tmp_path: Path) -> None:
    watched(tmp_path / "run", digits)
    state = state_of(tmp_path / "run")
    assert state.seen is not None
    model = Model.load(tmp_path / "run")
    _, validation = split(digits.train, 200)
    P = softmax(model.logits(np.asarray(validation.images)))
    said = P.argmax(axis=1)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (validation.labels, said), 1)
    assert state.seen.confusion == confusion.tolist()
    surest = sorted(np.flatnonzero(said != validation.labels), key=lambda n: -P[n, said[n]])[:12]
    assert [one.index for one in state.seen.mistakes] == surest
    for one in state.seen.mistakes:
        assert (one.label, one.said) == (validation.labels[one.index], said[one.index])
        assert one.probability == pytest.approx(P[one.index, one.said], rel=1e-5)
        pixels = np.frombuffer(base64.b64decode(one.pixels), np.uint8)
        assert np.array_equal(pixels, validation.images[one.index])
    assert [frame.step for frame in state.frames] == [0, 21, 42, 63]
    last = np.frombuffer(base64.b64decode(state.frames[-1].weights), np.int8).reshape(16, 64).astype(float)
    units = np.unique(np.linspace(0, 23, 16).astype(int))
    W = model.first_layer[:, units].T
    assert np.abs(last / 127 - W / np.abs(W).max(axis=1, keepdims=True)).max() < 0.005


@pytest.mark.usefixtures("free")
def test_a_resumed_training_has_each_evaluation_once(digits: Dataset, tmp_path: Path) -> None:
    for stop in (10, 47, None):
        others = [StopAfter(stop)] if stop else []
        try:
            watched(tmp_path / "run", digits, *others, epochs=4, evaluate_every=7)
        except KeyboardInterrupt:
            assert stop is not None
    state = state_of(tmp_path / "run")
    assert [row.step for row in state.rows] == list(range(7, 85, 7))
    assert state.rows == read_history(RunFolder(tmp_path / "run").history)
    assert len(state.frames) == FRAMES
    assert [frame.step for frame in state.frames] == sorted({frame.step for frame in state.frames})


def test_it_takes_its_share_of_the_time_and_no_more(digits: Dataset, tmp_path: Path) -> None:
    """With evaluations after each step, nearly all of them are left to later ones; the rows are complete."""
    one = Observer(tmp_path / "run", digits, "train")
    start = time.perf_counter()
    train_run(small(evaluate_every=1, epochs=20), digits, tmp_path / "run", callback=one)
    took = time.perf_counter() - start
    measurements = len(one.measured)
    assert 1 <= measurements < 420 / 4
    each = one.spent / measurements
    assert one.spent <= observer.SHARE * took + 4 * each
    assert [row.step for row in state_of(tmp_path / "run").rows] == list(range(1, 421))


def test_rows_of_features_have_no_pictures(digits: Dataset, tmp_path: Path) -> None:
    part = Part(digits.train.images.astype("float32"), digits.train.labels)
    rows = Dataset("rows", part, part, digits.classes, (1, 1, 64), digits.origin)
    watched(tmp_path / "run", rows)
    state = state_of(tmp_path / "run")
    assert state.frames == []
    assert state.seen is not None
    assert {one.pixels for one in state.seen.mistakes} == {""}


def wish(folder: Path, what: Any) -> None:
    deadline = time.monotonic() + 20
    while not LiveFolder(folder).progress.exists():  # it has begun
        assert time.monotonic() < deadline
        time.sleep(0.01)
    write_live(LiveFolder(folder).control, Control(what))


@pytest.mark.usefixtures("free")
def test_pause_and_stop(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause keeps a checkpoint and takes no step; to stop is Ctrl-C."""
    monkeypatch.setattr(observer, "BETWEEN_PROGRESS", 0.0)
    run, seen = tmp_path / "run", []

    def press() -> None:
        wish(run, "pause")
        while not ((told := read_live(LiveFolder(run).progress, Progress)) and told.paused):
            time.sleep(0.01)
        seen.append(told.step)
        time.sleep(0.5)
        later = read_live(LiveFolder(run).progress, Progress)
        seen.append((later is not None and later.step, RunFolder(run).checkpoint.exists()))
        wish(run, "stop")

    finger = threading.Thread(target=press)
    finger.start()
    with pytest.raises(KeyboardInterrupt):
        watched(run, digits, epochs=2000)
    finger.join()
    step, (later, checkpoint) = seen
    assert checkpoint
    assert later == step
    rows = read_history(RunFolder(run).history)
    assert rows[-1].step <= step < 2000 * 21
    assert not RunFolder(run).finished


@pytest.mark.usefixtures("free")
def test_a_pause_ends_and_is_no_training_time(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    waited: list[float] = []
    evaluated: list[float] = []

    class Paused(Callback):
        def on_evaluation(self, row: Evaluation) -> None:
            evaluated.append(time.perf_counter())

        def waits(self) -> bool:
            waited.append(time.perf_counter())
            return 30 < len(waited) < 40

    watched(run, digits, Paused())
    train_run(small(), digits, tmp_path / "straight")
    assert (run / "model.safetensors").read_bytes() == (tmp_path / "straight/model.safetensors").read_bytes()
    pause = waited[39] - waited[30]
    assert pause > 0.3
    rows = read_history(RunFolder(run).history)
    trained = evaluated[1] - evaluated[0] - pause
    assert rows[1].seconds - rows[0].seconds == pytest.approx(trained, abs=0.2)


def test_an_old_wish_is_none_and_damage_stops_no_training(digits: Dataset, tmp_path: Path) -> None:
    live = LiveFolder(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path / "run", digits, StopAfter(30))
    write_live(live.control, Control("stop"))
    live.state.write_text('{"command": "elsewhere"}')
    with pytest.raises(RunError, match=r"state\.json is damaged or of another version"):
        read_live(live.state, State)
    watched(tmp_path / "run", digits)
    assert [row.step for row in state_of(tmp_path / "run").rows] == [21, 42, 63]  # the history has the first


def test_nothing_is_written_through_a_link(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path / "run", digits, StopAfter(30))
    (tmp_path / "run" / "live").rename(tmp_path / "elsewhere")
    before = content(tmp_path / "elsewhere")
    (tmp_path / "run" / "live").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="fix that or omit --watch"):
        watched(tmp_path / "run", digits)
    assert content(tmp_path / "elsewhere") == before


def test_rows_are_thinned_evenly() -> None:
    assert thinned([1, 2, 3], 3) == [1, 2, 3]
    assert thinned(list(range(10)), 4) == [0, 3, 6, 9]
    assert thinned(list(range(11)), 4) == [1, 4, 7, 10]
