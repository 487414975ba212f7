"""Points follow the rubric; tables and platforms say the same."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from fcnet.errors import DataError
from fcnet.judge.grade import platforms
from fcnet.judge.grade.graded import Graded
from fcnet.judge.grade.pages import bands, class_page, student_page
from fcnet.judge.grade.rubric import Rubric, read_rubric
from fcnet.judge.grade.summary import frequencies, grades_csv, harmless
from grade.fakes import record


def graded(name: str, *codes: str, rubric: Rubric | None = None, problem: str = "") -> Graded:
    return Graded(name, name, {} if problem else record(*codes), problem, rubric or Rubric())


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    return path


def test_without_a_rubric_the_points_are_the_exercises() -> None:
    assert dict(read_rubric(None).points) == {
        "scores": 4, "loss": 4, "loops": 2, "gradients": 5, "training": 3,
    }  # fmt: skip
    assert graded("ada").points == 18
    assert graded("bo", "REG_GRAD_FACTOR").points == 13
    assert graded("cyd", problem="empty").points == 0


def test_a_rubric_says_what_a_stage_is_worth_and_what_a_mistake_costs(tmp_path: Path) -> None:
    text = "[points]\nscores = 1\ngradients = 10\n[deductions]\nREG_GRAD_FACTOR = 4\nSOFTMAX_OVERFLOW = 0.5\n"
    rubric = read_rubric(written(tmp_path, f"\ufeff{text}"))  # the mark that Windows Notepad writes
    assert rubric.total == 11
    assert graded("ada", rubric=rubric).points == 11
    assert graded("bo", "REG_GRAD_FACTOR", rubric=rubric).by_stage == {"scores": 1, "gradients": 6}
    assert graded("cyd", "REG_GRAD_FACTOR", "RELU_MASK_MISSING", rubric=rubric).by_stage["gradients"] == 0


def test_a_rubric_may_count_the_pytorch_half_and_its_mistakes(tmp_path: Path) -> None:
    text = '[points]\nforward = 2\n"pytorch training" = 3\n[deductions]\nPT_EVAL_MODE = 0.5\n'
    rubric = read_rubric(written(tmp_path, text))
    assert rubric.total == 5
    assert rubric.deductions == {"PT_EVAL_MODE": 0.5}


def test_a_remark_costs_what_the_rubric_says_and_nothing_else() -> None:
    assert graded("ada", "REMARK").points == 18
    assert graded("ada", "REMARK", rubric=Rubric(deductions={"REMARK": 1.5})).points == 16.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("points = 5", "not a table"),
        ("[points]\nscore = 5", "the stages are"),
        ("[points]\nscores = -1", "0 or more"),
        ("[points]\nscores = true", "0 or more"),
        ("[points]\nscores = nan", "0 or more"),
        ("[points]\nscores = 0", "no points at all"),
        ("[deductions]\nNO_SUCH_CODE = 1", "not a code of the catalogue"),
        ("[point]\nscores = 1", "a rubric has"),
        ("title = 5", "give a text"),
        ("points = [", "cannot read"),
    ],
)
def test_a_wrong_rubric_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words) as error:
        read_rubric(written(tmp_path, text))
    assert "rubric.toml" in str(error.value)


def test_mistakes_are_counted_by_who_made_them() -> None:
    everyone = [
        graded("ada", "RELU_MASK_MISSING"),
        graded("bo", "RELU_MASK_MISSING", "REG_GRAD_FACTOR", "REMARK"),
        graded("cyd", problem="empty"),
    ]
    assert [(kind.code, len(kind.who)) for kind in frequencies(everyone)] == [
        ("RELU_MASK_MISSING", 2), ("REG_GRAD_FACTOR", 1), ("REMARK", 1),
    ]  # fmt: skip


def test_the_table_has_a_line_for_everyone_and_no_formula() -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(grades_csv([graded("=1+1", "REG_GRAD_FACTOR"), graded("bo", problem="a, b")]))
        )
    )
    assert (rows[0]["name"], rows[0]["points"], rows[0]["gradients"]) == ("'=1+1", "13", "0")
    assert rows[0]["mistakes"] == "REG_GRAD_FACTOR"
    assert (rows[1]["verdict"], rows[1]["problem"], rows[1]["points"]) == ("not checked", "a, b", "0")
    assert harmless("@SUM(A1)") == "'@SUM(A1)"


def test_gradescope_gets_a_test_for_each_stage() -> None:
    told = platforms.gradescope(graded("ada", "REG_GRAD_FACTOR"))
    assert told["score"] == sum(test["score"] for test in told["tests"]) == 13
    gradients = next(test for test in told["tests"] if test["name"] == "gradients")
    assert (gradients["max_score"], gradients["status"]) == (5, "failed")
    assert "line 12: A message for REG_GRAD_FACTOR" in gradients["output"]
    assert platforms.gradescope(graded("bo", problem="empty"))["output"] == "empty"


def test_prairielearn_gets_a_part_of_1() -> None:
    told = platforms.prairielearn(graded("ada", "REG_GRAD_FACTOR"))
    assert told["gradable"]
    assert told["score"] == pytest.approx(13 / 18)
    assert platforms.prairielearn(graded("bo", problem="empty")) == {
        "gradable": False, "format_errors": ["empty"],
    }  # fmt: skip


def test_github_gets_a_line_for_each_finding() -> None:
    lines = platforms.github(graded("ada", "REG_GRAD_FACTOR", "REMARK"))
    assert lines[0] == (
        "::error file=file.py,line=12,title=REG_GRAD_FACTOR::A message for REG_GRAD_FACTOR <script>."
    )
    assert lines[1].startswith("::warning ")
    assert platforms.escaped("50 %\nx:y,z", True) == "50 %25%0Ax%3Ay%2Cz"


def test_pages_show_everyone_and_escape_what_students_wrote() -> None:
    everyone = [graded("ada<b>", "REG_GRAD_FACTOR"), graded("bo"), graded("cyd", problem="<i>empty</i>")]
    page = class_page(everyone)
    assert "3 submissions" in page
    assert "1 (33 %)" in page
    assert "ada&lt;b&gt;" in page
    assert "&lt;i&gt;empty" in page
    for one in everyone:
        text = student_page(one)
        assert "<script" not in text
        assert f"{one.points:g} of 18 points" in text
    with_lines = replace(everyone[0], page="<html><body class='x'><p>lines</p></body></html>")
    assert student_page(with_lines).startswith("<html><body class='x'><section>")
    assert student_page(with_lines).endswith("</section><p>lines</p></body></html>")
    assert "<i>" not in page + student_page(everyone[2])


def test_the_distribution_counts_everyone_once() -> None:
    counted = bands([0.0, 1.7, 1.8, 17.9, 18.0], 18.0)
    assert sum(count for _, count in counted) == 5
    assert counted[0] == ("0 to 1.8", 2)
    assert counted[-1] == ("16.2 to 18", 2)
