"""`fcnet tune`: what a search does, finds and leaves behind; that it goes on; what it refuses."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from fcnet.cli import main
from fcnet.cli.tune import summary
from fcnet.data import whitening
from fcnet.data.dataset import Dataset, Part
from fcnet.errors import DataError, RunError
from fcnet.lock import locked
from fcnet.records import read_json
from fcnet.runs.training import read_config, train_run
from fcnet.train.config import TrainConfig
from fcnet.tuning import study as studies
from fcnet.tuning.search import Search
from fcnet.tuning.status import Status
from fcnet.tuning.storage import opened_storage
from searches import request, run
from trainings import SMALL, StopAfter, small


class Untouchable(Part):
    """A part that nobody may look at."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"the test set was looked at: {name}")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> tuple[Path, Status, str]:
    """A finished search of twelve trials over everything usual; its data set has an untouchable test set."""
    out = tmp_path_factory.mktemp("search") / "out"
    secret = replace(digits, test=Untouchable.__new__(Untouchable))
    status, printed = run(request(out, vary=None, trials=12), secret)
    return out, status, printed


def test_a_search_never_looks_at_the_test_set(found: tuple[Path, Status, str]) -> None:
    """The fixture's data set would have raised; here, that it does."""
    assert len(found[1].done) == 12
    with pytest.raises(AssertionError, match="looked at"):
        _ = Untouchable.__new__(Untouchable).images


def test_the_base_is_the_first_trial(found: tuple[Path, Status, str], digits: Dataset) -> None:
    _, status, _ = found
    first = status.rows[0]
    assert first.base
    assert first.settings == SMALL
    assert not any(row.base for row in status.rows[1:])
    assert len({row.settings for row in status.rows}) == 12


def test_what_is_found_is_the_best_and_reproduces_its_number(
    found: tuple[Path, Status, str], digits: Dataset, tmp_path: Path
) -> None:
    out, status, _ = found
    best = status.best
    assert best is not None
    assert best.value == max(row.value for row in status.rows if row.value is not None)
    config = read_config(out / "best.toml")
    assert config == best.settings
    again = train_run(config, digits, tmp_path / "again")
    assert again["metrics"]["val_accuracy"] == best.value


def test_the_value_is_that_of_the_end_and_not_the_best_on_the_way(
    found: tuple[Path, Status, str],
) -> None:
    _, status, _ = found
    complete = [row for row in status.rows if row.value is not None]
    assert all(row.value == row.curve[-1][1] for row in complete)
    assert any(row.value < max(value for _, value in row.curve) for row in complete if row.value)


def test_the_record_tells_all_of_it(found: tuple[Path, Status, str]) -> None:
    out, status, _ = found
    record = read_json(out / "study.json")
    assert record["base"] == SMALL.to_dict()
    assert [trial["number"] for trial in record["trials"]] == list(range(12))
    assert record["best"]["value"] == status.ranking[0].value
    assert record["counts"]["complete"] + record["counts"]["pruned"] == 12
    assert record["seconds"] == pytest.approx(sum(trial["seconds"] for trial in record["trials"]))
    assert record["data"]["name"] == "digits"
    assert record["environment"]["commit"]
    for trial in record["trials"]:
        assert trial["threads"] >= 1
        config = SMALL.to_dict() | trial["changed"]
        assert TrainConfig.from_dict(config, "record") == status.rows[trial["number"]].settings
    assert sum(record["importance"].values()) == pytest.approx(1)
    assert set(record["importance"]) <= {row["name"] for row in record["space"]}


def test_only_the_best_keeps_its_weights_and_all_keep_their_history(
    found: tuple[Path, Status, str],
) -> None:
    out, status, _ = found
    best = status.best
    assert best is not None
    folders = sorted((out / "trials").iterdir())
    assert [folder.name for folder in folders] == [f"{number:04}" for number in range(12)]
    assert [f for f in folders if (f / "model.safetensors").exists()] == [
        out / "trials" / f"{best.number:04}"
    ]
    assert all((folder / "history.jsonl").exists() for folder in folders)
    assert not list(out.glob("trials/*/checkpoint/*"))


def test_one_line_a_trial_without_a_terminal(found: tuple[Path, Status, str]) -> None:
    out, status, printed = found
    lines = printed.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("1/12  trial 0: ")
    assert lines[0].endswith("the best so far (the base)") or "left (the base)" in lines[0]
    told = summary(status, "digits")
    reached = f"{100 * (status.rows[0].value or 0):.1f} %"
    best = status.best is status.rows[0]
    assert (
        f"the base is the best, with a validation accuracy of {reached}" if best else f"the base {reached}"
    ) in told
    assert f"fcnet train --config {out / 'best.toml'}" in told


def test_a_search_that_is_stopped_goes_on_as_if_it_had_not_been(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sampler and training go on where they were: same trials, same numbers, and a trial counts once."""
    whole, _ = run(request(tmp_path / "whole", trials=5), digits)
    out = tmp_path / "stopped"
    stop_in_trial(monkeypatch, 2, step=30)
    with pytest.raises(KeyboardInterrupt):
        run(request(out, trials=5), digits)
    monkeypatch.undo()
    assert (out / "trials" / "0002" / "checkpoint" / "state.safetensors").exists()
    states = [trial["state"] for trial in read_json(out / "study.json")["trials"]]
    assert states == ["complete", "complete", "stopped"]
    resumed, printed = run(Search(out, resume=True), digits)
    assert printed.startswith("2 of 5 trials are there already")
    assert len(resumed.done) == 5
    ended = {row.settings: row.value for row in resumed.done}
    for row in whole.done[:3]:
        assert ended[row.settings] == row.value
    assert [row.state for row in resumed.rows] == ["complete"] * 5
    assert resumed.rows[2].settings == whole.rows[2].settings
    assert resumed.rows[2].curve == whole.rows[2].curve


def stop_in_trial(monkeypatch: pytest.MonkeyPatch, number: int, step: int) -> None:
    """Ctrl-C in a step of one trial."""
    from fcnet.tuning import trial

    class Stopping(trial.Reporter):
        def on_batch_end(self, at: int, total: int, loss: float) -> None:
            super().on_batch_end(at, total, loss)
            if self.trial.number == number:
                StopAfter(step).on_batch_end(at, total, loss)

    monkeypatch.setattr(trial, "Reporter", Stopping)


def test_more_trials_can_be_asked_for_later(digits: Dataset, tmp_path: Path) -> None:
    run(request(tmp_path / "out", trials=2), digits)
    more, _ = run(request(tmp_path / "out", trials=4, resume=True), digits)
    assert len(more.done) == 4
    assert read_json(tmp_path / "out" / "study.json")["trials_wanted"] == 4


def test_no_trial_begins_after_the_time_is_up(digits: Dataset, tmp_path: Path) -> None:
    status, _ = run(request(tmp_path / "out", trials=1000, deadline=time.time() + 1), digits)
    assert 1 <= len(status.done) < 1000
    assert not status.running


def test_a_training_that_diverges_is_a_poor_trial_and_no_crash(digits: Dataset, tmp_path: Path) -> None:
    base = small(learning_rate=1e9, preprocessing="centred")
    status, printed = run(request(tmp_path / "out", base=base, vary=("mirror",), trials=2), digits)
    assert [row.state for row in status.rows] == ["diverged", "diverged"]
    assert status.best is None
    assert "diverged" in printed
    assert not (tmp_path / "out" / "best.toml").exists()
    assert summary(status, "digits") == (
        f"{tmp_path / 'out'}: no trial is complete, all 2 diverged; search in another folder with a lower "
        "learning rate: --out OTHER --learning-rate 1e+08"
    )


def test_a_search_whose_trials_all_diverge_is_an_error_that_does_not_advise_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "cache"))
    words = ["tune", "--out", "out", "--data", "digits", "--epochs", "1", "--validation", "200"]
    words += ["--batch-size", "60", "--vary", "mirror", "--trials", "2", "--learning-rate", "1e9"]
    for more in ([], ["--resume"]):
        assert main([*words, *more]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: out: no trial is complete, all 2 diverged; search in another folder ")
        assert "--resume" not in said


def test_a_hopeless_trial_ends_early_and_keeps_its_settings_and_history(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of trials that differ in the learning rate alone, those that stand still are seen as such."""
    monkeypatch.setattr(studies, "STARTUP", 1)
    out = tmp_path / "out"
    base = small(epochs=20)
    run(request(out, base=base, vary=("learning-rate",), trials=1), digits)
    with opened_storage(Search(out)) as storage:
        study = optuna.load_study(study_name="fcnet", storage=storage)
        for rate in (0.01, 0.05, 1e-6):
            study.enqueue_trial({"learning_rate": rate})
        plan = study.user_attrs["plan"] | {"trials": 4}
        plan["space"][0] |= {"low": 1e-6}
        study.set_user_attr("plan", plan)
    status, printed = run(Search(out, resume=True), digits)
    hopeless = status.rows[3]
    assert hopeless.state == "pruned"
    assert "pruned at" in printed
    assert hopeless.epochs is not None
    assert 20 / 4 <= hopeless.epochs < 20 / 2
    assert hopeless.reached is not None
    kept = {path.name for path in (out / "trials" / "0003").iterdir()}
    assert {"config.toml", "history.jsonl"} <= kept
    assert not kept & {"model.safetensors", "record.json"}
    assert len((out / "trials" / "0003" / "history.jsonl").read_text().splitlines()) == hopeless.epochs


def test_a_late_riser_is_not_hopeless() -> None:
    """High rates look bad for the first quarter under a cosine schedule, and are left alone in it."""
    study = optuna.create_study(direction="maximize", pruner=studies.pruner())
    for value in np.linspace(0.5, 0.6, 9):
        trial = study.ask()
        for point in range(1, studies.POINTS + 1):
            trial.report(float(value), point)
        study.tell(trial, float(value))
    trial = study.ask()
    for point in range(1, studies.SPARED):
        trial.report(0.1, point)
        assert not trial.should_prune()
    trial.report(0.53, studies.SPARED)  # better than a quarter of the complete ones
    assert not trial.should_prune()
    worse = study.ask()
    worse.report(0.51, studies.SPARED)
    assert worse.should_prune()


def test_no_two_trials_draw_the_same_and_the_seed_decides_what_they_draw() -> None:
    def suggested(seed: int, number: int, reseeded: bool = False) -> list[float]:
        study = optuna.create_study(sampler=studies.Sampler(seed))
        drawn = []
        for place in range(number):
            if reseeded and place == number - 1:  # a worker that starts anew
                study.sampler = studies.Sampler(seed)
            drawn.append(study.ask().suggest_float("x", 0, 1))
        return drawn

    assert len(set(suggested(0, 8))) == 8
    assert suggested(0, 8) == suggested(0, 8, reseeded=True)
    assert suggested(0, 1) != suggested(1, 1)


def test_another_base_space_or_data_is_refused(digits: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = request(out, trials=1)
    run(asked, digits)
    with pytest.raises(RunError, match="holds a search already, resume it with --resume"):
        run(asked, digits)
    again = replace(asked, resume=True)
    with pytest.raises(RunError, match=r"started with other settings \(epochs\), give the same"):
        run(replace(again, base=small(epochs=4)), digits)
    with pytest.raises(RunError, match=r"varies other things \(dropout, mirror\), give the same"):
        run(replace(again, vary=("learning-rate", "reg", "mirror")), digits)
    other = replace(digits, origin=replace(digits.origin, sha256="0" * 64))
    with pytest.raises(RunError, match="uses other data"):
        run(again, other)
    with locked(out), pytest.raises(RunError, match="is in use by process"):
        run(again, digits)
    assert len(run(again, digits)[0].done) == 1


@pytest.mark.parametrize(
    ("base", "text"),
    [
        (small(validation=5000), "cannot hold out 5000 of 1437"),
        (small(preprocessing="whitened", components=100), "components is 100, choose at most the 64"),
        (small(shift=8), "shift"),
    ],
)
def test_what_does_not_fit_the_data_leaves_nothing_behind(
    base: TrainConfig, text: str, digits: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=text):
        run(request(tmp_path / "out", base=base), digits)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_is_left_alone(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="is not empty and holds no search of fcnet"):
        run(request(tmp_path), digits)
    assert {path.name for path in tmp_path.iterdir()} == {"letter.txt"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--workers", "0"], "--workers is 0, give a whole number of at least 1"),
        (["--trials", "0"], "--trials is 0, give a whole number of at least 1"),
        (["--minutes", "0"], "--minutes is 0.0, give a number above 0"),
        (["--vary", "luck"], "--vary luck is unknown, choose among learning-rate"),
        (["--recipe", "quick", "--config", "x.toml"], "give one of them"),
        (["--config", "missing.toml"], "cannot read missing.toml"),
    ],
)
def test_mistakes_are_one_line(
    options: list[str], text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["tune", "--out", str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert text in error


def test_a_covariance_is_computed_once_for_the_same_images_and_never_for_others(digits: Dataset) -> None:
    from fcnet.data.preprocessing import standardised

    images, fewer = digits.train.images, digits.train.images[:900]
    wanted = [whitening.covariance(part, standardised(part)) for part in (images, fewer)]
    with whitening.covariance_kept():
        first = whitening.covariance(images, standardised(images))
        assert whitening.covariance(images.copy(), standardised(images)) is first
        second = whitening.covariance(fewer, standardised(fewer))
        assert second is not first
        altered = images.copy()
        altered[0, 0] ^= 1
        third = whitening.covariance(altered, standardised(images))
    assert np.array_equal(first, wanted[0])
    assert np.array_equal(second, wanted[1])
    assert not np.array_equal(third, first)
    assert whitening.covariance(images, standardised(images)) is not first
    assert math.isfinite(float(first.sum()))
