"""`fcnet watch`, and `--watch` of the commands that train: the page beside them, its buttons, and its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcnet.cli import main
from fcnet.data.dataset import Dataset
from fcnet.experiments.reproduce import Reproduction
from fcnet.live.beside import LINGER
from fcnet.live.reading import told
from fcnet.records import RunFolder
from fcnet.runs.observed import LiveFolder, State, read_live
from fcnet.train.callbacks import Callback
from fcnet.train.history import Evaluation

from .conftest import Serve

ADDRESS = re.compile(r"watch it: (http://127\.0\.0\.1:\d+)/#(\S{32})")

LONG = (
    "--data digits --hidden 24 --initialisation he --preprocessing standardised --learning-rate 0.05 "
    "--validation 200 --batch-size 60 --epochs 100000"
)


class Command:
    """A command in a process of its own, and the page that it serves."""

    def __init__(self, arguments: str, folder: Path, launcher: str) -> None:
        environment = os.environ | {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(folder / "cache")}
        with tempfile.TemporaryFile("w+") as printed:  # a pipe would be full after some hundred epochs
            self.process = subprocess.Popen(
                [sys.executable, *launcher.split(), "-m", "fcnet", *arguments.split()],
                cwd=folder, env=environment, stdout=printed, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and self.process.poll() is None:
                text = os.pread(printed.fileno(), 1 << 16, 0).decode()
                if found := ADDRESS.search(text):
                    self.origin, self.token = found.groups()
                    return
                time.sleep(0.05)
        self.process.kill()
        raise AssertionError(self.process.communicate())

    def ask(self, path: str, method: str = "GET") -> Any:
        headers = {"X-Fcnet-Token": self.token, "Origin": self.origin}
        request = urllib.request.Request(self.origin + path, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a run is so; the run."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for run in self.ask("/runs"):
                if condition(run):
                    return dict(run)
            time.sleep(0.1)
        raise AssertionError(self.ask("/runs"))

    def gone(self) -> bool:
        """Whether the page ends within its time."""
        deadline = time.monotonic() + LINGER + 30
        while time.monotonic() < deadline:
            try:
                self.ask("/runs")
            except OSError:
                return True
            time.sleep(0.1)
        return False


@pytest.fixture
def fcnet(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    started: list[Command] = []

    def start(arguments: str, launcher: str = "") -> Command:
        started.append(Command(arguments, tmp_path, launcher))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def test_a_training_is_paused_stopped_and_resumed(fcnet: Callable[[str], Command], tmp_path: Path) -> None:
    one = fcnet(f"train --out run --watch {LONG}")
    run = one.until(lambda run: bool(run["controls"]))
    assert run["name"] == "run"
    one.ask(f"/run/{run['id']}/pause", "POST")
    one.until(lambda run: run["state"] == "paused")
    one.ask(f"/run/{run['id']}/run", "POST")
    one.until(lambda run: run["state"] == "training")
    one.ask(f"/run/{run['id']}/stop", "POST")
    stopped = one.until(lambda run: run["state"] == "unfinished")
    _, err = one.process.communicate(timeout=60)
    assert one.process.returncode == 130
    assert err == "stopped: resume with: fcnet train --out run --resume --watch\n"
    assert stopped["resume"].endswith("run --resume")
    assert one.gone()
    steps = len((tmp_path / "run" / "history.jsonl").read_text().splitlines())
    again = fcnet("train --out run --resume --watch")
    assert again.token != one.token

    def rows() -> int:
        state = read_live(LiveFolder(tmp_path / "run").state, State)
        return 0 if state is None else len(state.rows)

    again.until(lambda run: run["state"] == "training" and rows() >= min(steps, 1))
    again.process.send_signal(signal.SIGKILL)  # the page ends with it all the same
    assert again.gone()
    assert rows() >= min(steps, 1)


def test_under_torchrun_all_workers_wait_and_end_for_good(
    fcnet: Callable[..., Command], tmp_path: Path
) -> None:
    """Also where torchrun would start workers again that end by themselves."""
    pytest.importorskip("torch")
    launcher = "-m torch.distributed.run --standalone --nproc-per-node=2 --max-restarts=2"
    one = fcnet(f"train --out run --watch --engine torch --device cpu {LONG}", launcher)
    run = one.until(lambda run: bool(run["controls"]))
    one.ask(f"/run/{run['id']}/pause", "POST")
    paused = one.until(lambda run: run["state"] == "paused")
    time.sleep(2)
    assert one.until(lambda run: run["state"] == "paused")["progress"] == paused["progress"]
    one.ask(f"/run/{run['id']}/run", "POST")
    one.until(lambda run: run["state"] == "training" and run["progress"] > paused["progress"])
    one.ask(f"/run/{run['id']}/stop", "POST")
    _, err = one.process.communicate(timeout=90)
    assert "stopped: resume with: fcnet train --out run --resume --watch\n" in err
    assert RunFolder(tmp_path / "run").checkpoint.exists()
    assert told(tmp_path / "run")["state"] == "unfinished"


def test_stop_ends_a_search_with_all_its_workers(fcnet: Callable[[str], Command], tmp_path: Path) -> None:
    one = fcnet(f"tune --out search --workers 2 --trials 9 --vary reg --watch {LONG}")
    run = one.until(lambda run: bool(run["controls"]))
    assert run["name"].startswith("trials")
    one.ask(f"/run/{run['id']}/stop", "POST")
    _, err = one.process.communicate(timeout=90)
    assert one.process.returncode == 130
    assert err.endswith(
        "stopped: resume with: fcnet tune --out search --resume --workers 2 --watch --data digits\n"
    )
    assert told(tmp_path / "search" / run["name"])["resume"] == (
        f"fcnet tune --out {tmp_path / 'search'} --resume"
    )


def test_the_trainings_of_a_reproduction_are_seen(digits: Dataset, tmp_path: Path) -> None:
    reproduction = Reproduction(digits, tmp_path, quick=True, watch=True)
    notes = []

    class Look(Callback):
        def on_evaluation(self, row: Evaluation) -> None:
            notes.append(told(tmp_path / "tuned")["note"])

    with reproduction.held():
        reproduction.tuned(Look())
    assert notes[-1].endswith("the short trainings of the ladder keep no folders and are not on this page.")
    assert told(tmp_path / "tuned")["note"] == ""
    state = read_live(LiveFolder(tmp_path / "tuned").state, State)
    assert state is not None
    assert state.command == "reproduce"
    assert state.rows[-1].step == RunFolder(tmp_path / "tuned").read_record()["steps"]


def refused(capsys: pytest.CaptureFixture[str], arguments: str, *words: str) -> None:
    assert main(arguments.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_what_is_refused_is_one_line(
    capsys: pytest.CaptureFixture[str], finished: Path, serve: Serve, tmp_path: Path
) -> None:
    refused(capsys, f"watch {tmp_path / 'nowhere'}", "nowhere is not a folder")
    refused(capsys, f"watch {finished} --host 0.0.0.0", "--allow-network")
    refused(capsys, f"watch {finished} --host example.invalid", "--allow-network")
    port = serve(finished).server_port
    refused(capsys, f"watch {finished} --port {port}", "choose another --port")
    refused(capsys, f"watch {finished} --host 192.0.2.1 --allow-network", "cannot listen on 192.0.2.1")


def test_ctrl_c_closes_the_page(fcnet: Callable[[str], Command], finished: Path) -> None:
    one = fcnet(f"watch {finished / 'first'}")
    assert one.ask("/runs")[0]["state"] == "finished"
    one.process.send_signal(signal.SIGINT)
    _, err = one.process.communicate(timeout=30)
    assert (one.process.returncode, err) == (130, "stopped: the page is closed, trainings go on\n")
    with pytest.raises(urllib.error.URLError):
        one.ask("/runs")
