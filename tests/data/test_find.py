"""A copy is found in every usual place, in order; a folder that was named is never passed over."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fcnet.data.datasets import DATASETS
from fcnet.data.find import Found, cache_root, find, places
from fcnet.errors import DataError

from .conftest import ARCHIVE, CIFAR10, FOLDER, write_folder


def test_the_order(own_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find() is None
    in_order = []
    for parent in (own_world, Path("datasets"), Path("data"), tmp_path / "variable"):
        folder = write_folder(parent)
        if parent.name == "variable":
            monkeypatch.setenv("FCNET_DATA", str(parent))
        assert find() == Found(CIFAR10, folder)
        in_order.append(folder)
    option = write_folder(tmp_path / "option")
    assert find(tmp_path / "option") == Found(CIFAR10, option)
    assert [place.path for place in places(tmp_path)] == [tmp_path]


def test_what_may_be_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "torchvision")
    (tmp_path / "torchvision" / ARCHIVE).write_bytes(b"left by torchvision")
    assert find(tmp_path / "torchvision") == Found(CIFAR10, folder)
    assert find(folder) == Found(CIFAR10, folder)
    assert find(tmp_path / "torchvision" / ARCHIVE) == Found(CIFAR10, tmp_path / "torchvision" / ARCHIVE)
    (folder / "test_batch").unlink()
    archive = Found(CIFAR10, tmp_path / "torchvision" / ARCHIVE)
    assert find(tmp_path / "torchvision") == archive


def test_a_folder_of_another_name_is_taken_by_its_files(tmp_path: Path) -> None:
    renamed = write_folder(tmp_path).rename(tmp_path / "cifar")
    assert find(renamed) == Found(CIFAR10, renamed)


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folder = write_folder(tmp_path / "x")
    assert find(Path("~/x")) == Found(CIFAR10, folder)
    monkeypatch.setenv("FCNET_CACHE", "~/c")
    assert cache_root() == tmp_path / "c"


def test_the_cache_is_the_systems_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("FCNET_CACHE")
    assert cache_root() == Path(platformdirs.user_cache_dir("fcnet"))


@pytest.mark.parametrize("by", ["--data", "$FCNET_DATA"])
def test_a_named_folder_without_data_is_an_error(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(Path("data"))  # would be found, had nothing been named

    def look(path: Path) -> None:
        monkeypatch.setenv("FCNET_DATA", str(path) if by == "$FCNET_DATA" else "/elsewhere")
        find(path if by == "--data" else None)

    with pytest.raises(DataError) as missing:
        look(tmp_path / "missing")
    assert str(missing.value).startswith(f"{tmp_path / 'missing'} ({by}) does not exist, name a folder")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as empty:
        look(tmp_path / "empty")
    assert f"({by}) holds no CIFAR-10" in str(empty.value)
    assert f"fcnet data fetch --data {tmp_path / 'empty'}" in str(empty.value)
    with pytest.raises(DataError, match=f"fcnet data fetch --name mnist --data {tmp_path / 'empty'}"):
        find(tmp_path / "empty", DATASETS["mnist"])
    folder = write_folder(tmp_path / "part")
    (folder / "data_batch_3").unlink()
    with pytest.raises(DataError) as part:
        look(tmp_path / "part")
    assert f"{folder} ({by}) lacks data_batch_3" in str(part.value)


def test_an_incomplete_folder_in_a_usual_place_is_passed_over(own_world: Path) -> None:
    (write_folder(Path("data")) / "test_batch").unlink()
    complete = write_folder(own_world)
    assert find() == Found(CIFAR10, complete)
    assert complete.name == FOLDER


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("x" * 300, r"x+ \(--data\) cannot be read \(File name too long\), name another folder"),
        ("~no-such-user-here/x", r"begins with an unknown user, write the path in full"),
        ("loop", r"loop \(--data\) cannot be read \(.*symbolic links.*\), name another folder"),
    ],
)
def test_a_path_that_cannot_be_looked_at(path: str, message: str) -> None:
    Path("loop").symlink_to("loop")
    with pytest.raises(DataError, match=message):
        find(Path(path))


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "theirs")
    honest = Path.stat

    def forbidden(self: Path, **kwargs: bool) -> os.stat_result:
        if "theirs" in self.parts:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return honest(self, **kwargs)

    monkeypatch.setattr(Path, "stat", forbidden)
    with pytest.raises(DataError, match=r"theirs \(--data\) cannot be read \(Permission denied\)"):
        find(tmp_path / "theirs")
