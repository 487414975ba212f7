"""The archive: its hash comes first, and even then only the eight plain files come out."""

from __future__ import annotations

import gzip
import io
import multiprocessing
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from fcnet.data.archive import extract, opened
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


UNEXPECTED = "which the published archive does not"
WHY = {
    "parent": UNEXPECTED,
    "parent within": UNEXPECTED,
    "absolute": UNEXPECTED,
    "symbolic link": UNEXPECTED,
    "link as member": UNEXPECTED,
    "hard link": UNEXPECTED,
    "device": UNEXPECTED,
    "pipe": UNEXPECTED,
    "sparse": UNEXPECTED,
    "twice": "test_batch twice",
    "one more": UNEXPECTED,
    "one less": "it lacks batches.meta",
    "elsewhere": UNEXPECTED,
    "deeper": UNEXPECTED,
    "giant": "readme.html has 20000000 bytes",
    "cut": "unexpected end of data",
    "cut compressed": "ended before the end-of-stream marker",
    "no archive": "",
    "not compressed": "Not a gzipped file",
    "damaged": "",
}


@pytest.mark.parametrize("name", WHY)
def test_a_hostile_archive_leaves_nothing(name: str, small: Small, tmp_path: Path) -> None:
    content = hostile(small)[name]
    archive = lay(tmp_path / "a.tar.gz", content)
    with pytest.raises(DataError, match="cannot be unpacked: ") as caught:
        extract(archive, tmp_path / "new", small.with_archive(content))
    assert WHY[name] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "new").iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == {"a.tar.gz", "new", "work"}
    assert not Path("/tmp/fcnet-outside").exists()


def test_all_hostile_archives_are_tried(small: Small) -> None:
    assert set(hostile(small)) == set(WHY)


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
    monkeypatch.setattr(gzip, "GzipFile", never)
    with pytest.raises(DataError, match="is not the published archive"):
        extract(lay(tmp_path / ARCHIVE, small.archive[::-1]), tmp_path, small.published)
    with pytest.raises(AssertionError, match="opened"):
        extract(lay(tmp_path / ARCHIVE, small.archive), tmp_path, small.published)


def test_a_header_that_asks_for_all_memory(small: Small, tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    content = gzip.compress(info.tobuf() + bytes(40_000_000), 1)
    tracemalloc.start()
    with pytest.raises(DataError, match="it unpacks to far more than the published one"):
        extract(lay(tmp_path / "a", content), tmp_path / "new", small.with_archive(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_members_become_plain_files_of_ours(small: Small, tmp_path: Path) -> None:
    folder = extract(lay(tmp_path / ARCHIVE, small.archive), tmp_path / "new", small.published)
    for name in MEMBERS:
        state = (folder / name).stat()
        assert state.st_mode & 0o7111 == 0  # the archive says 6777
        assert state.st_uid != 1234
    assert folder.stat().st_mode & 0o777 == 0o755


def test_an_incomplete_folder_is_put_aside_and_leftovers_go(small: Small, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "mine").write_text("precious")
    (tmp_path / f".{FOLDER}.tmp-killed").mkdir()
    folder = extract(lay(tmp_path / ARCHIVE, small.archive), tmp_path, small.published)
    assert {p.name for p in folder.iterdir()} == set(MEMBERS)
    assert (tmp_path / f"{FOLDER}.old-1" / "mine").read_text() == "precious"
    assert not (tmp_path / f".{FOLDER}.tmp-killed").exists()


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


class TestOpened:
    def test_it_is_unpacked_once(self, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        archive = lay(tmp_path / ARCHIVE, small.archive)
        first = opened(archive, tmp_path / "cache", small.published)
        monkeypatch.setattr("fcnet.data.archive.extract", None)
        assert opened(archive, tmp_path / "cache", small.published) == first
        assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [ARCHIVE]

    def test_a_changed_archive_is_verified_again(self, small: Small, tmp_path: Path) -> None:
        archive = lay(tmp_path / ARCHIVE, small.archive)
        opened(archive, tmp_path / "cache", small.published)
        archive.write_bytes(small.archive[:-1] + b"x")
        with pytest.raises(DataError, match="is not the published archive: its sha256"):
            opened(archive, tmp_path / "cache", small.published)


def test_a_bounded_stream_is_what_stops_it() -> None:
    from fcnet.data.archive import _Bounded

    with gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(bytes(1000)))) as plain:
        stream = _Bounded(plain, 600)
        assert len(stream.read(512)) == 512
        with pytest.raises(DataError, match="far more"):
            stream.read(512)
