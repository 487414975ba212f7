"""Some seconds of fuzzing, and the judge: what it must notice, and what it must let pass."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fuzz import child, mutate
from fuzz.cases import Case
from fuzz.child import NOTE, Running, contents, ended, judged

SECONDS = float(os.environ.get("FCNET_FUZZ_SECONDS", "5"))  # a minute in continuous integration
"""How long commands are run, one at a time; the good inputs take some seconds more."""


@pytest.mark.slow
def test_no_spoiled_input_breaks_a_command(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("run.py")), "--minutes", str(SECONDS / 60)]
    for _ in range(2):  # the runner itself once ended without a record, for a reason that is not known yet
        done = subprocess.run(
            [*command, "--workers", "1", "--out", "fuzz.json"], cwd=tmp_path, capture_output=True, text=True
        )
        if (tmp_path / "fuzz.json").exists():
            break
        print(done.stderr)
    assert (tmp_path / "fuzz.json").exists(), done.stderr
    record = json.loads((tmp_path / "fuzz.json").read_text())
    assert record["findings"] == [], done.stdout
    assert record["inputs"] > 0
    assert (done.returncode, done.stderr) == (0, "")


def left(folder: Path, command: str, out: str = "", err: str = "") -> Running:
    """What a command left behind that ran in a folder."""
    (folder / "outside").mkdir()
    (folder / "outside" / "letter").write_text("dear friend")
    (folder / "out").write_text(out)
    (folder / "err").write_text(err)
    case = Case(0, "run", tuple(command.split()), ())
    return Running(case, folder, 0, time.monotonic(), contents(folder / "outside"))


TRACEBACK = """Traceback (most recent call last):
  File "/home/src/fcnet/cli/__init__.py", line 21, in main
    return parse(arguments).run()
  File "/home/src/fcnet/records.py", line 3, in read
    return 1 / 0
ZeroDivisionError: division by zero
"""


@pytest.mark.parametrize(
    ("command", "status", "out", "err", "found"),
    [
        ("runs .", 0, "all good\n", "", []),
        ("runs .", 2, "", "error: what, where, what to do\n", []),
        ("train --out x", 2, "", f"{NOTE}, so\nerror: what\n", []),
        ("predict x a.png b.png", 2, "", "error: a.png\nerror: b.png\n", []),
        ("data info", 1, "nothing there\n", "", []),
        ("runs . --json", 0, '[{"accuracy": 0.5}]', "", []),
        ("runs .", 1, "", TRACEBACK, ["traceback: ZeroDivisionError in fcnet/records.py/read"]),
        ("runs .", 1, "", "", ["exit status 1"]),
        ("runs .", -11, "", "", ["exit status -11"]),
        ("runs .", 2, "", "", ["exit status 2 without a word"]),
        ("runs .", 2, "", "error: one\nerror: two\n", ["more than one line on standard error: error: one"]),
        ("runs .", 0, "", "Warning: nan\n  a = b\n", ["more than one line on standard error: Warning: nan"]),
        ("runs .", 0, "\x1b[31mred", "", [r"control character '\x1b' on the terminal"]),
        ("predict x a.png --json", 0, "[NaN]", "", ["no JSON"]),
    ],
)  # fmt: skip
def test_the_judge(command: str, status: int, out: str, err: str, found: list[str], tmp_path: Path) -> None:
    assert judged(left(tmp_path, command, out, err), status) == found


def test_a_file_that_is_changed_or_made_outside_is_noticed(tmp_path: Path) -> None:
    running = left(tmp_path, "test x")
    (tmp_path / "outside" / "letter").write_text("process 3 on host")
    (tmp_path / "outside" / "new").touch()
    assert judged(running, 0) == ["changed outside: letter, new"]


@pytest.mark.parametrize(
    ("program", "still", "seconds", "found"),
    [
        ("import time; time.sleep(60)", 0.2, 60.0, ["hang: it waits"]),
        ("while True: pass", 60.0, 0.5, ["hang: it had to be stopped"]),
        (
            "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
            60.0,
            0.5,
            ["hang: it does not end, not even after Ctrl-C"],
        ),
    ],
)
def test_a_command_that_does_not_end_is_stopped(
    program: str,
    still: float,
    seconds: float,
    found: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child, "STILL", still)
    monkeypatch.setattr(child, "SECONDS", seconds)
    # on a busy machine a process may take long to end after Ctrl-C; one that ignores it is waited for in vain
    monkeypatch.setattr(child, "PATIENCE", 0.5 if "not even" in found[0] else 60.0)
    # Ctrl-C is heard, even where the tests run in the background and have inherited that it is not
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", heard + program], stderr=subprocess.DEVNULL, start_new_session=True
    )
    running = left(tmp_path, "runs .")
    running.pid = process.pid
    while (result := ended(running)) is None:
        time.sleep(0.01)
    process.returncode = result[0]  # it has been waited for
    assert judged(running, result[0]) == found


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.toml", "a.safetensors", "a.npz", "a.npy", "a.png"])
def test_every_kind_of_file_is_spoiled_in_ways_that_suit_it(name: str, tmp_path: Path) -> None:
    """The same seed does the same, and other seeds do other things."""
    from PIL import Image
    from safetensors.numpy import save_file

    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "letter").write_text("dear friend")
    spoiled = []
    for seed in [*range(25), *range(25)]:
        path = tmp_path / name
        match path.suffix:
            case ".png":
                Image.new("RGB", (4, 4)).save(path)
            case ".npy":
                np.save(path, np.ones((2, 3)))
            case ".npz":
                np.savez(path, X=np.ones((2, 3)), y=np.ones(2))
            case ".safetensors":
                save_file({"W1": np.ones((2, 3), np.float32)}, path, {"format": "1"})
            case ".toml":
                path.write_text("epochs = 3\nhidden = [4, 5]\n")
            case ".json":
                path.write_text('{"a": 1, "b": [2, {"c": 0.5}]}\n')
            case _:
                path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n')
        good = path.read_bytes()
        rng = random.Random(seed)
        rng.choice(mutate.KINDS[path.suffix])(path, rng)
        spoiled.append(path.read_bytes())
    assert spoiled[:25] == spoiled[25:] or path.suffix == ".npz"  # which holds times
    assert sum(content != good for content in spoiled) > 30
    assert len(set(spoiled[:25])) > 5
