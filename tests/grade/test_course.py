"""A course is graded side by side, goes on where it stopped, and survives every single submission."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest

from fcnet.errors import FcnetError, RunError
from fcnet.judge.check import Options
from fcnet.judge.grade import find_entries, grade_course
from fcnet.judge.grade.course import CRASHED, Course, check_entry
from fcnet.judge.grade.rubric import Rubric
from fcnet.lock import locked
from fcnet.records import read_json
from grade.fakes import fake_check


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    folder.mkdir()
    for name, text in (("ada", ""), ("bo", "REG_GRAD_FACTOR"), ("cyd", "nothing"), ("dan", "")):
        (folder / f"{name}.py").write_text(text)
    return folder


def graded(course: Path, **options: object) -> Course:
    entries = find_entries(course)
    out = course.with_name("graded")
    return grade_course(entries, out, Options(), Rubric(), check=fake_check, **options)  # type: ignore[arg-type]


def test_everyone_is_graded_and_what_is_unchanged_is_kept(course: Path) -> None:
    told: list[str] = []
    first = graded(course, told=lambda one: told.append(one.name))
    assert [(one.name, one.verdict) for one in first.graded] == [
        ("ada", "right"), ("bo", "wrong"), ("cyd", "not checked"), ("dan", "right"),
    ]  # fmt: skip
    assert sorted(told) == ["ada", "bo", "cyd", "dan"]
    assert first.graded[2].problem == "no class in cyd/cyd.py"
    told.clear()
    (course / "dan.py").write_text("REG_GRAD_FACTOR")
    second = graded(course, told=lambda one: told.append(one.name))
    assert (told, second.reused) == (["dan"], 3)
    assert second.graded[3].verdict == "wrong"
    assert graded(course, again=True).reused == 0


def test_a_file_that_cannot_be_read_costs_one_submission(course: Path) -> None:
    """Not readable for anyone, root too: files that are gone when their turn comes."""
    with zipfile.ZipFile(course / "eve.zip", "w") as archive:
        archive.writestr("two_layernet.py", "x = 1")
    entries = find_entries(course)
    kept = {name: (course / name).read_bytes() for name in ("bo.py", "eve.zip")}
    for name in kept:
        (course / name).unlink()

    def graded_again() -> Course:
        return grade_course(entries, course.with_name("graded"), Options(), Rubric(), check=fake_check)

    first = graded_again()
    verdicts = [one.verdict for one in first.graded]
    assert verdicts == ["right", "not checked", "not checked", "right", "not checked"]
    for one, name in ((first.graded[1], "bo.py"), (first.graded[4], "eve.zip")):
        reason = f"{course / name}: No such file or directory"
        assert one.problem == f"cannot read {reason}, change its permissions and grade again"
        assert one.points == 0
    for name, content in kept.items():
        (course / name).write_bytes(content)
    second = graded_again()
    assert second.reused == 3  # what can be read now is checked
    assert [one.verdict for one in second.graded] == ["right", "wrong", "not checked", "right", "right"]


def test_a_damaged_record_is_made_anew(course: Path) -> None:
    graded(course)
    (course.with_name("graded") / "submissions" / "ada.json").write_text("{")
    (course.with_name("graded") / "submissions" / "bo.json").write_text('{"record": {}, "problem": ""}')
    again = graded(course)
    assert again.reused == 2
    assert again.graded[1].verdict == "wrong"


def test_one_crash_costs_one_submission(course: Path) -> None:
    (course / "bo.py").write_text("crash")
    (course / "eve.py").write_text("defect")
    outcome = graded(course)
    problems = {one.name: one.problem for one in outcome.graded}
    assert problems["bo"] == CRASHED
    assert "the check itself failed (ZeroDivisionError)" in problems["eve"]
    assert not problems["ada"] + problems["dan"]
    record = read_json(course.with_name("graded") / "submissions" / "eve.json")
    assert "a defect of the judge" in record["traceback"]
    assert graded(course).reused == 3  # a failure of ours is tried again


def test_a_system_that_holds_too_little_ends_the_grading(course: Path) -> None:
    (course / "ada.py").write_text("system")
    (course / "bo.py").write_text("slow")
    start = time.monotonic()
    with pytest.raises(FcnetError, match="holds too little"):
        graded(course)
    assert time.monotonic() - start < 20


def test_what_was_done_before_an_interruption_is_kept(course: Path) -> None:
    (course / "dan.py").write_text("slow")

    def interrupt(_: object) -> None:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    seen: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        graded(course, told=interrupt)
    (course / "dan.py").write_text("")
    assert graded(course).reused == 3


def test_two_gradings_into_one_folder_do_not_mix(course: Path) -> None:
    out = course.with_name("graded")
    out.mkdir()
    with locked(out), pytest.raises(RunError, match="in use"):
        graded(course)


def test_nothing_is_left_in_the_temporary_folder(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    (course / "bo.py").write_text("crash")
    graded(course)
    assert not list(scratch.iterdir())
    assert callable(check_entry)
