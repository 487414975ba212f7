"""A visitor of the live page: asks all that the page would ask, and closes it as Ctrl-C does."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fcnet.lock import NAME, Lock

ADDRESS = re.compile(r"watch it: http://127\.0\.0\.1:(\d+)/#(\S+)")

CLOSED = "stopped: the page is closed, trainings go on"
"""What `fcnet watch` says when it is closed, which is no error."""

SECONDS = 20.0
"""In which each question must be answered."""


def main(words: Sequence[str], said: Path, kept: Path, trains: bool = False) -> int:
    """Run a command of `fcnet`, and visit the page if the command is `watch`; returns its exit status.

    Parameters
    ----------
    words : of the command
    said : the file to which standard output goes
    kept : the file for the page's answers, a JSON list of {"asked", "status", "body"}
    trains : hold the lock of the first folder meanwhile, as a training would
    """
    from fcnet.cli import main as fcnet

    if words[0] != "watch":
        return fcnet(words)
    threading.Thread(target=_visit, args=(said, kept), daemon=True).start()
    with _lock(Path(words[1])) if trains else contextlib.nullcontext():
        status = fcnet(words)
    return 0 if status == 130 and kept.exists() else status


def judged(kept: Path) -> Iterator[tuple[str, str]]:
    """What of the page's answers must not be: the kind, and a word on it."""
    answers = json.loads(kept.read_text())
    for one in answers:
        if one["status"] not in ((200, 409) if one["asked"].startswith("POST") else (200,)):
            yield "no answer", f"{one['asked']}: {one['status']}"
            continue
        if one["asked"] == "GET /":
            continue
        try:
            told = json.loads(one["body"], parse_constant=_no_number)
        except ValueError as error:
            yield "no JSON", str(error)
            continue
        for words in _words(told):
            if not words.isprintable():
                yield "raw control characters", ascii(words)[:100]
    if not any(one["asked"] == "GET /runs" and '"good"' in one["body"] for one in answers):
        yield "other runs are not shown", "the page"


def _words(told: Any) -> Iterator[str]:
    """All texts in an answer, names too."""
    match told:
        case str():
            yield told
        case dict():
            yield from told
            for value in told.values():
                yield from _words(value)
        case list():
            for value in told:
                yield from _words(value)


def _visit(said: Path, kept: Path) -> None:
    answers: list[dict[str, Any]] = []
    try:
        while not (found := ADDRESS.search(said.read_text(errors="replace"))):
            time.sleep(0.01)
        port, token = int(found[1]), found[2]
        answers.append(_ask(port, token, "GET", "/"))
        answers.append(_ask(port, token, "GET", "/runs"))
        for run in json.loads(answers[-1]["body"] or "[]"):
            answers.append(_ask(port, token, "GET", f"/run/{run['id']}"))
            answers += [_ask(port, token, "POST", f"/run/{run['id']}/{wish}") for wish in ("pause", "stop")]
    finally:
        kept.write_text(json.dumps(answers))
        os.kill(os.getpid(), signal.SIGINT)


def _ask(port: int, token: str, method: str, path: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    headers = {"X-Fcnet-Token": token, "Origin": f"http://127.0.0.1:{port}"}
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        status, body = answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        status, body = 0, str(error)
    finally:
        connection.close()
    return {"asked": f"{method} {path}", "status": status, "body": body}


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder where it has one that can be held."""
    lock = Lock(folder / NAME)
    with contextlib.suppress(OSError):
        lock.try_acquire()
    yield
    lock.release()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
