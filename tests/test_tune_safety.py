"""A search writes only its own files, keeps passwords secret and knows its own data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from fcnet.cli import main
from fcnet.data.dataset import Dataset
from fcnet.errors import FcnetError, RunError
from fcnet.records import read_json, without_password
from fcnet.tuning.search import Search
from fcnet.tuning.storage import opened_storage, url_of
from searches import request, run

LINKS = {
    "link": lambda path, target: path.symlink_to(target),
    "dangling link": lambda path, target: path.symlink_to(target.with_name("absent")),
    "second name": lambda path, target: path.hardlink_to(target),
    "pipe": lambda path, target: os.mkfifo(path),
}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize(
    "name", [".lock", ".name", "study.journal", "study.json", "best.toml", "logs/worker-1.log"]
)
def test_what_is_no_file_of_the_search_is_refused_in_one_line_and_never_written(
    name: str, kind: str, tmp_path: Path, digits: Dataset
) -> None:
    out, target = tmp_path / "out", tmp_path / "letter"
    (out / "logs").mkdir(parents=True)
    (out / "trials").mkdir()
    target.write_text("dear all,\nhalf a line")
    LINKS[kind](out / name, target)
    # a file that is only ever replaced as a whole may have a second name; a log is opened for workers only
    harmless = kind == "second name" and name not in (".lock", "study.journal")
    asked = request(out, trials=1, resume=True)
    if harmless:
        run(asked, digits)
    else:
        with pytest.raises(RunError, match=r" is a link.* another with --out") as refused:
            run(asked, digits)
        assert "\n" not in str(refused.value)
    assert target.read_text() == "dear all,\nhalf a line"
    assert not target.with_name("absent").exists()


@pytest.mark.parametrize("name", ["trials", "logs", "figures", "trials/0000"])
def test_a_folder_that_lies_elsewhere_is_refused(name: str, tmp_path: Path, digits: Dataset) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (out / "study.json").parent.mkdir()
    (out / "study.json").write_text("{}")
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).symlink_to(elsewhere)
    with pytest.raises(RunError, match="is a link, a pipe or a device, remove it"):
        run(request(out, trials=1, resume=True), digits)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://me:sesame@host:5432/base", "postgresql://me@host:5432/base"),
        ("postgresql://me:se@s:a/me@host/base", "postgresql://me@host/base"),
        ("postgresql://me@host/base?password=sesame&sslmode=require", "postgresql://me@host/base?password=&sslmode=require"),
        ("--storage=postgresql://me:sesame@host/base", "--storage=postgresql://me@host/base"),
        ("postgresql://me@host:5432/base", "postgresql://me@host:5432/base"),
        ("env:ADDRESS", "env:ADDRESS"),
        ("sqlite:///file.db", "sqlite:///file.db"),
    ],
)  # fmt: skip
def test_a_password_is_left_out_of_what_is_shown(given: str, shown: str) -> None:
    assert without_password(given) == shown


def test_an_address_in_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDRESS", "postgresql://me:sesame@host/base")
    assert url_of("env:ADDRESS") == "postgresql://me:sesame@host/base"
    assert "sesame" not in repr(Search(Path("out"), storage=url_of("env:ADDRESS")))
    monkeypatch.delenv("ADDRESS")
    with pytest.raises(FcnetError, match=r"the variable 'ADDRESS' is not set, set it to postgresql://USER"):
        url_of("env:ADDRESS")


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "unknown://me:sesame@host/base",
        "postgresql://me:sesame@host:port/base",
        "postgresql://me:sesame@[::1/base",
        "postgresql://me:sesame@127.0.0.1:1/base",
        "mysql://me:sesame@host/base",
        "",
    ],
)
def test_an_address_that_cannot_be_used_is_one_line_without_its_password(
    address: str, tmp_path: Path
) -> None:
    with pytest.raises(FcnetError) as refused, opened_storage(Search(tmp_path, storage=address)):
        pass
    assert "\n" not in str(refused.value)
    assert "sesame" not in str(refused.value)


@pytest.mark.slow
def test_what_is_recorded_printed_and_warned_of_has_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FCNET_OFFLINE", "1")
    words = ["tune", "--out", str(tmp_path / "out"), "--storage", "postgresql://me:sesame@127.0.0.1:1/base"]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "warning: other users of this machine can read the password in --storage" in error
    assert error.splitlines()[-1].startswith("error: the database cannot be used")
    assert "sesame" not in error
    monkeypatch.setattr("sys.argv", ["fcnet", *words])
    from fcnet.records import environment

    assert environment()["command"].endswith("--storage postgresql://me@127.0.0.1:1/base")


@pytest.mark.slow
def test_a_resumed_search_knows_its_own_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 3
    np.savez(tmp_path / "own.npz", X=generator.normal(size=(120, 4)) + labels[:, None], y=labels)
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    words = ["tune", "--out", "out", "--data", "own.npz", "--vary", "reg", "--epochs", "2", "--hidden", "8"]
    assert main([*words, "--trials", "1"]) == 0
    assert main(["tune", "--out", "out", "--resume", "--trials", "2"]) == 0
    trials = read_json(tmp_path / "out" / "study.json")["trials"]
    assert [trial["state"] for trial in trials] == ["complete"] * 2
    assert "own" in capsys.readouterr().out


@pytest.mark.slow
def test_a_search_leaves_out_the_damaged_pictures_and_its_workers_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers know the data of a search that is resumed, without --data."""
    from PIL import Image

    for label, name in enumerate(("dark", "light")):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.random.default_rng([label, number]).integers(0, 100, (6, 6, 3)) + 100 * label
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "own" / name / f"{number}.png")
    (tmp_path / "own" / "dark" / "3.png").write_text("no picture")
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    words = ["tune", "--out", "out", "--data", "own", "--vary", "reg", "--epochs", "1", "--hidden", "8"]
    assert main([*words, "--trials", "1"]) == 2
    assert "or give --skip-damaged" in capsys.readouterr().err
    assert main([*words, "--trials", "1", "--skip-damaged"]) == 0
    assert "--skip-damaged" in capsys.readouterr().out
    assert main(["tune", "--out", "out", "--resume", "--trials", "3", "--workers", "2"]) == 0
    study = read_json(tmp_path / "out" / "study.json")
    assert [trial["state"] for trial in study["trials"]] == ["complete"] * 3
    assert study["data"]["skipped"] == ["dark/3.png"]


@pytest.mark.parametrize(
    "line",
    [
        '{"op_code": 0}',
        '{"op_code": 99, "worker_id": "x"}',
        "null",
        "[]",
        '{"op_code": "0"}',
        "[" * 5000,
        '{\n{"op_code": 0}',
    ],
)
def test_a_journal_with_a_damaged_line_is_one_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "study.journal").write_text(f"{line}\n")
    with (
        pytest.raises(RunError, match=r"study\.journal is damaged") as caught,
        opened_storage(Search(tmp_path)),
    ):
        pass
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """A search of two trials."""
    out = tmp_path_factory.mktemp("searched") / "out"
    run(request(out, trials=2), digits)
    return out


HOSTILE = {
    "a run outside": ("run", "../../elsewhere"),
    "a run that is no text": ("run", 7),
    "a run with a line break": ("run", "0000\n"),
    "an outcome that is none": ("outcome", [1]),
    "endless seconds": ("outcome", {"diverged": False, "seconds": -1, "epochs": 1, "threads": 1}),
    "a base that is none": ("base", {"a": 1}),
    "a worker that is none": ("worker", "me"),
    "lost in letters": ("lost", "often"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_journal_that_somebody_prepared_is_one_line(
    case: str, searched: Path, tmp_path: Path, digits: Dataset
) -> None:
    out, elsewhere = Path(shutil.copytree(searched, tmp_path / "out")), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "model.safetensors").write_text("of somebody else")
    asked = request(out, trials=3, resume=True)
    name, value = HOSTILE[case]
    with opened_storage(asked) as storage:  # an attribute of a finished trial, which Optuna itself refuses
        study = storage.get_study_id_from_name(asked.study)
        trial = storage.create_new_trial(study)
        storage.set_trial_user_attr(trial, name, value)
        storage.set_trial_state_values(trial, TrialState.COMPLETE, [0.1])
    with pytest.raises(RunError, match=r"^trial 2 of .*/out is damaged: .*; restore it or choose") as refused:
        run(asked, digits)
    assert "\n" not in str(refused.value)
    assert (elsewhere / "model.safetensors").read_text() == "of somebody else"
    assert [path.name for path in elsewhere.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"learning_rate": 1e6}, "its learning_rate is 1000000.0, which is not in the space"),
        ({"learning_rate": "high"}, "its learning_rate is 'high', which is not in the space"),
        ({"momentum": 0.5}, "it has the unknown parameter momentum"),
    ],
)
def test_a_trial_outside_of_the_space_is_refused(
    params: dict[str, object], said: str, searched: Path, tmp_path: Path, digits: Dataset
) -> None:
    out = Path(shutil.copytree(searched, tmp_path / "out"))
    asked = request(out, trials=3, resume=True)
    with opened_storage(asked) as storage:
        optuna.load_study(study_name=asked.study, storage=storage).enqueue_trial(params)
    with pytest.raises(RunError, match=said):
        run(asked, digits)


@pytest.mark.parametrize(
    "plan",
    [{"format": 1}, {"base": 7}, {"space": [7]}, {"space": [{"name": "x", "only_if": 7}]}, {"trials": -1}],
)
def test_a_study_that_describes_no_search_is_one_line(
    plan: dict[str, object], searched: Path, tmp_path: Path, digits: Dataset
) -> None:
    out = Path(shutil.copytree(searched, tmp_path / "out"))
    asked = request(out, trials=3, resume=True)
    with opened_storage(asked) as storage:
        study = optuna.load_study(study_name=asked.study, storage=storage)
        study.set_user_attr("plan", plan if plan == {"format": 1} else study.user_attrs["plan"] | plan)
    with pytest.raises(RunError, match="is damaged") as refused:
        run(asked, digits)
    assert "\n" not in str(refused.value)
