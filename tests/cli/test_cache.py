"""`fcnet cache`: what is of no use goes, and nothing else; no link is followed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fcnet.cli.cache
from fcnet.data.cache import IMAGES, LABELS, MANIFEST, cached, home
from fcnet.data.cache_folder import inventory, remove
from fcnet.data.dataset import Dataset, Origin, Part
from fcnet.lock import NAME, Lock
from run_folders import content

from .conftest import Result, refused

Run = Callable[[str], Result]

ONE = "0123456789abcdef"
"""Such a name as every folder of kept images has."""


@pytest.fixture
def cache(home: Path) -> Path:
    return home / "cache"


def keep(source: Path, name: str = "mine") -> Path:
    """Images that were read from a source; returns the folder in which they are kept."""
    images, labels = np.zeros((3, 4), np.uint8), np.zeros(3, np.int64)
    origin = Origin(str(source), "hash", None)
    data = Dataset(name, Part(images, labels), Part(images, labels), ("a",), (1, 2, 2), origin)
    cached(str(source), "state", lambda: data)
    return home_of(source)


def home_of(source: Path) -> Path:
    return home(str(source))


def gone(where: Path, source: Path) -> None:
    source.rmdir()


def other_version(where: Path, source: Path) -> None:
    about = json.loads((where / MANIFEST).read_text())
    (where / MANIFEST).write_text(json.dumps(about | {"version": 1}))


def damaged(where: Path, source: Path) -> None:
    (where / LABELS).write_bytes(b"damaged")


def unfinished(where: Path, source: Path) -> None:
    (where / MANIFEST).unlink()


def no_object(where: Path, source: Path) -> None:
    (where / MANIFEST).write_text("null")


def odd_values(where: Path, source: Path) -> None:
    about = json.loads((where / MANIFEST).read_text())
    (where / MANIFEST).write_text(json.dumps(about | {"arrays": 7}))


@pytest.mark.parametrize("spoil", [gone, other_version, damaged, unfinished, no_object, odd_values])
def test_images_of_no_use_are_removed(
    spoil: Callable[[Path, Path], None], fcnet: Run, cache: Path, tmp_path: Path
) -> None:
    useful, source = tmp_path / "useful", tmp_path / "source"
    useful.mkdir()
    source.mkdir()
    kept, where = keep(useful), keep(source)
    spoil(where, source)
    result = fcnet("cache prune --yes")
    assert (result.status, result.err) == (0, [])
    assert not where.exists()
    assert {path.name for path in kept.iterdir()} == {IMAGES, LABELS, MANIFEST}


def leave(path: Path, folder: bool = False) -> Path:
    """What a killed process or an older version left."""
    (path if folder else path.parent).mkdir(parents=True)
    (path / "data_batch_1" if folder else path).write_bytes(b"x" * 1500)
    return path


LEFT: dict[str, Callable[[Path], Path]] = {
    "a killed writer's file": lambda cache: leave(cache / "decoded" / ONE / ".images.npy.tmp-1-0123abcd"),
    "a lock": lambda cache: leave(cache / ".cifar-10-batches-py.lock"),
}  # fmt: skip


@pytest.mark.parametrize("made", LEFT.values(), ids=LEFT)
def test_leftovers_are_listed_and_removed(made: Callable[[Path], Path], fcnet: Run, cache: Path) -> None:
    left = made(cache)
    (entry,) = json.loads("\n".join(fcnet("cache list --json").out))["entries"]
    assert entry["stale"]
    assert left.is_relative_to(entry["path"])
    assert left.exists()
    assert fcnet("cache prune --yes").status == 0
    assert not left.exists()


def test_what_earlier_versions_kept_is_listed_and_removed(fcnet: Run, cache: Path, tmp_path: Path) -> None:
    kept = keep(tmp_path)
    about = json.loads((kept / MANIFEST).read_text()) | {"version": 2}
    del about["mapping"]
    (kept / MANIFEST).write_text(json.dumps(about))
    older = [cache / folder / ONE for folder in ("opened", "pictures", "rows")]
    for folder in older:
        folder.mkdir(parents=True)
        (folder / "X.npy").write_bytes(b"kept")
    mine = older[0].with_name("mine")
    mine.write_bytes(b"mine")
    listed = " ".join(" ".join(fcnet("cache list").out).split())
    assert listed.count("kept by another version of fcnet") == 1
    assert listed.count("another version of fcnet kept them") == 3
    fcnet("cache prune --yes")
    assert not any(folder.exists() for folder in (kept, *older))
    assert mine.exists()


def test_a_killed_writer_beside_good_images_loses_its_file_alone(fcnet: Run, tmp_path: Path) -> None:
    where = keep(tmp_path)
    left = where / ".images.npy.tmp-1-0123abcd"
    left.touch()
    assert fcnet("cache prune --yes").status == 0
    assert {path.name for path in where.iterdir()} == {IMAGES, LABELS, MANIFEST}


def test_all_removes_useful_things_and_beginnings(fcnet: Run, cache: Path, tmp_path: Path) -> None:
    where = keep(tmp_path)
    beginning = cache / "cifar-10-python.tar.gz.part"
    beginning.write_bytes(b"x")
    unpacked = leave(cache / "cifar-10-batches-py" / ".data_batch_1.tmp-1-0123abcd")
    assert "nothing to remove" in fcnet("cache prune").out[0]
    assert fcnet("cache prune --all --yes").status == 0
    assert not where.exists()
    assert not beginning.exists()
    assert not unpacked.parent.exists()


def test_what_fcnet_did_not_make_stays(fcnet: Run, cache: Path, tmp_path: Path) -> None:
    """A user may have chosen a folder with other files in it as the cache."""
    keep(tmp_path)
    for name in ("letter.txt", "pictures/cat.png", "decoded/letter.txt", "decoded/sub/letter.txt"):
        (cache / name).parent.mkdir(exist_ok=True)
        (cache / name).write_text("mine")
    copy = cache / "cifar-10-batches-py"
    copy.mkdir()
    (copy / "data_batch_1").touch()
    (copy / "mine.txt").write_text("mine")
    assert fcnet("cache prune --all --yes").status == 0
    left = {name for name, value in content(cache).items() if value == b"mine"}
    assert left == {"letter.txt", "pictures/cat.png", "decoded/letter.txt", "decoded/sub/letter.txt",
                    "cifar-10-batches-py/mine.txt"}  # fmt: skip
    assert not (copy / "data_batch_1").exists()


def test_no_link_is_followed(fcnet: Run, cache: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    leave(outside / ONE / IMAGES)
    leave(outside / "copy", folder=True)
    where = leave(cache / "decoded" / "0000000000000000" / IMAGES).parent
    (where / LABELS).symlink_to(outside / ONE / IMAGES)
    (where / "folder").symlink_to(outside)
    (cache / "decoded" / "1111111111111111").symlink_to(outside / ONE)
    (cache / "cifar-10-batches-py").symlink_to(outside / "copy")
    before = content(outside)
    result = fcnet("cache prune --all --yes")
    assert (result.status, result.err) == (0, [])
    assert content(outside) == before
    assert not where.exists()


def test_a_folder_that_becomes_a_link_before_it_is_removed_is_not_followed(
    cache: Path, tmp_path: Path
) -> None:
    leave(cache / "decoded" / ONE / IMAGES)
    (entry,) = inventory(cache)
    (cache / "decoded").rename(tmp_path / "outside")
    (cache / "decoded").symlink_to(tmp_path / "outside")
    before = content(tmp_path / "outside")
    assert remove(cache, entry) == "it is reached through a link"
    assert content(tmp_path / "outside") == before


def test_what_a_process_works_on_stays(fcnet: Run, cache: Path) -> None:
    where = leave(cache / "decoded" / ONE / IMAGES).parent
    lock = Lock(where / NAME)
    assert lock.try_acquire()
    try:
        (entry,) = json.loads("\n".join(fcnet("cache list --json").out))["entries"]
        assert entry["in_use_by"].startswith(f"process {os.getpid()} on ")
        assert "nothing to remove" in fcnet("cache prune --yes").out[0]
        assert any("in use by process" in line for line in fcnet("cache prune --all --yes").out)
        assert (where / IMAGES).exists()
    finally:
        lock.release()
    assert fcnet("cache prune --yes").status == 0
    assert not where.exists()


@pytest.mark.parametrize(("answer", "removed"), [("y", True), ("YES", True), ("n", False), ("", False)])
def test_it_says_what_goes_and_asks(
    answer: str, removed: bool, fcnet: Run, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leave(cache / "decoded" / ONE / IMAGES)
    asked: list[str] = []

    def reply(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr("builtins.input", reply)
    monkeypatch.setattr(fcnet_stdin(), "isatty", lambda: True, raising=False)
    result = fcnet("cache prune")
    assert asked == ["remove 1 entry, 2 kB? [y/N] "]
    assert any(ONE in line for line in result.out)
    assert path.exists() is not removed


def fcnet_stdin() -> Any:
    return fcnet.cli.cache.sys.stdin


def test_without_a_terminal_nothing_is_removed(fcnet: Run, cache: Path) -> None:
    path = leave(cache / "decoded" / ONE / IMAGES)
    refused(fcnet("cache prune"), "no terminal to ask on", "--yes")
    assert path.exists()


def test_using_images_again_is_noted(fcnet: Run, tmp_path: Path) -> None:
    where = keep(tmp_path)
    os.utime(where / MANIFEST, (86400, 86400))
    assert "1970-01-02" in "\n".join(fcnet("cache list").out)
    keep(tmp_path)
    assert "1970" not in "\n".join(fcnet("cache list").out)


def test_a_list_fits_and_shows_foreign_text_without_control_characters(fcnet: Run, tmp_path: Path) -> None:
    keep(tmp_path, name="\x1b[31mred\nline")
    result = fcnet("cache list")
    assert "\x1b" not in "".join(result.out)
    assert any(r"\x1b[31mred\nline" in line for line in result.out)
    assert max(map(len, result.out[1:])) <= 100


def test_a_cache_that_is_not_there_is_empty(fcnet: Run) -> None:
    assert fcnet("cache list").out[0].endswith("cache: 0 entries, 0 kB")
    assert fcnet("cache prune").status == 0


@pytest.mark.parametrize("command", ["cache list", "cache prune --yes"])
def test_a_cache_that_is_no_folder_is_one_line(
    command: str, fcnet: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "file"))
    result = fcnet(command)
    assert (result.status, len(result.err)) == (2, 1)
    assert result.err[0].endswith("file is not a folder, choose another with $FCNET_CACHE")
