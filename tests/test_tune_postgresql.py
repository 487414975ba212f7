"""A study in a real PostgreSQL, which the test starts on loopback, shared by searches in separate folders."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import optuna
import psutil
import pytest

from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.train.history import Evaluation
from fcnet.tuning import storage as storages
from fcnet.tuning import trial
from fcnet.tuning.search import Search
from fcnet.tuning.storage import opened_storage, with_driver
from searches import options, run, start, trials, wait_for
from trainings import small


def programs() -> Path | None:
    """Folder of initdb and postgres: on PATH, or where Debian puts them, the newest first."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()), None)


def somebody_else() -> pwd.struct_passwd | None:
    """Whom to run it as where we are root, since PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """URL of an empty database that is gone afterwards."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL's initdb and postgres are not installed")
    user = somebody_else() if os.getuid() == 0 else None
    if os.getuid() == 0 and user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")
    as_user = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    folder = Path(
        tempfile.mkdtemp(prefix="fcnet-postgresql-")
    )  # not below pytest's, which is closed to others
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, port = folder / "data", free_port()
    made = [
        where / "initdb",
        "-D",
        data,
        "-U",
        "fcnet",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(made, check=True, capture_output=True, cwd=folder, **as_user)  # type: ignore[call-overload]
    options = ["-c", "fsync=off", "-c", "unix_socket_directories="]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [where / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            **as_user,  # type: ignore[call-overload]
        )
    url = f"postgresql://fcnet@127.0.0.1:{port}/postgres"

    def answers() -> bool:
        assert server.poll() is None, (folder / "log").read_text()
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_for(answers, "answer of PostgreSQL", 30)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for whoever is connected
        server.wait(30)
        shutil.rmtree(folder)


SLOW = """
import sys, time
from fcnet.cli import main
from fcnet.tuning.trial import Reporter

report = Reporter.on_evaluation

def slowly(self, row):
    report(self, row)
    time.sleep(0.2)

Reporter.on_evaluation = slowly
sys.exit(main())
"""
"""`fcnet` where a trial of ten epochs takes two seconds, nearly all of it asleep."""


def test_machines_work_on_one_study_and_a_lost_one_is_replaced(
    database: str, tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search is killed in its first trial; one elsewhere repeats it; then a third joins, and they share."""
    asked = Search(
        tmp_path / "first", small(epochs=10), ("learning-rate", "reg", "dropout"), trials=2, storage=database
    )
    words = {"epochs": 10, "storage": database}
    lost = start(options(tmp_path / "lost", **words, trials=2), tmp_path, ("-c", SLOW))
    try:
        with opened_storage(asked) as storage:
            begun = wait_for(lambda: running(storage), "trial")[0]
    finally:
        lost.kill()
        lost.communicate()
    with monkeypatch.context() as patch:
        patch.setattr(storages, "GRACE_SECONDS", 1)
        run(asked, digits)
        asked = replace(asked, resume=True)  # it may take a moment until the dead one is taken for dead
        wait_for(lambda: len(run(asked, digits)[0].done) == 2, "end of both trials")
    again = [row for row in trials(asked.out) if row["retry_of"] == begun.number]
    assert [(row["params"], row["state"]) for row in again] == [(begun.params, "complete")]
    third = start(options(tmp_path / "third", **words, trials=4), tmp_path, ("-c", SLOW))
    try:
        with opened_storage(asked) as storage:
            wait_for(lambda: running(storage), "trial of the third")
        run(replace(asked, trials=4), digits)
        _, error = third.communicate(timeout=60)
    finally:
        third.kill()
        third.communicate()
    assert third.returncode == 0, error
    assert len(run(asked, digits)[0].done) == 4
    first, other = (
        {path.name for path in (tmp_path / name / "trials").iterdir()} for name in ("first", "third")
    )
    assert first
    assert other
    assert not first & other
    assert (tmp_path / "third" / "best.toml").exists()


def test_a_worker_that_stood_still_gives_its_trial_to_whoever_has_taken_it_and_goes_on(
    database: str, tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Search(tmp_path / "out", small(), ("reg",), trials=2, storage=database, study="stood still")

    class Slow(trial.Reporter):
        def on_evaluation(self, row: Evaluation) -> None:
            if self.trial.number == 0 and len(self.rows) == 1:
                study = self.trial.study
                lost = study.get_trials()[0]
                study.tell(0, state=optuna.trial.TrialState.FAIL)
                self.trial.storage.get_heartbeat_stale_trial_callback()(study, lost)  # type: ignore[attr-defined]
            super().on_evaluation(row)

    monkeypatch.setattr(trial, "Reporter", Slow)
    status, _ = run(asked, digits)
    assert [(row.number, row.state) for row in status.rows] == [(1, "complete"), (2, "complete")]
    assert status.rows[0].retry_of == 0


def running(storage: optuna.storages.BaseStorage) -> list[optuna.trial.FrozenTrial]:
    if "fcnet" not in optuna.get_all_study_names(storage):
        return []
    study = optuna.load_study(study_name="fcnet", storage=storage)
    found = study.get_trials(states=(optuna.trial.TrialState.RUNNING,))
    return [one for one in found if one.intermediate_values]


def test_another_search_has_another_name(database: str, tmp_path: Path, digits: Dataset) -> None:
    def asked(folder: str, name: str, epochs: int) -> Search:
        base = small(epochs=epochs)
        return Search(tmp_path / folder, base, ("reg",), trials=1, storage=database, study=name)

    assert len(run(asked("a", "other", 2), digits)[0].done) == 1
    with pytest.raises(RunError, match=r"the study 'other' was started with other settings \(epochs\)"):
        run(asked("b", "other", 3), digits)
    assert len(run(asked("c", "third", 3), digits)[0].done) == 1


def test_the_password_is_in_no_file_and_no_list_of_processes(database: str, tmp_path: Path) -> None:
    out, address = tmp_path / "out", database.replace("fcnet@", "fcnet:sesame@")
    words = options(out, epochs=30, workers=2, trials=2, storage="env:FCNET_TEST_DATABASE", study="secret")
    search = start(words, tmp_path, FCNET_TEST_DATABASE=address)
    try:
        parent = psutil.Process(search.pid)
        workers = wait_for(lambda: len(found := parent.children()) == 2 and found, "workers")
        assert not any("sesame" in word for one in (parent, *workers) for word in one.cmdline())
        printed, error = search.communicate(timeout=120)
    finally:
        search.kill()
        search.communicate()
    assert search.returncode == 0, error
    assert "sesame" not in printed + error
    written = [path for path in out.rglob("*") if path.is_file()]
    assert any(path.name == "record.json" for path in written)
    assert not [path for path in written if b"sesame" in path.read_bytes()]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://me@host/base", "postgresql+psycopg://me@host/base"),
        ("postgres://me@host/base", "postgresql+psycopg://me@host/base"),
        ("postgresql+psycopg2://host/base", "postgresql+psycopg2://host/base"),
        ("sqlite:///file.db", "sqlite:///file.db"),
    ],
)
def test_the_driver_is_chosen_for_the_user(given: str, used: str) -> None:
    assert with_driver(given) == used


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")  # threads share the filters
def test_workers_may_open_a_new_database_at_the_same_moment(database: str, tmp_path: Path) -> None:
    import psycopg
    import sqlalchemy.pool  # noqa: F401  # threads that import it at the same time would see half of it

    for number in range(4):
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE new{number}")
        url = f"{database.rpartition('/')[0]}/new{number}"

        def opened(worker: int, url: str = url) -> None:
            with opened_storage(Search(tmp_path / str(worker), storage=url)) as storage:
                assert storage.get_all_studies() == []

        with ThreadPoolExecutor(4) as workers:
            list(workers.map(opened, range(4)))
