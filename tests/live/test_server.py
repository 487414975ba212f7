"""Who may ask the server: the page with its token, and nobody else; and what it answers about odd runs."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import Dataset
from fcnet.errors import FcnetError, RunError
from fcnet.live.reading import Watched, told
from fcnet.live.server import TOKEN, PageServer, is_loopback
from fcnet.lock import NAME, Lock, locked
from fcnet.records import RunFolder
from fcnet.runs.observed import LiveFolder
from fcnet.runs.training import train_run
from trainings import StopAfter, small

from .conftest import Serve, train


def ask(server: PageServer, request: str = "GET /runs", token: str | None = None, **headers: str) -> Any:
    """One request on a raw socket, with the right headers but for those given; status, headers and body."""
    here = f"127.0.0.1:{server.server_port}"
    lines = {"Host": here, "X-Fcnet-Token": server.token if token is None else token}
    if request.startswith("POST"):
        lines["Origin"] = f"http://{here}"
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value != "none")
    with socket.create_connection(("127.0.0.1", server.server_port), 10) as connection:
        connection.sendall(f"{request} HTTP/1.1\r\n{text}\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), body


def weights(frame: dict[str, Any]) -> Any:
    return np.frombuffer(base64.b64decode(frame["weights"]), np.int8).astype(int)


@pytest.fixture
def stopped(tmp_path: Path, digits: Dataset) -> Path:
    """A watched run that was stopped."""
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", digits, StopAfter(30))
    return tmp_path / "stopped"


def test_the_page_with_its_token(serve: Serve, finished: Path) -> None:
    server = serve(finished)
    status, headers, body = ask(server)
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert [run["name"] for run in json.loads(body)] == ["first", "second"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    status, again, body = ask(server, If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")
    assert again["ETag"] == headers["ETag"]


OTHER = "http://evil.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"token": ""}, 401),
        ({"token": "x" * 32}, 401),
        ({"token": "\u00e9"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Host": "127.0.0.1.evil.example:{port}"}, 403),
        ({"Host": "8.8.8.8:{port}"}, 403),
        ({"Host": "none"}, 403),
        ({"Origin": OTHER}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:{port}"}, 403),  # as the host is called otherwise
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
    ids=str,
)
@pytest.mark.parametrize("request_line", ["GET /runs", "POST /run/{id}/stop"])
def test_others_are_refused(
    serve: Serve, stopped: Path, headers: dict[str, str], status: int, request_line: str
) -> None:
    server = serve(stopped)
    port = server.server_port
    with locked(stopped):  # as if it trained
        (run,) = server.watched.runs()
        assert run["controls"]
        changed = {name: value.replace("{port}", str(port)) for name, value in headers.items()}
        got, _, body = ask(server, request_line.replace("{id}", run["id"]), **changed)
    assert got == status
    assert set(json.loads(body)) == {"error"}
    assert not LiveFolder(stopped).control.exists()


def test_a_button_needs_an_origin_and_a_training(serve: Serve, stopped: Path) -> None:
    server = serve(stopped)
    (run,) = server.watched.runs()
    line = f"POST /run/{run['id']}/stop"
    with locked(stopped):
        assert ask(server, line, Origin="none")[0] == 403
        assert not LiveFolder(stopped).control.exists()
        assert ask(server, line.replace("POST", "GET"))[0] == 404
        assert ask(server, line)[0] == 200
        assert json.loads(LiveFolder(stopped).control.read_text()) == {"wish": "stop"}
        assert ask(server, f"POST /run/{run['id']}/delete")[0] == 404
        assert ask(server, f"POST /run/{'0' * 12}/stop")[0] == 404
    status, _, body = ask(server, line)
    assert status == 409
    assert "no training that was started with --watch goes on" in json.loads(body)["error"]


def test_two_hosts_other_names_of_this_machine_and_other_paths(serve: Serve, finished: Path) -> None:
    server = serve(finished)
    port = server.server_port
    assert ask(server, Host=f"127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}")[0] == 403
    assert ask(server, Host=f"localhost:{port}", Origin=f"http://localhost:{port}")[0] == 200
    for path in ("/../etc/passwd", "/run/../..", "/run/" + "0" * 12, "/runs?x=1", "/favicon.ico"):
        assert ask(server, f"GET {path}")[0] == 404
    assert ask(server, "PUT /runs")[0] == 501
    assert ask(server, X="y" * 70_000)[0] == 431


def test_the_empty_page_may_be_opened_from_anywhere_but_holds_nothing(serve: Serve, finished: Path) -> None:
    server = serve(finished)
    status, headers, body = ask(server, "GET /", token="", Sec_Fetch_Site="cross-site")
    assert status == 200
    assert headers["X-Frame-Options"] == "DENY"
    text = body.decode()
    assert server.token not in text
    assert "first" not in text.partition('<script type="application/json"')[2].partition("</script>")[0]
    assert "default-src 'none'" in text
    assert "unsafe" not in text
    assert ask(server, "GET /", Host="evil.example")[0] == 403
    status, about, body = ask(server, "HEAD /", token="")
    assert (status, body, about["Content-Length"]) == (200, b"", headers["Content-Length"])


def test_other_interfaces_take_addresses_for_names(serve: Serve, finished: Path) -> None:
    server = serve(finished, host="0.0.0.0")
    port = server.server_port
    assert ask(server, Host=f"192.0.2.7:{port}", Origin=f"http://192.0.2.7:{port}")[0] == 200
    assert ask(server, Host=f"rebound.example:{port}")[0] == 403
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "x")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_a_port_in_use_and_a_short_token(
    serve: Serve, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(finished)
    with pytest.raises(FcnetError, match="choose another --port"):
        PageServer(Watched([finished]), port=server.server_port)
    with pytest.raises(FcnetError, match="choose another --port"):
        PageServer(Watched([finished]), port=70_000)
    assert len({serve(finished).token for _ in range(3)}) == 3
    monkeypatch.setenv(TOKEN, "short")
    with pytest.raises(FcnetError, match="fewer than 16 characters"):
        PageServer(Watched([finished]))


def test_what_a_run_is_told_to_be(stopped: Path, finished: Path, digits: Dataset) -> None:
    assert told(finished / "first")["state"] == "finished"
    about = told(stopped)
    assert (about["state"], about["controls"]) == ("unfinished", False)
    assert about["resume"] == f"fcnet train --out {stopped} --resume"
    with locked(stopped):
        about = told(stopped)
        assert (about["state"], about["controls"]) == ("training", True)
    watched = Watched([stopped])
    (run,) = watched.runs()
    with pytest.raises(RunError, match="no training that was started with --watch"):
        watched.ask(run["id"], "stop")


def test_a_finished_run_that_was_not_watched(finished: Path, digits: Dataset, tmp_path: Path) -> None:
    """Its answers and weights come from the model and the data set; a cut model is a sentence."""
    train_run(small(), digits, tmp_path / "plain")
    train(tmp_path / "watched", digits)
    plain, watched = told(tmp_path / "plain"), told(tmp_path / "watched")
    assert plain["seen"]["confusion"] == watched["seen"]["confusion"]
    for ours, theirs in zip(plain["seen"]["mistakes"], watched["seen"]["mistakes"], strict=True):
        assert ours == theirs | {"probability": pytest.approx(theirs["probability"], rel=1e-4)}
    (frame,) = plain["frames"]
    assert frame["step"] == watched["frames"][-1]["step"]
    assert np.abs(weights(frame) - weights(watched["frames"][-1])).max() <= 1  # to rounding
    assert plain["measured"] == []
    assert plain["rows"][-1]["val_accuracy"] == plain["metrics"]["val_accuracy"]
    model = tmp_path / "plain" / "model.safetensors"
    model.write_bytes(model.read_bytes()[:100])
    cut = told(tmp_path / "plain")
    assert "model.safetensors" in cut["note"]
    assert cut["rows"] == plain["rows"]


def test_damaged_new_and_vanished_runs_are_one_sentence(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished / "first", run)
    watched = Watched([tmp_path])
    (short,) = watched.runs()
    assert short["problem"] == ""
    history = RunFolder(run).history
    whole = history.read_text()
    history.write_text(whole[:-20])
    assert "history.jsonl is damaged in line 3" in watched.run(short["id"])["problem"]
    history.write_text(whole)
    record = json.loads(RunFolder(run).record.read_text())
    RunFolder(run).record.write_text(json.dumps(record | {"format": 999}))
    assert "newer version of fcnet" in watched.run(short["id"])["problem"]
    LiveFolder(run).state.write_text("{")
    assert "state.json is damaged or of another version" in watched.run(short["id"])["problem"]
    shutil.rmtree(run)
    gone = watched.run(short["id"])
    assert (gone["state"], gone["problem"]) == ("vanished", f"{run} has vanished: it was moved or deleted")
    assert json.dumps(watched.runs())


def test_links_in_a_run_folder_lead_nowhere(stopped: Path, tmp_path: Path) -> None:
    """A control file is written in the run's own folder or not at all."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(stopped / "live", elsewhere / "live")
    shutil.rmtree(stopped / "live")
    (stopped / "live").symlink_to(elsewhere / "live")
    watched = Watched([stopped])
    (run,) = watched.runs()
    lock = Lock(stopped / NAME)  # which another process would hold
    assert lock.try_acquire()
    with pytest.raises(RunError, match="cannot write"):
        watched.ask(run["id"], "stop")
    lock.release()
    assert not (elsewhere / "live" / "control.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"frames": [{"step": 1, "weights": "no base64!"}]},
        {"frames": [{"step": 1, "weights": "QUJ"}]},
        {"seen": {"confusion": [[1] * 51] * 51, "mistakes": []}},
        {"measured": [{"step": 1, "gradients": {"W1": -1.0}, "dead": []}]},
        {"shape": [1, 0, 8]},
        {"classes": ["x" * 501]},
        {"rows": [{}]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_no_training_writes_is_refused(stopped: Path, change: dict[str, Any]) -> None:
    live = LiveFolder(stopped)
    live.state.write_text(json.dumps(json.loads(live.state.read_text()) | change))
    about = told(stopped)
    assert "state.json is damaged or of another version" in about["problem"]
    assert about["rows"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with a name")
def test_a_pipe_is_not_waited_for(stopped: Path) -> None:
    LiveFolder(stopped).state.unlink()
    os.mkfifo(LiveFolder(stopped).state)
    assert "no regular file" in told(stopped)["problem"]
