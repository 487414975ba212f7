"""A process that carries out another one's order: how it ends, and that it ends with the other one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

PATIENCE = 600.0

WORK = """
import signal, sys, time
from fcnet.cli.ordered import carry_out
from fcnet.errors import FcnetError

def work(order):
    print("at work", flush=True)
    if "error" in order:
        raise FcnetError(order["error"])
    time.sleep(order["seconds"])

signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a shell
sys.exit(carry_out(work))
"""


def ordered(**order: object) -> subprocess.Popen[str]:
    """A process at work on an order."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "at work\n"
    return process


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "the end of its input"])
def test_it_stops_when_it_is_told_and_when_nobody_is_left(how: str) -> None:
    process = ordered(seconds=PATIENCE)
    if how.startswith("SIG"):
        process.send_signal(signal.Signals[how])
        process.wait(PATIENCE / 2)  # its input stays open
    _, err = process.communicate(timeout=PATIENCE / 2)
    assert (process.returncode, err) == (130, "")


@pytest.mark.parametrize(
    ("order", "status", "said"),
    [({"seconds": 0}, 0, ""), ({"error": "no\x1bdata"}, 2, "error: no\\x1bdata\n")],
)
def test_its_status_says_how_the_work_ended(order: dict[str, object], status: int, said: str) -> None:
    process = ordered(**order)
    assert process.wait(PATIENCE) == status
    assert process.communicate() == ("", said)
