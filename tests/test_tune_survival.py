"""A search by several processes, any of which may be killed at any moment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import optuna
import psutil
import pytest

from fcnet.data.dataset import Dataset
from fcnet.train.engine import NumpyEngine
from fcnet.tuning.run import surroundings, threads_each
from fcnet.tuning.search import Search
from fcnet.tuning.storage import JournalLock, cut_unfinished_line, opened_storage
from searches import options, run, start, trials, wait_for


def workers(search: psutil.Process) -> list[psutil.Process]:
    return [one for one in search.children() if "fcnet.cli.tune_worker" in one.cmdline()]


def running(out: Path) -> dict[int, dict[str, object]]:
    """Of each worker's process, the parameters of the trial that it has trained for a while."""
    if not (out / "study.journal").exists():
        return {}
    with opened_storage(Search(out)) as storage:
        if "fcnet" not in optuna.get_all_study_names(storage):
            return {}
        study = optuna.load_study(study_name="fcnet", storage=storage)
        found = study.get_trials(states=(optuna.trial.TrialState.RUNNING,))
    busy = [trial for trial in found if trial.intermediate_values and trial.user_attrs["worker"]]
    return {trial.user_attrs["worker"]["process"]: trial.params for trial in busy}


def at_work(out: Path) -> dict[int, dict[str, object]]:
    found: dict[int, dict[str, object]] = wait_for(
        lambda: len(busy := running(out)) == 2 and busy, "two workers"
    )
    return found


def same(one: Iterable[object], other: Iterable[object]) -> bool:
    return sorted(map(str, one)) == sorted(map(str, other))


def test_whoever_is_killed_the_same_trials_are_finished_and_none_is_counted_twice(
    tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two trials a worker is killed, then the search itself; then it is stopped; then it ends."""
    out = tmp_path / "out"
    # long enough that neither trial ends while the other's worker is being replaced
    words = options(out, epochs=2500, workers=2, trials=2)
    search = start(words, tmp_path)
    try:
        begun = at_work(out)
        processes = workers(psutil.Process(search.pid))
        assert {process.pid for process in processes} == set(begun)
        for process in processes:
            assert process.environ()["OPENBLAS_NUM_THREADS"] in ("1", str(threads_each(2)))
        victim = processes[0].pid
        processes[0].kill()
        wait_for(lambda: victim not in running(out), "end of the trial of the killed worker")
        replaced = at_work(out)
        assert same(replaced.values(), begun.values())
        processes = workers(psutil.Process(search.pid))
        search.kill()
        search.communicate()
        _, alive = psutil.wait_procs(processes, timeout=30)
        assert not alive, "workers live on when whoever started them is dead"
        search = start([*words, "--resume"], tmp_path)
        assert same(at_work(out).values(), begun.values())
        search.terminate()
        _, error = search.communicate(timeout=60)
        assert search.returncode == 143
        assert f"stopped: resume with: fcnet tune --out {out} --resume --workers 2" in error
        assert running(out) == {}
    finally:
        search.kill()
        print(search.communicate()[1])  # shown by pytest where this fails
    # a training long enough to be killed need not be done again to its end
    monkeypatch.setattr(NumpyEngine, "step", lambda self, batch, learning_rate: 1.0)
    status, _ = run(Search(out, resume=True), digits)
    done = [row for row in trials(out) if row["state"] == "complete"]
    assert same((row["params"] for row in done), begun.values())
    assert len(status.done) == 2
    assert [row["number"] for row in trials(out)] == [0, 1]


def test_half_a_line_at_the_end_of_the_journal_is_cut_off(tmp_path: Path) -> None:
    search = Search(tmp_path)
    with opened_storage(search) as storage:
        optuna.create_study(storage=storage, study_name="fcnet").set_user_attr("before", 1)
    with search.journal.open("ab") as file:
        file.write(b'{"op_code": 2, "worker_id": "x", "study')
    with opened_storage(search) as storage:
        optuna.load_study(study_name="fcnet", storage=storage).set_user_attr("after", 2)
    with opened_storage(search) as storage:
        study = optuna.load_study(study_name="fcnet", storage=storage)
        assert study.user_attrs == {"before": 1, "after": 2}
    assert all(json.loads(line) for line in search.journal.read_text().splitlines())


@pytest.mark.parametrize(
    ("content", "kept"), [(b"", b""), (b"whole\n", b"whole\n"), (b"one\ntw", b"one\n"), (b"half", b"")]
)
def test_whole_lines_stay(content: bytes, kept: bytes, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_bytes(content)
    cut_unfinished_line(journal)
    assert journal.read_bytes() == kept


def test_a_lock_is_free_again_once_its_holder_is_dead(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.touch()
    code = "import os, sys; from pathlib import Path; from fcnet.tuning.storage import JournalLock; "
    code += "JournalLock(Path(sys.argv[1])).acquire(); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, str(journal)], check=False).returncode == -9
    lock = JournalLock(journal)
    assert lock.acquire()
    lock.release()


def test_workers_share_the_cores_and_get_no_more_threads_than_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)), raising=False)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert surroundings(3)["OPENBLAS_NUM_THREADS"] == "2"
    assert surroundings(16)["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    assert surroundings(2)["MKL_NUM_THREADS"] == "1"
    assert surroundings(2)["OPENBLAS_NUM_THREADS"] == "4"
