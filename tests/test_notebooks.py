"""The notebooks run from their first cell to their last, and what they show fits light and dark pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import notebooks
from fcnet.audit import audit_gradients
from fcnet.data.dataset import Dataset
from fcnet.notebook import Rows, curves, spread, table
from fcnet.runs.listing import read_run
from fcnet.runs.training import train_run
from fcnet.train.history import Evaluation, read_history
from fcnet.two_layernet import TwoLayerNet
from trainings import SMALL

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"


@pytest.fixture
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("nbclient", "ipykernel", "sklearn", "pandas"):
        pytest.importorskip(package)
    monkeypatch.setenv("PYTHONWARNINGS", "default")  # the kernel's own libraries, not ours


@pytest.mark.slow
@pytest.mark.usefixtures("needed")
@pytest.mark.parametrize("name", ["exercise", "own_table"])
def test_a_notebook_runs_and_shows_its_results(name: str) -> None:
    shown = notebooks.as_markdown(FOLDER / f"{name}.ipynb", run=True)
    assert "<table" in shown
    assert "<polyline" in shown
    assert "Traceback" not in shown


@pytest.mark.cifar10
@pytest.mark.usefixtures("needed")
def test_the_exercise_passes_48_percent_on_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FCNET_QUICK", raising=False)
    notebook = notebooks.executed(FOLDER / "exercise.ipynb")  # it asserts its own numbers
    text = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "50,000 training images" in text


def test_notebooks_are_kept_without_outputs() -> None:
    import json

    for path in FOLDER.glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name


def test_an_audit_a_history_and_a_run_show_themselves(tmp_path: Path, digits: Dataset) -> None:
    net = TwoLayerNet(4, 3, 2, std=0.1)
    audit = audit_gradients(net, [[1.0, 2.0, 3.0, 4.0]], [1])
    assert "✓ passed" in audit._repr_html_()
    assert all(name in audit._repr_html_() for name in ("W1", "b1", "W2", "b2"))
    train_run(SMALL, digits, tmp_path / "run")
    run = read_run(tmp_path / "run")
    shown = run._repr_html_()
    assert f"{100 * run.val_accuracy:.1f} %" in shown
    assert "finished" in shown
    history = read_history(tmp_path / "run" / "history.jsonl")
    assert isinstance(history, Rows)
    assert f"{100 * history[-1].val_accuracy:.1f} %" in history._repr_html_()
    for html in (audit._repr_html_(), shown, history._repr_html_()):
        assert not re.search(r"background|color:(?!inherit)|#fff|#000", html)  # the page's own, light or dark
        assert len(html) < 20_000


def test_everything_shown_is_text() -> None:
    evil = "<script>alert(1)</script>"
    assert "<script" not in table((evil, "b"), [(evil, "c")], evil) + curves({evil: [0.1, 0.2]})
    assert curves({"one point": [0.5]}) == ""


def test_a_long_history_is_shown_in_few_rows() -> None:
    row = Evaluation(1, 1.0, 1.0, 0.1, 2.0, 2.0, 0.5, 0.4, 2.1)
    assert Rows([row] * 500)._repr_html_().count("<tr>") == 11
    assert "10 of 500 rows" in Rows([row] * 500)._repr_html_()
    assert spread(500, 10)[0] == 0
    assert spread(500, 10)[-1] == 499
    assert Rows()._repr_html_() == "<p>no rows yet</p>"
