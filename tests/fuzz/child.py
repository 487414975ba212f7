"""Runs a command in a child that is forked from a warmed process, under limits, and judges what it left."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz.cases import Case
from hostile import visit
from hostile.attempt import state_of

MEMORY = 2 << 30
"""Bytes of address space that a command may use beyond the warmed process."""

SECONDS = 60.0
"""Seconds of processor time for a command that computes; ten times as many on the clock, on busy machines."""

STILL = 10.0
"""Seconds for one that sleeps and does not compute, such as one that waits for a pipe."""

PATIENCE = 10.0
"""Seconds in which a command must end after Ctrl-C."""

FILE = 1 << 30
"""Bytes of a file that a command may write."""

NOTE = "NOTE: CIFAR-10 is not available"

SAID = re.compile(rf"{NOTE}|reading [\w ]+: [\d,]+ of [\d,]+$|{visit.CLOSED}$")
"""What a command may say beside its one line: its data, how far a reading is, that the page is closed."""


def warm() -> None:
    """Import what commands import, so that a child starts in milliseconds."""
    import importlib

    names = (
        "rich.console", "rich.table", "numpy", "PIL.Image", "matplotlib.figure",
        "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "optuna", "onnx",
        "safetensors.numpy", "sklearn.datasets", "scipy.linalg", "jinja2", "markdown_it",
        "latex2mathml.converter", "tensorboardX", "torch", "fcnet.cli.options", "fcnet.report.page.html",
        "fcnet.runs.training", "fcnet.runs.comparison", "fcnet.runs.testing", "fcnet.runs.prediction",
        "fcnet.runs.listing", "fcnet.export", "fcnet.tuning.search", "fcnet.data.own.load",
        "fcnet.data.archive", "fcnet.doctor", "fcnet.live.server", "fcnet.runs.folding",
        "fcnet.explore.write",
    )  # fmt: skip
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from fcnet.cli.commands import COMMANDS, load

    for command in COMMANDS:
        load(command)


@dataclass
class Running:
    """A child at work."""

    case: Case
    folder: Path
    pid: int
    started: float
    before: dict[str, object]
    computed: int = -1
    since: float = 0.0
    interrupted: float | None = None
    hung: str = ""


def start(case: Case, folder: Path) -> Running:
    """Fork a child that runs the command of a case in its folder."""
    before = contents(folder / "outside")
    pid = os.fork()
    if pid == 0:
        _command(case, folder)
    return Running(case, folder, pid, time.monotonic(), before)


def _command(case: Case, folder: Path) -> None:
    """What the child does; never returns."""
    status = 70
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number, name in ((0, os.devnull), (1, folder / "out"), (2, folder / "err")):
            opened = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.chdir(folder / "work")
        os.environ |= {"FCNET_CACHE": str(folder / "work" / "cache"), "FCNET_OFFLINE": "1", "COLUMNS": "80"}
        os.environ.pop("FCNET_DATA", None)
        status = _run(case, folder)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _run(case: Case, folder: Path) -> int:
    import sys

    # those of the parent may be pytest's
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, buffering=1)  # noqa: SIM115
    try:
        return visit.main(case.command, folder / "out", folder / "page")
    except SystemExit as end:
        return int(end.code or 0) if isinstance(end.code, int | None) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()


def ended(running: Running) -> tuple[int, resource.struct_rusage] | None:
    """The exit status of a child and what it used, None while it runs; one that takes too long is stopped."""
    pid, status, usage = os.wait4(running.pid, os.WNOHANG)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)  # what it started
        return os.waitstatus_to_exitcode(status), usage
    now = time.monotonic()
    if running.interrupted is None:
        computed, sleeps = state_of(running.pid)
        if computed != running.computed or not sleeps:
            running.computed, running.since = computed, now
        waits = now - running.since > STILL
        used = computed / os.sysconf("SC_CLK_TCK")
        if waits or used > SECONDS or now - running.started > 10 * SECONDS:
            running.hung = "waits" if waits else ""
            running.interrupted = now
            os.kill(running.pid, signal.SIGINT)
    elif now - running.interrupted > PATIENCE:
        running.hung = "does not end, not even after Ctrl-C"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    return None


def judged(running: Running, status: int) -> list[str]:
    """What is wrong with what a command did; nothing if all is as it should be."""
    out, err = ((running.folder / name).read_text(errors="replace") for name in ("out", "err"))
    case = running.case
    found = [*_ended(running, status, err), *_said(case, status, err, bool(running.hung))]
    if control := re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", out + err):
        found.append(f"control character {control[0]!r} on the terminal")
    if "--json" in case.command and status == 0 and not strict(out):
        found.append("no JSON")
    if case.command[0] == "watch" and status == 0 and not running.hung:
        found += [f"{kind} in the page" for kind, _ in visit.judged(running.folder / "page")]
    before, after = running.before, contents(running.folder / "outside")
    if changed := sorted(name for name in after | before if after.get(name) != before.get(name)):
        found.append(f"changed outside: {', '.join(changed)}")
    return found


def _ended(running: Running, status: int, err: str) -> Iterator[str]:
    """What is wrong with how it ended."""
    words = running.case.command
    if running.hung:
        yield f"hang: it {running.hung}"
    elif running.interrupted is not None:
        if words[0] not in ("train", "tune") or status != 130:  # a training may take as long as it likes
            yield "hang: it had to be stopped"
    elif "Traceback (most recent call last)" in err:
        yield f"traceback: {_place(err)}"
    elif status not in (0, 2) and not (status == 1 and words[:2] == ("data", "info")):
        yield f"exit status {status}"


def _said(case: Case, status: int, err: str, hung: bool) -> Iterator[str]:
    """What is wrong with what it said on standard error: one line, or one for each picture."""
    lines = [line for line in err.splitlines() if not SAID.match(line)]
    if status == 2 and not lines and not hung:
        yield "exit status 2 without a word"
    each = case.command[0] == "predict" and all(line.startswith("error: ") for line in lines)
    if len(lines) > 1 and not each and "Traceback" not in err:
        yield f"more than one line on standard error: {re.sub(r'[^ ]*/[^ ]*|[0-9]+', '...', lines[0])[:80]}"


def strict(text: str) -> bool:
    """Whether a text is JSON, which has no NaN."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _place(err: str) -> str:
    """The kind of the error and the last function of fcnet in a traceback: one defect, one text."""
    files = re.findall(r'File ".*?/src/(fcnet/[^"]+)", line \d+, in (\S+)', err)
    last = [
        line
        for line in err.splitlines()
        if re.match(r"[\w.]+(Error|Exception|Interrupt|Warning|Exit)?(:|$)", line)
    ]
    kind = last[-1].partition(":")[0] if last else "?"
    return f"{kind} in {'/'.join(files[-1]) if files else 'other code'}"


def contents(folder: Path) -> dict[str, object]:
    """Every name below a folder, with the content of files."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found
