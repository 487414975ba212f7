"""The archive: its hash comes first, and even then only known plain files come out."""

from __future__ import annotations

import gzip
import multiprocessing
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from fcnet.data.archive import extract
from fcnet.data.published import Published
from fcnet.errors import DataError

from .conftest import ARCHIVE, FOLDER, MEMBERS, Small, good_members, member, tar_bytes


def lay(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def hostile(small: Small) -> dict[str, bytes]:
    good = good_members(small.folder)
    outside = b"outside"
    last = f"{FOLDER}/readme.html"
    return {
        "parent": tar_bytes([*good, member("../outside", outside)]),
        "parent within": tar_bytes([*good, member(f"{FOLDER}/../../outside", outside)]),
        "absolute": tar_bytes([*good, member("/tmp/fcnet-outside", outside)]),
        "symbolic link": tar_bytes([member(FOLDER, type=tarfile.SYMTYPE, linkname="/tmp"), *good[1:]]),
        "link as member": tar_bytes([member(last, type=tarfile.SYMTYPE, linkname="x"), *good[:-1]]),
        "hard link": tar_bytes([*good[:-1], member(last, type=tarfile.LNKTYPE, linkname=good[1][0].name)]),
        "device": tar_bytes([*good[:-1], member(last, type=tarfile.CHRTYPE)]),
        "pipe": tar_bytes([*good[:-1], member(last, type=tarfile.FIFOTYPE)]),
        "sparse": tar_bytes([*good[:-1], member(last, bytes(512), type=tarfile.GNUTYPE_SPARSE)]),
        "twice": tar_bytes([*good, member(f"{FOLDER}/test_batch", b"other")]),
        "one more": tar_bytes([*good, member(f"{FOLDER}/data_batch_6", b"more")]),
        "one less": tar_bytes(good[:-2] + good[-1:]),
        "elsewhere": tar_bytes([member(info.name.replace(FOLDER, "x"), data) for info, data in good[1:]]),
        "deeper": tar_bytes([*good, member(f"{FOLDER}/{FOLDER}/test_batch", b"x")]),
        "giant": tar_bytes([*good[:-1], member(last, bytes(20_000_000))]),
        "cut": gzip.compress(gzip.decompress(small.archive)[:30_000]),
        "cut compressed": small.archive[:30_000],
        "no archive": gzip.compress(b"hello"),
        "not compressed": b"hello",
        "damaged": small.archive[:40_000] + bytes(100) + small.archive[40_100:],
    }  # fmt: skip


WHY = {
    "one less": "it lacks batches.meta",
    "elsewhere": "it lacks data_batch_1",
    "cut": "unexpected end of data",
    "cut compressed": "unexpected end of data",
    "no archive": "",
    "not compressed": "not a gzip file",
    "damaged": "",
}
"""What is said of those that lack a file or are damaged, even though their hash is right."""

HARMLESS = ("parent", "parent within", "absolute", "symbolic link", "link as member", "hard link", "device",
            "pipe", "sparse", "twice", "one more", "deeper", "giant")  # fmt: skip
"""Those of which nothing but the files of the data set is taken."""


@pytest.mark.parametrize("name", [*WHY, *HARMLESS])
def test_a_hostile_archive_writes_known_plain_files_alone(name: str, small: Small, tmp_path: Path) -> None:
    content = hostile(small)[name]
    archive = lay(tmp_path / "a.tar.gz", content)
    if name in HARMLESS:
        extract(archive, tmp_path / "new", small.with_archive(content))
    else:
        with pytest.raises(DataError, match="cannot be unpacked: ") as caught:
            extract(archive, tmp_path / "new", small.with_archive(content))
        assert WHY[name] in str(caught.value)
        assert "\n" not in str(caught.value)
    for path in (tmp_path / "new").rglob("*"):
        assert path.parent == tmp_path / "new" / FOLDER or path == tmp_path / "new" / FOLDER
        assert path.name in MEMBERS or path.name == FOLDER
        assert not path.is_symlink()
    assert {p.name for p in tmp_path.iterdir()} == {"a.tar.gz", "new", "work"}
    assert not Path("/tmp/fcnet-outside").exists()


def test_all_hostile_archives_are_tried(small: Small) -> None:
    assert set(hostile(small)) == {*WHY, *HARMLESS}


@pytest.mark.parametrize("part", ["size", "sha256"])
def test_size_and_hash_decide(part: str, small: Small, tmp_path: Path) -> None:
    (spec,) = small.published.remotes
    wrong = replace(spec, **{part: spec.size + 1 if part == "size" else "0" * len(getattr(spec, part))})
    archive = lay(tmp_path / ARCHIVE, small.archive)
    with pytest.raises(DataError, match="is not the published archive"):
        extract(archive, tmp_path / "new", replace(small.published, remotes=(wrong,)))
    assert not (tmp_path / "new").exists()


def test_the_hash_decides_before_anything_is_opened(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(tarfile, "open", never)
    with pytest.raises(DataError, match="is not the published archive"):
        extract(lay(tmp_path / ARCHIVE, small.archive[::-1]), tmp_path, small.published)
    with pytest.raises(AssertionError, match="opened"):
        extract(lay(tmp_path / ARCHIVE, small.archive), tmp_path, small.published)


def test_members_become_plain_files_of_ours(small: Small, tmp_path: Path) -> None:
    folder = extract(lay(tmp_path / ARCHIVE, small.archive), tmp_path / "new", small.published)
    for name in MEMBERS:
        state = (folder / name).stat()
        assert state.st_mode & 0o7111 == 0  # the archive says 6777
        assert state.st_uid != 1234
    assert folder.stat().st_mode & 0o777 == 0o755


def test_an_incomplete_folder_is_completed_and_leftovers_go(small: Small, tmp_path: Path) -> None:
    parent = tmp_path / "cache"
    folder = extract(lay(tmp_path / ARCHIVE, small.archive), parent, small.published)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "mine").write_text("precious")
    (folder / "data_batch_3").unlink()
    (folder / "batches.meta").unlink()
    (folder / ".batches.meta.tmp-1-0123abcd").touch()
    assert extract(tmp_path / ARCHIVE, parent, small.published) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before | {"mine": b"precious"}


@pytest.mark.parametrize("complete", [True, False])
def test_a_file_that_is_not_the_published_one_is_not_overwritten(
    complete: bool, small: Small, tmp_path: Path
) -> None:
    folder = extract(lay(tmp_path / ARCHIVE, small.archive), tmp_path / "cache", small.published)
    (folder / "test_batch").write_bytes(b"mine")
    if not complete:
        (folder / "data_batch_3").unlink()
    with pytest.raises(DataError, match=rf"test_batch is there and is not .*, move {folder} away"):
        extract(tmp_path / ARCHIVE, tmp_path / "cache", small.published)
    assert (folder / "test_batch").read_bytes() == b"mine"


def _extract(archive: Path, parent: Path, published: Published) -> None:
    extract(archive, parent, published)


@pytest.mark.slow
def test_processes_at_once(small: Small, tmp_path: Path) -> None:
    archive = lay(tmp_path / ARCHIVE, small.archive)
    context = multiprocessing.get_context("spawn")
    both = [
        context.Process(target=_extract, args=(archive, tmp_path / "new", small.published)) for _ in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert {p.name for p in (tmp_path / "new").iterdir()} == {FOLDER}
