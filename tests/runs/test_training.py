"""A training in a run folder: stopped anywhere it goes on bit for bit, and what cannot be is one line."""

from __future__ import annotations

import re
import signal
import threading
import tomllib
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import Dataset, Origin, split
from fcnet.errors import DataError, DivergedError, RunError, Terminated
from fcnet.lock import locked
from fcnet.records import RunFolder, read_json, write_json
from fcnet.runs.testing import use_test_set
from fcnet.runs.training import train_run
from fcnet.train import fit as fit_module
from fcnet.train.callbacks import Callback
from fcnet.train.checkpoint import load_checkpoint
from fcnet.train.config import TrainConfig
from fcnet.train.engine import NumpyEngine
from fcnet.train.fit import Fit
from fcnet.train.history import read_history
from fcnet.train.interruption import deferred_interrupt
from fcnet.train.model import Model
from run_folders import differences
from trainings import StopAfter, small

KINDS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.0},
    "momentum": {"schedule": "cosine", "warmup_epochs": 0.5},
    "nesterov": {"optimiser": "nesterov", "dropout": 0.3},
    "adam": {"optimiser": "adam", "learning_rate": 0.003, "label_smoothing": 0.1},
    "everything": {"dropout": 0.2, "mirror": True, "shift": 1, "preprocessing": "whitened", "components": 30,
                   "hidden": (20, 16), "evaluate_every": 8},
    "augmented": {"rotate": 10.0, "cutout": 3, "mixup": 0.4, "label_smoothing": 0.1, "evaluate_every": 8},
}  # fmt: skip


def stop_and_go(config: TrainConfig, digits: Dataset, folder: Path, stops: tuple[int, ...]) -> dict[str, Any]:
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            train_run(config, digits, folder, resume=True, callback=StopAfter(stop))
        assert RunFolder(folder).checkpoint.exists()
        assert not RunFolder(folder).finished
    return train_run(config, digits, folder, resume=True)


def assert_same_run(one: Path, other: Path) -> None:
    assert differences(one, other) == []


# Stopped and resumed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stops", [(1,), (20, 21, 22), (10, 37, 62, 63)], ids=str)
def test_a_stopped_training_goes_on_bit_for_bit(
    kind: str, stops: tuple[int, ...], digits: Dataset, tmp_path: Path
) -> None:
    """63 steps: the stops are the first, some around an epoch's end, and the last two."""
    config = small(**KINDS[kind])
    train_run(config, digits, tmp_path / "whole")
    stop_and_go(config, digits, tmp_path / "stopped", stops)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["everything", "augmented"])
def test_a_training_stopped_after_every_single_step_is_the_same(
    kind: str, digits: Dataset, tmp_path: Path
) -> None:
    config = small(**KINDS[kind], iterations=25)
    train_run(config, digits, tmp_path / "whole")
    stop_and_go(config, digits, tmp_path / "stopped", tuple(range(1, 26)))
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_another_seed_is_another_training(digits: Dataset, tmp_path: Path) -> None:
    """The comparison above can fail."""
    for seed in (0, 1):
        train_run(small(epochs=1, seed=seed), digits, tmp_path / str(seed))
    models = [(tmp_path / seed / "model.safetensors").read_bytes() for seed in "01"]
    assert models[0] != models[1]


def test_another_seed_draws_other_initial_weights(digits: Dataset) -> None:
    train, _ = split(digits.train, 200)
    engines = [NumpyEngine(small(seed=seed), train, digits.image_shape, digits.classes) for seed in (0, 1, 0)]
    weights = [engine.network.params["W1"] for engine in engines]
    assert (weights[0] != weights[1]).all()
    np.testing.assert_array_equal(weights[0], weights[2])


def test_the_history_is_on_the_disk_before_the_checkpoint_that_counts_its_rows(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, checkpoint: Any) -> None:
        raise RunError("no space left")

    monkeypatch.setattr("fcnet.runs.training.save_checkpoint", full)
    with pytest.raises(RunError, match="no space left"):
        train_run(small(), digits, tmp_path / "run", callback=StopAfter(30))
    assert [row.step for row in read_history(RunFolder(tmp_path / "run").history)] == [21]


def test_a_process_killed_between_history_and_checkpoint_goes_on(digits: Dataset, tmp_path: Path) -> None:
    """The history is written first, so that it may be ahead of the checkpoint, and never behind."""
    config = small(evaluate_every=10)
    train_run(config, digits, tmp_path / "whole")
    folder = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        train_run(config, digits, folder, callback=StopAfter(25))
    later = RunFolder(tmp_path / "whole").history.read_text().splitlines(keepends=True)[2:]
    with RunFolder(folder).history.open("a") as history:
        history.writelines(later)
    train_run(config, digits, folder, resume=True)
    assert_same_run(tmp_path / "whole", folder)


def test_checkpoints_are_kept_while_training(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(fit_module, "CHECKPOINT_SHARE", 1e9)
    seen = []

    class Look(Callback):
        def on_batch_begin(self, step: int) -> None:
            seen.append(RunFolder(tmp_path / "run").checkpoint.exists())

    train_run(small(), digits, tmp_path / "run", callback=Look())
    assert seen == [False] + [True] * 62  # from the first step on, also between two evaluations
    assert not RunFolder(tmp_path / "run").checkpoint.exists()  # not needed any more


def test_evaluating_more_often_changes_no_weight(digits: Dataset, tmp_path: Path) -> None:
    for every in (1, 1000):
        config = small(epochs=1, dropout=0.3, evaluate_every=every)
        train_run(config, digits, tmp_path / str(every))
    models = [(tmp_path / every / "model.safetensors").read_bytes() for every in ("1", "1000")]
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("number", "stop"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_second_interrupt_does_not_wait(number: signal.Signals, stop: type[BaseException]) -> None:
    before = signal.getsignal(number)
    with deferred_interrupt() as interruption:
        signal.raise_signal(number)
        assert interruption.requested
        assert type(interruption.stop()) is stop
        with pytest.raises(KeyboardInterrupt) as caught:
            signal.raise_signal(number)
        assert caught.type is stop
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


def test_sigterm_stays_ignored_where_it_was() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with deferred_interrupt() as interruption:
            signal.raise_signal(signal.SIGTERM)
            assert not interruption.requested
    finally:
        signal.signal(signal.SIGTERM, before)


def test_weights_that_are_not_finite_are_never_kept_in_a_checkpoint(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The update of a step goes too far, its loss is still finite, and a checkpoint is due right then."""
    monkeypatch.setattr(fit_module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(fit_module, "CHECKPOINT_SHARE", 1e9)

    class Explode(Callback):
        def on_train_begin(self, engine: Any) -> None:
            self.weights = engine.network.params["W1"]

        def on_batch_end(self, step: int, total: int, loss: float) -> None:
            if step == 30:
                self.weights[0, 0] = np.inf

    run = RunFolder(tmp_path / "run")
    with pytest.raises(DivergedError, match=r"in step 31 .* the weights of step 21 are kept"):
        train_run(small(), digits, run.path, callback=Explode())
    kept = load_checkpoint(run.checkpoint)
    assert kept is not None
    assert kept.step == 29
    train_run(small(), digits, run.path, resume=True)  # nothing explodes this time
    train_run(small(), digits, tmp_path / "whole")
    assert differences(run.path, tmp_path / "whole") == []


@pytest.mark.parametrize(("seconds", "took", "due"), [(10, 0.125, 10), (10, 1, 20), (0, 0.125, 3)])
def test_checkpoints_are_rarer_where_they_take_long(
    seconds: float, took: float, due: float, monkeypatch: pytest.MonkeyPatch, digits: Dataset
) -> None:
    """So that no more than a twentieth of the time is spent on them."""
    monkeypatch.setattr(fit_module, "CHECKPOINT_SECONDS", seconds)
    clock = [0.0]
    monkeypatch.setattr("fcnet.train.fit.time.perf_counter", lambda: clock[0])
    saved = []

    class Tick(Callback):
        def on_batch_begin(self, step: int) -> None:
            clock[0] += 1.0

    def save(checkpoint: Any, history: Any) -> None:
        clock[0] += took
        saved.append(checkpoint.step)

    train, validation = split(digits.train, 200)
    config = small(iterations=60, evaluate_every=60)
    engine = NumpyEngine(config, train, digits.image_shape, digits.classes)
    Fit(engine, config, train, validation, Tick(), save).run()
    gaps = {after - before for before, after in pairwise(saved[:-1])}
    assert gaps == {due}


def test_a_training_runs_in_a_thread_too(digits: Dataset, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: records.append(train_run(small(epochs=1), digits, tmp_path / "run"))
    )
    thread.start()
    thread.join()
    assert records[0]["steps"] == 21


# What a run leaves


def test_a_small_net_learns_the_digits_and_leaves_a_complete_folder(digits: Dataset, tmp_path: Path) -> None:
    config = small(hidden=(64,), epochs=15, schedule="cosine")
    record = train_run(config, digits, tmp_path / "run")
    result = use_test_set(tmp_path / "run", digits)
    assert result["accuracy"] > 0.9
    assert np.array(result["confusion"]).sum() == result["images"] == 360
    assert np.trace(result["confusion"]) / 360 == pytest.approx(result["accuracy"])
    names = {path.name for path in (tmp_path / "run").iterdir() if path.is_file()}
    assert names == {
        "config.toml", "data.json", "history.jsonl", "model.safetensors", "input.safetensors", "record.json",
        "test.json", "SHA256SUMS",
    }  # fmt: skip
    assert record == RunFolder(tmp_path / "run").read_record()
    assert (
        tomllib.loads((tmp_path / "run" / "config.toml").read_text()) == config.to_dict() == record["config"]
    )
    assert record["data"]["sha256"] == digits.origin.sha256
    assert record["examples"] == {"train": 1237, "validation": 200}
    assert record["parameters"] == 64 * 64 + 64 + 64 * 10 + 10
    assert record["sizes"] == [64, 64, 10]


def test_the_history_is_what_the_saved_model_does(digits: Dataset, tmp_path: Path) -> None:
    config = small(label_smoothing=0.0)
    record = train_run(config, digits, tmp_path / "run")
    rows = read_history(RunFolder(tmp_path / "run").history)
    assert [row.step for row in rows] == [21, 42, 63]
    assert [row.epoch for row in rows] == [1, 2, 3]
    last, (train, validation) = rows[-1], split(digits.train, 200)
    model = Model.load(tmp_path / "run")
    logits = model.logits(validation.images)
    assert last.val_accuracy == (logits.argmax(axis=1) == validation.labels).mean()
    known = model.logits(train.images[:200]).argmax(axis=1) == train.labels[:200]
    assert last.train_accuracy == known.mean()
    norms = sum(float((model.params[name] ** 2).sum()) for name in ("W1", "W2"))
    assert last.objective - last.loss == pytest.approx(1e-4 * norms, rel=1e-4)
    assert last.val_loss == pytest.approx(record["metrics"]["val_loss"], rel=1e-5)
    assert [row.learning_rate for row in rows] == pytest.approx([0.05, 0.05 * 0.95, 0.05 * 0.95**2])


def test_a_finished_run_is_returned_at_once(digits: Dataset, tmp_path: Path) -> None:
    record = train_run(small(), digits, tmp_path / "run")

    class Never(Callback):
        def on_train_begin(self, engine: Any) -> None:
            raise AssertionError

    assert train_run(small(), digits, tmp_path / "run", resume=True, callback=Never()) == record


# Divergence


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 1e6},
        {"learning_rate": 1e6, "optimiser": "nesterov"},
        {"learning_rate": 1e30, "optimiser": "adam"},
        {"learning_rate": 1e30, "evaluate_every": 1},  # the evaluation sees it before the next step does
        {"learning_rate": 1e30, "iterations": 1},  # there is no next step
        {"learning_rate": 1e20, "momentum": 0.0, "reg": 0.0, "evaluate_every": 1},
        {"learning_rate": 3e38, "iterations": 1, "preprocessing": "whitened", "components": 20},
    ],
    ids=str,
)
def test_a_divergence_names_step_and_rate_and_keeps_finite_weights(
    settings: dict[str, Any], digits: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DivergedError) as caught:
        train_run(small(**settings), digits, tmp_path / "run")
    assert re.fullmatch(
        r"the loss became (nan|inf) in step \d+ of \d+ at learning rate \S+, choose a lower one; "
        r"the weights of step \d+ are kept in \S+/run",
        str(caught.value),
    )
    assert f"{settings['learning_rate']:g}" in str(caught.value)
    model = Model.load(tmp_path / "run")
    assert all(np.isfinite(value).all() for value in model.params.values())
    assert not RunFolder(tmp_path / "run").finished
    if RunFolder(tmp_path / "run").history.exists():
        assert "NaN" not in RunFolder(tmp_path / "run").history.read_text()


def test_no_evaluation_ever_holds_nan(digits: Dataset) -> None:
    """Learning rates from harmless to absurd, an evaluation after each step."""
    train, validation = split(digits.train, 200)
    diverged = 0
    for exponent in range(-1, 39, 3):
        config = small(learning_rate=10.0**exponent, iterations=6, evaluate_every=1, reg=0.01)
        fit = Fit(NumpyEngine(config, train, digits.image_shape, digits.classes), config, train, validation)
        try:
            fit.run()
        except DivergedError:
            diverged += 1
        assert all(np.isfinite(value) for row in fit.history for value in asdict(row).values())
        state = fit.engine.state()
        assert all(np.isfinite(v).all() for name, v in state.items() if name.startswith("network"))
        assert len(fit.history) >= fit.step
    assert 5 < diverged < 14


# Refusals


def refused(message: str, *arguments: Any, **options: Any) -> None:
    with pytest.raises((RunError, DataError), match=f"^{message}$"):
        train_run(*arguments, **options)


def test_a_folder_that_holds_something_else_is_left_alone(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    refused(
        f"{tmp_path} is not empty and not a run of fcnet, choose another folder", small(), digits, tmp_path
    )
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_holds_a_run_is_not_overwritten(digits: Dataset, tmp_path: Path) -> None:
    train_run(small(epochs=1), digits, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    refused(
        r"\S+ holds a run already: --resume resumes it, --overwrite moves it aside, and --out .*",
        small(epochs=1), digits, tmp_path / "run",
    )  # fmt: skip
    refused(
        r"\S+ was started with other settings \(epochs is 1, not 2\), see \S+config.toml; give the same .*",
        small(epochs=2), digits, tmp_path / "run", resume=True,
    )  # fmt: skip
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}


def other_data(digits: Dataset) -> Dataset:
    return replace(digits, origin=Origin("elsewhere", "0" * 64, None))


@pytest.mark.parametrize("stop", [30, None])
def test_a_run_is_not_continued_on_other_data(stop: int | None, digits: Dataset, tmp_path: Path) -> None:
    if stop is None:
        train_run(small(), digits, tmp_path / "run")
    else:
        with pytest.raises(KeyboardInterrupt):
            train_run(small(), digits, tmp_path / "run", callback=StopAfter(stop))
    refused(
        r"\S+ was (trained|started) on other data than elsewhere, leave out --data or choose another folder",
        small(), other_data(digits), tmp_path / "run", resume=True,
    )  # fmt: skip


def test_nor_is_one_that_was_killed_before_its_first_checkpoint(digits: Dataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train_run(small(), digits, run, callback=StopAfter(1))
    RunFolder(run).checkpoint.unlink()
    before = RunFolder(run).data.read_bytes()
    refused(
        r"\S+ was started on other data than elsewhere, .*", small(), other_data(digits), run, resume=True
    )
    assert RunFolder(run).data.read_bytes() == before
    train_run(small(), digits, run, resume=True)


def test_a_folder_that_cannot_be_written_is_one_line(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "run", Path("/proc/fcnet-run")):
        message = rf"cannot write to {folder}: [\w ]+, fix that or choose another with --out"
        refused(message, small(), digits, folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 1238}, "batch_size is 1238, choose from 1 to the 1237 training examples"),
        ({"validation": 1437}, "cannot hold out 1437 of 1437 training examples, choose between 1 and 1436"),
        ({"shift": 8}, "shift is 8, choose from 0 to 7 pixels"),
        ({"preprocessing": "whitened"}, "components is 800, choose at most the 64 numbers of an example"),
    ],
)
def test_settings_that_do_not_fit_the_data_do_not_claim_the_folder(
    settings: dict[str, Any], message: str, digits: Dataset, tmp_path: Path
) -> None:
    refused(re.escape(message), small(**settings), digits, tmp_path / "run")
    train_run(small(iterations=1), digits, tmp_path / "run")  # mended, the same command works


def test_what_a_killed_process_leaves_does_not_occupy_a_folder(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / ".writable-123").touch()
    (tmp_path / ".config.toml.abc.tmp").touch()
    assert train_run(small(iterations=1), digits, tmp_path)["steps"] == 1


def test_a_damaged_checkpoint_is_not_trained_on(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_run(small(), digits, tmp_path / "run", callback=StopAfter(30))
    path = RunFolder(tmp_path / "run").checkpoint
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    refused(r"the checkpoint \S+ was altered: .*", small(), digits, tmp_path / "run", resume=True)


# The test set


@pytest.fixture
def finished(digits: Dataset, tmp_path: Path) -> Path:
    train_run(small(epochs=1), digits, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_that_cannot_be_tested_is_not_answered_with_an_option_of_other_commands(
    digits: Dataset, finished: Path, tmp_path: Path
) -> None:
    with locked(finished), pytest.raises(RunError, match=r"in use by .*, wait until it ends and try again$"):
        use_test_set(finished, digits)
    (finished / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"cannot write to .*: \.lock is a link, fix that and try again$"):
        use_test_set(finished, digits)


def test_a_model_is_loaded_from_a_folder_however_it_is_named(digits: Dataset, finished: Path) -> None:
    images = digits.train.images[:3]
    np.testing.assert_array_equal(
        Model.load(str(finished)).logits(images), Model.load(finished).logits(images)
    )


def test_the_test_set_is_used_once_and_every_use_is_counted(digits: Dataset, finished: Path) -> None:
    first = use_test_set(finished, digits)
    assert first["count"] == 1
    with pytest.raises(
        RunError, match=r"the test set was already used once on .*\(--again uses it anyway, and"
    ):
        use_test_set(finished, digits)
    second = use_test_set(finished, digits, again=True)
    assert second["count"] == 2
    assert second["accuracy"] == first["accuracy"]
    with pytest.raises(RunError, match="already used 2 times"):
        use_test_set(finished, digits)
    assert read_json(RunFolder(finished).test) == second


def test_the_test_set_of_other_data_is_refused_and_not_counted(digits: Dataset, finished: Path) -> None:
    with pytest.raises(RunError, match="and elsewhere holds other data; give the same with --data"):
        use_test_set(finished, other_data(digits))
    assert not RunFolder(finished).test.exists()


def test_the_test_set_is_for_finished_runs(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_run(small(), digits, tmp_path / "run", callback=StopAfter(3))
    with pytest.raises(RunError, match=r"record.json is missing, is \S+/run the folder of a finished run\?"):
        use_test_set(tmp_path / "run", digits)


def test_a_count_that_was_lost_is_not_taken_for_zero(digits: Dataset, finished: Path) -> None:
    write_json(RunFolder(finished).test, {"accuracy": 1.0})
    with pytest.raises(RunError, match=r"test\.json is damaged: Object missing required field"):
        use_test_set(finished, digits)


@pytest.mark.parametrize("name", ["model.safetensors", "input.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_a_damaged_model_is_named(name: str, damage: str, digits: Dataset, finished: Path) -> None:
    path = finished / name
    match damage:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:-9])
        case "foreign":
            other = {"model.safetensors": "input.safetensors", "input.safetensors": "model.safetensors"}[name]
            path.write_bytes((finished / other).read_bytes())
    with pytest.raises(RunError, match=rf"^[^\n]*{name}[^\n]*$"):
        use_test_set(finished, digits)
    assert not RunFolder(finished).test.exists()
