"""The memory that is left is what the machine says, and a limit of the process counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fcnet import memory


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux accounts for memory in /proc")
def test_available_memory_is_part_of_all_of_it() -> None:
    left, size = memory.available(), memory.total()
    assert left is not None
    assert size is not None
    assert 0 < left < size


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux accounts for memory in /proc")
def test_the_limit_of_a_process_counts() -> None:
    code = (
        "import resource; from fcnet import memory; "
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); print(memory.available())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 1 << 26 < int(done.stdout) < 1 << 28


def test_what_the_system_does_not_say_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(path: Path, *_: object, **__: object) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert memory.available() == memory.total()
    monkeypatch.setattr("os.sysconf", lambda name: int("no such name"))
    assert memory.available() is None
