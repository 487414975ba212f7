"""Zips of all kinds: what is harmless is unpacked, and nothing else is written anywhere."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from fcnet.errors import DataError
from fcnet.judge.grade.archive import MOST_BYTES, MOST_FILES, unpack


def zipped(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def info(name: str, mode: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    made.flag_bits |= flags
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


def test_what_people_send_is_unpacked(tmp_path: Path, target: Path) -> None:
    archive = zipped(
        tmp_path / "a.zip",
        ("exercise2/", b""),
        ("exercise2/two_layernet.py", b"x = 1"),
        ("exercise2\\windows.py", b"y = 2"),
        ("__MACOSX/exercise2/._two_layernet.py", b"junk"),
        ("exercise2/.DS_Store", b"junk"),
        ("exercise2/__pycache__/x.pyc", b"junk"),
        ("übung/größe.py", b"z = 3"),
    )
    unpack(archive, target)
    assert files(target) == {
        "exercise2/two_layernet.py": b"x = 1",
        "exercise2/windows.py": b"y = 2",
        "übung/größe.py": b"z = 3",
    }


def test_names_in_utf8_are_read_though_the_zip_does_not_say_so(tmp_path: Path, target: Path) -> None:
    content = zipped(tmp_path / "a.zip", ("aaaaaaaa.py", b"x")).read_bytes()
    (tmp_path / "a.zip").write_bytes(content.replace(b"aaaaaaaa.py", "größe1".encode() + b".py"))
    unpack(tmp_path / "a.zip", target)
    assert files(target) == {"größe1.py": b"x"}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("../out.py", b"x")], "leads out of its folder"),
        ([("a/../../out.py", b"x")], "leads out of its folder"),
        ([("/etc/out.py", b"x")], "leads out of its folder"),
        ([("C:\\out.py", b"x")], "leads out of its folder"),
        ([("..\\out.py", b"x")], "leads out of its folder"),
        ([(info("link.py", stat.S_IFLNK | 0o777), b"/etc/passwd")], "is a link or a device"),
        ([(info("pipe.py", stat.S_IFIFO | 0o666), b"")], "is a link or a device"),
        ([("A.py", b"x"), ("a.py", b"y")], "twice"),
        ([("x" * 250 + ".py", b"x")], "too long"),
        ([("a\x1b[2J.py", b"x")], "not printable"),
        ([(f"{number}.py", b"") for number in range(MOST_FILES + 1)], "500 are allowed"),
        ([(f"{number}/", b"") for number in range(4 * MOST_FILES + 1)], "entries"),
        ([("bomb.py", bytes(MOST_BYTES + 1))], "MB inside"),
        ([("a", b"x"), ("a/b.py", b"x")], "cannot be unpacked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_harmful_zip_is_refused(
    entries: list[tuple[str | zipfile.ZipInfo, bytes]], words: str, tmp_path: Path, target: Path
) -> None:
    with pytest.raises(DataError, match=words):
        unpack(zipped(tmp_path / "a.zip", *entries), target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "inside"]
    assert not any(path.is_symlink() for path in target.rglob("*"))


def test_a_size_that_the_zip_lies_about_is_counted(tmp_path: Path, target: Path) -> None:
    """The directory says one byte, the data are more than is allowed."""
    archive = zipped(tmp_path / "a.zip", ("bomb.py", bytes(MOST_BYTES + 1)))
    size = (MOST_BYTES + 1).to_bytes(4, "little")
    content = archive.read_bytes()
    assert content.count(size) >= 2
    archive.write_bytes(content.replace(size, (1).to_bytes(4, "little")))
    with pytest.raises(DataError):
        unpack(archive, target)
    assert sum(map(len, files(target).values())) <= MOST_BYTES


def test_an_encrypted_zip_is_refused(tmp_path: Path, target: Path) -> None:
    content = bytearray(zipped(tmp_path / "a.zip", ("a.py", b"x")).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        unpack(tmp_path / "a.zip", target)


@pytest.mark.parametrize("place", range(0, 120, 7))
def test_a_damaged_zip_is_one_line(place: int, tmp_path: Path, target: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", b"x = 1\n" * 20)
    content = bytearray(buffer.getvalue())
    content[place % len(content)] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(content)
    said = ""
    try:
        unpack(tmp_path / "a.zip", target)
    except DataError as error:
        said = str(error)
    assert "\n" not in said
    assert said or files(target)
