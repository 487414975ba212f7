"""Who has handed in what, as people and learning platforms write it."""

from __future__ import annotations

import errno
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fcnet.errors import DataError
from fcnet.judge.grade.entries import Entry, find_entries, fit, one_entry, passed_over, unique


def write(path: Path, text: str = "x = 1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def prepared(entry: Entry, folder: Path) -> tuple[str, list[str]]:
    folder.mkdir()
    path = entry.prepare(folder)
    return str(path.relative_to(folder)), sorted(str(p.relative_to(folder)) for p in folder.rglob("*.*"))


def test_each_folder_file_notebook_and_zip_is_a_submission(tmp_path: Path) -> None:
    course = tmp_path / "course"
    write(course / "ada" / "two_layernet.py")
    write(course / "ada" / "helper.py")
    write(course / "bo.py")
    write(course / "cyd.ipynb")
    with zipfile.ZipFile(course / "dan.zip", "w") as archive:
        archive.writestr("inner/two_layernet.py", "x = 1")
    write(course / "eve.rar")
    write(course / "readme.txt")
    write(course / ".hidden" / "x.py")
    (course / "link").symlink_to(tmp_path)
    entries = find_entries(course)
    others = "files that are no .py file, notebook or zip: 1, such as readme.txt"
    assert passed_over(course, entries) == f"links: 1, such as link; {others}"
    assert [entry.name for entry in entries] == ["ada", "bo", "cyd", "dan", "eve"]
    assert prepared(entries[0], tmp_path / "0") == (".", ["helper.py", "two_layernet.py"])
    assert prepared(entries[1], tmp_path / "1") == ("bo.py", ["bo.py"])
    assert prepared(entries[3], tmp_path / "3") == ("inner/two_layernet.py", ["inner/two_layernet.py"])
    with pytest.raises(DataError, match=r"eve.rar is not a zip"):
        prepared(entries[4], tmp_path / "4")


def test_a_single_file_does_not_see_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "course" / "ada.py")
    write(tmp_path / "course" / "bo.py")
    ada = find_entries(tmp_path / "course")[0]
    assert prepared(ada, tmp_path / "ada") == ("ada.py", ["ada.py"])


def test_moodle_and_canvas_are_understood(tmp_path: Path) -> None:
    course = tmp_path / "course"
    with_zip = course / "Ada Example_4711_assignsubmission_file_"
    with_zip.mkdir(parents=True)
    with zipfile.ZipFile(with_zip / "ex2.zip", "w") as archive:
        archive.writestr("two_layernet.py", "x = 1")
    write(course / "exampleada_12_345_two_layernet.py")
    write(course / "exampleada_12_346_ex2_pytorch-2.py")
    write(course / "examplebo_LATE_13_347_two_layernet-1.py")
    entries = {entry.shown: entry for entry in find_entries(course)}
    assert set(entries) == {"Ada Example", "exampleada", "examplebo"}
    assert [name for name, _ in entries["exampleada"].files] == ["two_layernet.py", "ex2_pytorch.py"]
    assert [name for name, _ in entries["examplebo"].files] == ["two_layernet.py"]
    assert prepared(entries["Ada Example"], tmp_path / "0") == ("two_layernet.py", ["two_layernet.py"])


def test_names_fit_every_file_system_and_differ() -> None:
    assert fit("../../etc/passwd") == "etc-passwd"
    assert fit("Åsa Ünal <script>") == "Åsa-Ünal-script"
    assert fit("...") == "submission"
    assert list(unique(["a b", "A-b", "a-b"])) == ["a-b", "A-b-2", "a-b-3"]


def test_links_are_no_part_of_a_submission(tmp_path: Path) -> None:
    write(tmp_path / "secret.py")
    write(tmp_path / "course" / "ada" / "two_layernet.py")
    (tmp_path / "course" / "ada" / "more.py").symlink_to(tmp_path / "secret.py")
    (entry,) = find_entries(tmp_path / "course")
    assert [name for name, _ in entry.files] == ["two_layernet.py"]
    assert passed_over(tmp_path / "course", [entry]) == "links: 1, such as ada/more.py"
    (tmp_path / "course" / "ada" / "two_layernet.py").unlink()
    (entry,) = find_entries(tmp_path / "course")
    with pytest.raises(DataError, match=r"ada holds a link, more.py, and no file; links are not followed"):
        entry.prepare(tmp_path / "target")


@pytest.mark.parametrize(
    ("files", "words"),
    [([], "is empty"), ([("notes.txt", "x")], "no .py file"), ([("a.py", "x" * (33 << 20))], "too large")],
)
def test_what_cannot_be_checked_is_said(files: list[tuple[str, str]], words: str, tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    folder.mkdir()
    for name, text in files:
        write(folder / name, text)
    with pytest.raises(DataError, match=words):
        prepared(one_entry(folder), tmp_path / "target")


def test_the_digest_follows_names_and_contents(tmp_path: Path) -> None:
    def digest() -> str:
        return one_entry(tmp_path).digest()

    write(tmp_path / "a.py")
    first = digest()
    assert digest() == first
    write(tmp_path / "a.py", "x = 2")
    second = digest()
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, second, digest()}) == 3


def test_a_folder_without_submissions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no submissions"):
        find_entries(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        find_entries(tmp_path / "missing")
    with pytest.raises(DataError, match="there is no"):
        one_entry(tmp_path / "missing")


def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the problem of its submission, not left out in silence, and no problem of the others."""
    course = tmp_path / "course"
    write(course / "ada" / "two_layernet.py")
    closed = write(course / "bo" / "parts" / "two_layernet.py").parent
    write(course / "bo" / "notes.py")
    monkeypatch.setattr(os, "scandir", refusing(closed))
    ada, bo = find_entries(course)
    assert prepared(ada, tmp_path / "ada") == ("two_layernet.py", ["two_layernet.py"])
    for entry in (bo, one_entry(course / "bo")):
        with pytest.raises(
            DataError, match=rf"^cannot enter {re.escape(str(closed))}, change its permissions"
        ):
            entry.prepare(tmp_path / "bo")


def test_a_folder_that_may_be_listed_alone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names are known, and nothing else of its files."""
    closed = write(tmp_path / "bo" / "two_layernet.py").parent
    original = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        if path.parent == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return original(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    with pytest.raises(DataError, match=rf"^cannot enter {re.escape(str(closed))}, change its permissions"):
        one_entry(closed).prepare(tmp_path / "target")


def refusing(closed: Path) -> Any:
    """`os.scandir`, as it is for a user who may not enter this folder."""

    def scandir(path: Any = ".") -> Any:
        if Path(os.fsdecode(path)) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(closed))
        return original(path)

    original = os.scandir
    return scandir


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """To read a pipe would take for ever."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("Windows has no pipes with names")
    write(tmp_path / "ada.py")
    os.mkfifo(tmp_path / "pipe.py")
    entries = find_entries(tmp_path)
    assert [entry.name for entry in entries] == ["ada"]
    assert "pipe.py" in passed_over(tmp_path, entries)
