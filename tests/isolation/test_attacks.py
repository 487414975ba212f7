"""No attack harms anything, hangs the judge, or leaves anything behind."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fcnet.judge import Options, check_submission, hypotheses
from fcnet.judge.child import landlock
from fcnet.judge.isolation import Reply, Submission, not_held
from fcnet.judge.isolation.processes import PROC
from isolation.attacks import ATTACKS, Attack
from isolation.victims import LIMITS, Targets, attacked, outcome, targets

REFUSED = [attack for attack in ATTACKS if "refused" in attack.outcome]
NOT_REFUSED = [attack for attack in ATTACKS if attack not in REFUSED]

ASK_FOR_NUMBERS = {"scores", "loss", "gradients", "training"}

SLACK = 6.0
"""Seconds for two starts of the process, and for the clean-up, on a busy machine."""


def named(attack: Attack) -> str:
    return attack.name


@pytest.fixture
def aims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    with targets(tmp_path_factory.mktemp("targets")) as aims:
        yield aims


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where submissions' folders are made."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    return scratch


def left_behind(scratch: Path) -> list[str]:
    """Processes that descend from a submission's: they have inherited where its folder is."""
    found = []
    for folder in PROC.iterdir():
        try:
            if folder.name.isdigit() and str(scratch).encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def check(attack: Attack, aims: Targets, scratch: Path) -> None:
    start = time.monotonic()
    replies = attacked(attack, aims, scratch.parent)
    assert time.monotonic() - start < 2 * (LIMITS.call_seconds + SLACK)
    harmless(attack, replies, aims, scratch)


def harmless(attack: Attack, replies: list[Reply], aims: Targets, scratch: Path) -> None:
    """Nothing is harmed or left, and the attack came to what its entry says."""
    assert not aims.harmed()
    assert not left_behind(scratch)
    assert not list(scratch.iterdir())
    if attack.outcome != "any":
        assert outcome(replies) in attack.outcome.split("|"), replies


@pytest.mark.parametrize("attack", REFUSED, ids=named)
def test_what_an_attack_asks_for_is_refused(attack: Attack, aims: Targets, scratch: Path) -> None:
    check(attack, aims, scratch)


def bubblewrap_works() -> bool:
    command = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    return shutil.which("bwrap") is not None and not subprocess.run(command, capture_output=True).returncode


@pytest.mark.skipif(not bubblewrap_works(), reason="bubblewrap is not installed, or may not make namespaces")
@pytest.mark.parametrize("attack", REFUSED, ids=named)
def test_bubblewrap_holds_them_too(
    attack: Attack, aims: Targets, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    check(attack, aims, scratch)


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("overwriting a file", "the marks were changed"),
        ("deleting a folder", "files came or went"),
        ("a stale lock", "files came or went"),
        ("changing a mode", "the marks were changed"),
        ("killing another process", "the process is gone"),
        ("a connection", "somebody connected"),
        ("reading the solution", ""),
        ("a shell", ""),
    ],
)
def test_without_isolation_the_attack_would_have_worked(
    name: str, harm: str, aims: Targets, scratch: Path
) -> None:
    attack = next(attack for attack in ATTACKS if attack.name == name)
    path = scratch.parent / "two_layernet.py"
    path.write_text(aims.source(attack))
    with Submission(path, LIMITS, "none") as submission:
        reply = submission.call("load", source=path.read_text())
        assert set(not_held(submission.held)) == {"files", "network", "processes"}
    assert outcome([reply]) == "done"
    aims.process.poll()
    try:
        assert harm in [*aims.harmed(), ""]
    except FileNotFoundError:
        assert harm == "files came or went"


def test_children_are_killed_even_where_nothing_keeps_them_from_starting(
    aims: Targets, scratch: Path
) -> None:
    attack = next(attack for attack in ATTACKS if attack.name == "a child left behind")
    path = scratch.parent / "two_layernet.py"
    path.write_text(aims.source(attack))
    with Submission(path, LIMITS, "none") as submission:
        submission.call("load", source=path.read_text())
        assert len(left_behind(scratch)) == 2
    deadline = time.monotonic() + 2
    while left_behind(scratch) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left_behind(scratch)


@pytest.mark.parametrize("attack", NOT_REFUSED, ids=named)
def test_no_attack_changes_anything_or_the_verdict(
    attack: Attack, aims: Targets, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attacking network is wrong: whatever it does, no stage that asks for numbers is called right.

    What is refused has no effect; `record.py` asks for its verdict, too.
    """
    replies: list[Reply] = []
    call = Submission.call

    def heard(self: Submission, operation: str, /, **arguments: Any) -> Reply:
        replies.append(call(self, operation, **arguments))
        return replies[-1]

    monkeypatch.setattr(Submission, "call", heard)
    monkeypatch.setattr(hypotheses, "MOST_PAIRS", 20)  # nothing explains the network, so the search is long
    path = scratch.parent / "two_layernet.py"
    path.write_text(aims.source(attack))
    # what never ends is waited for in vain, however long
    limits = replace(LIMITS, call_seconds=0.5) if attack.outcome == "time" else LIMITS
    start = time.monotonic()
    report = check_submission(path, Options(limits=limits))
    assert time.monotonic() - start < LIMITS.total_seconds + SLACK + LIMITS.start_seconds
    assert report.verdict != "right"
    assert not {stage.stage for stage in report.stages if stage.points} & ASK_FOR_NUMBERS
    harmless(attack, replies, aims, scratch)
