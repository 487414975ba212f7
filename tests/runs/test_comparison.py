"""Runs side by side, and whether one is better than another by more than chance."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnet.cli import main
from fcnet.data.dataset import Dataset
from fcnet.errors import DivergedError
from fcnet.runs.comparison import judge, of_accuracies, of_pairs, same_task, same_validation
from fcnet.runs.listing import Run, apart, by_data, find_runs, read_run
from fcnet.runs.testing import use_test_set
from fcnet.runs.training import train_run
from trainings import StopAfter, small

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def kept(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of every kind: good, better, stopped, diverged and damaged."""
    folder = tmp_path_factory.mktemp("kept")
    train_run(small(epochs=1, learning_rate=0.002), digits, folder / "poor")
    use_test_set(folder / "poor", digits)
    train_run(small(hidden=(32, 16)), digits, folder / "deeper" / "good")
    with pytest.raises(KeyboardInterrupt):
        train_run(small(), digits, folder / "stopped", callback=StopAfter(25))
    with pytest.raises(DivergedError):
        train_run(small(learning_rate=1e4), digits, folder / "diverged")
    for name in ("history.jsonl", "config.toml", "record.json", "test.json"):
        shutil.copytree(folder / "poor", folder / f"damaged {name}")
        (folder / f"damaged {name}" / name).write_text("[1")
    (folder / "no run").mkdir()
    return folder


@pytest.fixture
def runs(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(kept)
    return kept


def fcnet(capsys: Capture, *arguments: str) -> tuple[int, str, list[str]]:
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err.splitlines()


def test_every_run_is_listed_with_its_state(runs: Path) -> None:
    found = {str(path.relative_to(runs)): read_run(path) for path in find_runs(runs, print)}
    assert {name: run.state for name, run in found.items()} == {
        "poor": "finished", "deeper/good": "finished", "stopped": "unfinished", "diverged": "diverged",
        "damaged history.jsonl": "damaged", "damaged config.toml": "damaged",
        "damaged record.json": "damaged", "damaged test.json": "damaged",
    }  # fmt: skip
    for name, run in found.items():
        damaged = name.removeprefix("damaged ")
        assert (damaged in run.problem) == (damaged != name)
        assert (run.problem == "") == (damaged == name)
    assert found["poor"].test_accuracy == json.loads((runs / "poor" / "test.json").read_text())["accuracy"]
    assert found["stopped"].progress == pytest.approx(21 / 63)
    assert apart([found["poor"], found["poor"], found["deeper/good"]]) == [
        "", "", "hidden 32 16, epochs 3, learning_rate 0.05",
    ]  # fmt: skip


def test_the_table_has_the_best_first_and_says_what_is_damaged(runs: Path, capsys: Capture) -> None:
    status, out, err = fcnet(capsys, "runs", ".")
    assert (status, err) == (0, [])
    lines = out.splitlines()
    table = [line for line in lines if not line.startswith("damaged")]
    assert all(len(line) <= 80 for line in table)
    assert len(table) == len(set(table)) == 3 + 4  # a heading for the data, that of the table, no wrapped row
    states = re.findall(r"finished|at \d+ %|diverged", out)
    assert states[:3] == ["finished", "at 33 %", "finished"]
    names = [line.split("  ")[0].strip() for line in lines]
    assert names.index("deeper/good") < names.index("stopped") < names.index("poor")
    assert "hidden 32 16" in out
    assert len([line for line in lines if line.startswith("damaged")]) == 2 * 4  # in the table and below
    status, out, _ = fcnet(capsys, "runs", ".", "--json", "--sort", "name")
    listed = json.loads(out)
    assert [Path(run["folder"]).name for run in listed if run["state"] != "damaged"] == [
        "good", "diverged", "poor", "stopped",
    ]  # fmt: skip
    assert listed[-1]["settings"]["hidden"] == [24]


def test_a_run_that_needs_own_code_is_not_damaged(kept: Path, tmp_path: Path, capsys: Capture) -> None:
    run = shutil.copytree(kept / "poor", tmp_path / "own")
    settings = (run / "config.toml").read_text()
    (run / "config.toml").write_text(settings.replace('"relu"', '"swish"'))
    assert (read_run(run).state, read_run(run).val_accuracy) == (
        "needs own code", read_run(kept / "poor").val_accuracy,
    )  # fmt: skip
    status, out, _ = fcnet(capsys, "runs", str(tmp_path))
    assert status == 0
    assert "needs own code" in out
    assert "damaged" not in out
    assert "activation is 'swish', choose from" in out
    (run / "history.jsonl").write_text("[1")
    assert read_run(run).state == "damaged"


def test_a_folder_without_runs_is_one_line(runs: Path, capsys: Capture) -> None:
    for folder, said in {
        "no run": "no run holds no runs, make one: ",
        "nowhere": "nowhere is not a folder, ",
    }.items():
        status, _, err = fcnet(capsys, "runs", folder)
        assert (status, len(err)) == (2, 1)
        assert err[0].startswith(f"error: {said}")


def test_what_two_runs_differ_in(runs: Path, capsys: Capture) -> None:
    status, out, err = fcnet(capsys, "compare", "poor", "deeper/good")
    assert (status, err) == (0, [])
    rows = [re.split(r" {2,}", line.strip()) for line in out.splitlines()]
    assert ["hidden", "24", "32 16"] in rows
    assert ["learning_rate", "0.002", "0.05"] in rows
    assert not any(row[0] == "batch_size" for row in rows)
    assert "data: the same" in out
    first, second = read_run(runs / "poor"), read_run(runs / "deeper" / "good")
    accuracies = [f"{100 * (run.val_accuracy or 0):.1f} %" for run in (first, second)]
    assert ["validation accuracy", *accuracies] in rows
    sentence = " ".join(out.split("\n \n")[-1].split())
    assert re.search(
        r"deeper/good reaches [\d.]+ points more on validation \(standard error [\d.]+ points\): "
        r"chance alone hardly explains this difference\. Reason: on "
        r"the same 200 validation examples, poor alone gets \d+ right and good alone \d+ "
        r"\(McNemar's exact test, "
        r"p [<=] [\d.e-]+\)\. It says nothing about other seeds\.",
        sentence,
    )


@pytest.mark.parametrize(
    ("first", "second", "status", "said"),
    [
        ("poor", "stopped", 0, "Which is better cannot be said before both are finished."),
        ("poor", "poor", 0, "Both validation accuracies are equal: "),
        ("poor", "no run", 2, "no run is not a folder of a run, name one that fcnet train wrote"),
        ("poor", "damaged history.jsonl", 2, "damaged history.jsonl/history.jsonl is damaged in line 1"),
    ],
)
def test_runs_that_do_not_compare(
    first: str, second: str, status: int, said: str, runs: Path, capsys: Capture
) -> None:
    found, out, err = fcnet(capsys, "compare", first, second)
    assert found == status
    assert said in (" ".join(out.split()) if status == 0 else err[0])


def test_the_pairs_are_those_of_the_validation_images(runs: Path, digits: Dataset) -> None:
    from fcnet.data.dataset import split
    from fcnet.train.model import Model

    first, second = read_run(runs / "poor"), read_run(runs / "deeper" / "good")
    assert same_validation(first, second)
    verdict = judge(first, second, digits)
    validation = split(digits.train, 200)[1]
    right = [
        Model.load(run.folder).logits(validation.images).argmax(axis=1) == validation.labels
        for run in (first, second)
    ]
    assert verdict == of_pairs(
        int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()), 200, ("poor", "good")
    )
    weaker = judge(first, second, None)
    assert weaker is not None
    assert weaker.difference == pytest.approx(verdict.difference)
    assert weaker.text != verdict.text


# Statistics


def test_mcnemar_agrees_with_the_binomial_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    for one, other in ((0, 0), (3, 23), (23, 3), (18, 6), (50, 50), (1, 0), (400, 460)):
        expected = stats.binomtest(one, one + other).pvalue if one + other else 1.0
        assert of_pairs(one, other, 1000, ("a", "b")).p == pytest.approx(expected)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_the_standard_error_of_pairs_is_that_of_their_differences(pairs: list[tuple[bool, bool]]) -> None:
    differences = np.array([int(second) - int(first) for first, second in pairs])
    verdict = of_pairs(int((differences < 0).sum()), int((differences > 0).sum()), len(pairs), ("a", "b"))
    assert verdict.difference == pytest.approx(differences.mean())
    assert verdict.standard_error == pytest.approx(differences.std() / math.sqrt(len(pairs)))
    assert 0 < verdict.p <= 1


def test_chance_is_called_chance_at_its_rate() -> None:
    """Of comparisons of equally good nets, at most one in twenty may be called more than chance."""
    rng = np.random.default_rng(0)
    called = {"pairs": 0, "accuracies": 0}
    for _ in range(1000):
        both, one, other = rng.random(500) < 0.4, rng.random(500) < 0.2, rng.random(500) < 0.2
        first, second = both | one, both | other
        alone = int((first & ~second).sum()), int((second & ~first).sum())
        called["pairs"] += of_pairs(*alone, 500, ("a", "b")).significant
        fresh = rng.binomial(500, 0.5, 2) / 500
        called["accuracies"] += of_accuracies((fresh[0], fresh[1]), (500, 500), ("a", "b")).significant
    assert 10 < called["pairs"] <= 60
    assert 30 < called["accuracies"] <= 70


def test_a_tiny_difference_on_few_images_is_chance_and_on_many_is_not() -> None:
    assert not of_accuracies((0.50, 0.52), (1000, 1000), ("a", "b")).significant
    assert of_accuracies((0.50, 0.52), (10000, 10000), ("a", "b")).significant
    assert of_accuracies((1.0, 1.0), (10, 10), ("a", "b")).p == 1.0


def of(name: str, target: str | None) -> Run:
    """A run that has begun, on pictures or to predict a column of a table."""
    table = None if target is None else {"target": target, "missing": "median", "drop": [], "categorical": []}
    return Run(Path(f"{name}-{target}"), "unfinished", origin={"name": name, "label": name, "table": table})


def test_runs_that_predict_something_else_are_neither_compared_nor_ranked_together() -> None:
    income, other, job, pictures = (
        of("people", "income"),
        of("people", "income"),
        of("people", "job"),
        of("a", None),
    )
    assert same_task(income, other)
    assert same_task(income, Run(Path("old"), "unfinished"))
    assert not same_task(income, job)
    assert not same_task(income, pictures)
    assert list(by_data([income, other, pictures])) == ["people", "a"]
    assert by_data([income, job, other]) == {"people, income": [income, other], "people, job": [job]}


def test_what_does_not_predict_the_same_gets_no_verdict(runs: Path, capsys: Capture) -> None:
    record = json.loads((runs / "poor" / "record.json").read_text())
    shutil.copytree(runs / "poor", runs / "elsewhere")
    try:
        record["data"] |= {"name": "people", "table": None}
        (runs / "elsewhere" / "record.json").write_text(json.dumps(record))
        (runs / "elsewhere" / "SHA256SUMS").unlink(missing_ok=True)
        status, out, _ = fcnet(capsys, "compare", "poor", "elsewhere")
    finally:
        shutil.rmtree(runs / "elsewhere")
    assert status == 0
    assert out.splitlines()[-1] == "The two do not predict the same, so their accuracies are not compared."
