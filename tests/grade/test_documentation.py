"""docs/grading.md: every command is run as it stands, and its tables are those of the records."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import sys
import zipfile
from pathlib import Path

import pytest

from fcnet.cli import main
from fcnet.judge.catalogue import specimen
from fcnet.records import read_json
from isolation.attacks import ATTACKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "grading.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course as the page has it: Ada's is right, Bo's is Moodle's, Cyd's is a zip, Dan's is broken."""
    folder = tmp_path_factory.mktemp("course")
    right = specimen("numpy")
    wrong = right.replace("dW1 + 2 * reg * W1", "dW1 + reg * W1").replace(
        "dW2 + 2 * reg * W2", "dW2 + reg * W2"
    )
    assert wrong != right
    course = folder / "submissions"
    for name, text in (("ada", right), ("Bo Example_7_assignsubmission_file_", wrong)):
        (course / name).mkdir(parents=True)
        (course / name / "two_layernet.py").write_text(text)
    with zipfile.ZipFile(course / "cyd.zip", "w") as archive:
        archive.writestr("exercise/two_layernet.py", right)
    (course / "dan.zip").write_bytes(b"no zip")
    zipfile.ZipFile(folder / "empty.zip", "w").close()
    with zipfile.ZipFile(folder / "download.zip", "w") as archive:
        archive.writestr("Exercise 2/Ada Example_4_assignsubmission_file_/two_layernet.py", right)
        archive.writestr("Exercise 2/exampleflo_12_345_two_layernet-1.py", wrong)
    return folder


@pytest.fixture(scope="module")
def printed(folder: Path) -> list[str]:
    """What each command prints, in the order of the page."""
    import io

    told = []
    with contextlib.chdir(folder):
        for language, block in BLOCKS:
            if language == "toml":
                Path("rubric.toml").write_text(block)
                continue
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                program, *arguments = shlex.split(block)
                assert program == "fcnet"
                assert main(arguments) == 0, block
            told.append(output.getvalue())
            if "--gradescope" in block:
                assert json.loads(Path("results.json").read_text())["score"] == 18
            if "--prairielearn" in block:
                assert json.loads(Path("results.json").read_text())["score"] == 1
    return told


def test_every_command_of_the_page_runs(printed: list[str], folder: Path) -> None:
    commands = [block for language, block in BLOCKS if language == "sh"]
    assert len(printed) == len(commands) == 9
    assert "ada: 18 of 18 points, right" in printed[0]
    assert "Bo Example: 13 of 18 points, wrong" in printed[0]
    assert "Ada Example: 18 of 18 points" in printed[1]
    assert "exampleflo: 13 of 18 points" in printed[1]
    assert "dan: 0 of 18 points, not checked, dan.zip is damaged or not a zip" in printed[0]
    assert "4 of 4 unchanged" in printed[commands.index(next(c for c in commands if "--rubric" in c))]
    for name in ("grades.csv", "class.html", "students/ada.html", "submissions/ada.json"):
        assert (folder / "graded" / name).is_file()


def test_the_rubric_of_the_page_gives_its_points(printed: list[str], folder: Path) -> None:
    with contextlib.chdir(folder):
        main(["grade", "submissions", "--rubric", "rubric.toml"])
    rows = {
        line.split(",")[0]: line.split(",")
        for line in (folder / "graded" / "grades.csv").read_text().splitlines()
    }
    heading = rows["name"]
    bo = dict(zip(heading, rows["Bo Example"], strict=False))
    assert (bo["of"], bo["gradients"], bo["points"]) == ("18", "4", "16")


def test_hostile_submissions_do_not_stop_the_others(folder: Path, tmp_path: Path) -> None:
    course = tmp_path / "submissions"
    course.mkdir()
    (course / "ada.py").write_text(specimen("numpy"))
    (course / "eve.py").write_text(
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + specimen("numpy")
    )
    (course / "flo.py").write_text("import os\nos._exit(0)\n")
    assert main(["grade", str(course), "--out", str(tmp_path / "out")]) == 0
    verdicts = {
        one: read_json(tmp_path / "out" / "submissions" / f"{one}.json")["record"]
        for one in ("ada", "eve", "flo")
    }
    assert verdicts["ada"]["verdict"] == "right"
    assert verdicts["flo"]["verdict"] != "right"


def test_the_exit_status_says_whether_all_points_are_reached(folder: Path) -> None:
    with contextlib.chdir(folder / "submissions"):
        assert main(["grade", "cyd.zip", "--one"]) == 0
        assert main(["grade", "Bo Example_7_assignsubmission_file_", "--one", "--annotations"]) == 1
        assert main(["grade", "dan.zip", "--one"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "is not a folder"),
        (["submissions", "--out", "submissions/graded"], "lies in the folder"),
        (["submissions", "--workers", "0"], "workers is 0"),
        (["submissions", "--out", "mine"], "is not of an earlier grading"),
        (["submissions", "--rubric", "missing.toml"], "cannot read"),
        (["nowhere", "--one"], "there is no nowhere"),
        (["empty.zip", "--out", "graded-empty"], "holds no submissions"),
    ],
)
def test_a_mistake_of_the_teachers_is_one_line(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine" / "grades.csv").write_text("my own")
    with contextlib.chdir(folder):
        assert main(["grade", *arguments]) == 2
    assert (folder / "mine" / "grades.csv").read_text() == "my own"
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert error.count("\n") == 1


def test_the_tables_are_those_of_the_records() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from generate import fill
        from grading_tables import blocks
    finally:
        sys.path.remove(str(ROOT / "docs"))
    assert fill(ROOT / "docs" / "grading.md", blocks(ROOT / "results" / "checking")) == PAGE


def test_the_record_of_the_attacks_has_them_all_and_no_harm() -> None:
    record = read_json(ROOT / "results" / "checking" / "attacks.json")
    assert [(entry["name"], entry["tries"]) for entry in record["attacks"]] == [
        (attack.name, attack.tries) for attack in ATTACKS
    ]
    assert len(record["attacks"]) >= 25
    for entry, attack in zip(record["attacks"], ATTACKS, strict=True):
        assert attack.outcome == "any" or entry["outcome"] in attack.outcome.split("|"), attack.name
        assert entry["verdict"] != "right"
        assert not entry["harm"]
