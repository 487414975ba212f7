"""One command on one hostile folder, in its own process, and what must not have happened."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from hostile import visit
from hostile.cases import COMMANDS, RUN, TRAINS, Case

SECONDS, PATIENCE, LONGEST = 12, 30.0, 600.0
"""A command hangs if it computes longer, sleeps longer without computing, or takes longer on the clock, which
on a busy machine goes much faster than it computes."""

MEMORY = 6 << 30
"""Bytes of address space that a command may have."""

NO_ERRORS = ("NOTE: ", visit.CLOSED)
"""How remarks begin that are no errors: that the data are digits, that a page was closed."""

PAGE = ".page"
"""The file with what a live page answered."""


@dataclass(frozen=True)
class Outcome:
    """What a command did.

    status : its exit status, or minus the signal that ended it; None where it hung
    out, err : what it printed
    seconds : how long it took
    findings : what must not be: "traceback", "hang", "changed outside", ...; each with a word on it
    """

    status: int | None
    out: str
    err: str
    seconds: float
    findings: tuple[tuple[str, str], ...]


def surroundings(home: Path) -> None:
    """The environment of a user without network and CIFAR-10."""
    os.environ.pop("FCNET_DATA", None)
    os.environ |= {"FCNET_OFFLINE": "1", "FCNET_CACHE": str(home / "cache"), "COLUMNS": "300"}


def attempt(case: Case, command: str, whole: Path, home: Path) -> Outcome:
    """Prepare a folder and run one command on it.

    Parameters
    ----------
    case, command : an entry of the table, and a key of `COMMANDS`
    whole : holds what `whole_folders` made
    home : an empty folder, which is removed afterwards
    """
    run, outside = home / case.folder, home / "outside"
    shutil.copytree(whole / case.base, run)
    shutil.copytree(whole / "good", home / "good")
    shutil.copy(whole / "picture.png", home)
    _fill(outside)
    case.damage(run, outside)
    before = _content(outside) | _content(home / "good")
    words = [
        case.folder if word == RUN else word.replace(RUN, case.folder) for word in COMMANDS[command].split()
    ]
    start = time.perf_counter()
    status = _forked(words, home, command == TRAINS)
    seconds = time.perf_counter() - start
    out, err = ((home / name).read_bytes().decode(errors="replace") for name in (".out", ".err"))
    findings = list(_findings(case, command, status, out, err))
    if words[0] == "watch" and status == 0:
        findings += visit.judged(home / PAGE)
    after = _content(outside) | _content(home / "good")
    findings += [
        ("changed outside", name)
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if command == "resume" and status == 0 and (run / ".lock").is_file():
        findings.append(("left behind", ".lock"))
    subprocess.run(["rm", "-rf", str(home)], check=True)  # which goes deeper than Python does
    return Outcome(status, out, err, seconds, tuple(findings))


def _fill(outside: Path) -> None:
    (outside / "folder").mkdir(parents=True)
    for name in (
        "precious.txt", "folder/state.safetensors", "folder/events.out.tfevents.1.host",
        "folder/.state.safetensors.tmp-1-00000000", "folder/.model.safetensors.tmp-1-00000000",
        "folder/model.safetensors", "folder/precious.txt", "folder/state.json", "folder/control.json",
    ):  # fmt: skip
        (outside / name).write_text("a line that was written with care\nand no line break behind it")


def _content(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"link to {path.readlink()}"
        elif path.is_file():
            found[str(path)] = path.read_bytes().hex()[:100_000]
    return found


def _forked(words: list[str], home: Path, trains: bool) -> int | None:
    """Run `fcnet` in a fork; its exit status, None where it was killed because it hung."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside the threads of BLAS
        process = os.fork()
    if process == 0:
        _become(words, home, trains)
    start = since = time.monotonic()
    before = -1
    while since > (now := time.monotonic()) - PATIENCE and now < start + LONGEST:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGXCPU else code
        computed, sleeps = state_of(process)
        if computed != before or not sleeps:
            before, since = computed, now
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def state_of(process: int) -> tuple[int, bool]:
    """How long a process has computed, in ticks, and whether it sleeps; (0, True) if that is not known."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, True
    return int(fields[11]) + int(fields[12]), fields[0] == "S"


def _become(words: list[str], home: Path, trains: bool) -> None:
    """The child, which ends here."""
    status = 1
    try:
        os.chdir(home)
        for number, name in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        surroundings(home)
        warnings.simplefilter("default")
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # as everywhere: a page outlives its training a little
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
        status = visit.main(words, home / ".out", home / PAGE, trains)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _findings(case: Case, command: str, status: int | None, out: str, err: str) -> list[tuple[str, str]]:
    """What of a command's end and of its words must not be."""
    found = []
    lines = [line for line in err.splitlines() if not line.startswith(NO_ERRORS)]
    if status is None:
        found.append(("hang", f"more than {SECONDS} s of computing, or {PATIENCE:.0f} s of sleep"))
    elif status not in (0, 2):
        found.append(("traceback", lines[-1][:200] if lines else f"status {status}"))
    elif len(lines) > (0 if status == 0 else 1):
        found.append(("more than one line", " | ".join(lines)[:200]))
    elif status == 2 and not lines[:1][0].startswith("error: ") if lines else status == 2:
        found.append(("no line", err[:200]))
    raw = sorted({c for c in out + err if c != "\n" and not c.isprintable()})
    if raw and status is not None and not found:
        found.append(("raw control characters", ascii("".join(raw))))
    if status == 0 and command.endswith("--json"):
        try:
            json.loads(out, parse_constant=_no_number)
        except ValueError as error:
            found.append(("no JSON", str(error)))
    if command.startswith("runs") and (status != 0 or "good" not in out):
        found.append(("other runs are not shown", f"status {status}"))
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
