# ruff: noqa: E501  each gap stands in one line
"""`fcnet start`: it runs from the first minute, and a filled gap is a right answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fcnet.errors import DataError
from fcnet.judge import Options, check_submission
from fcnet.judge.starting import SCRIPTS, write_start

SOLUTION = {
    '        scores = None\n        if scores is None:\n            raise NotImplementedError("question 1a: the scores")\n': """
        z2 = X @ W1 + b1
        a2 = np.maximum(z2, 0)
        z3 = a2 @ W2 + b2
        log_scores = z3 - np.logaddexp.reduce(z3, axis=1, keepdims=True)
        scores = np.exp(log_scores)
""",
    '        loss = None\n        if loss is None:\n            raise NotImplementedError("question 1b: the loss")\n': """
        rows = np.arange(len(y))
        loss = -log_scores[rows, y].mean() + reg * ((W1**2).sum() + (W2**2).sum())
""",
    '        grads = {}\n        if not grads:\n            raise NotImplementedError("question 2: the gradients")\n': """
        delta3 = scores.copy()
        delta3[rows, y] -= 1
        delta3 /= len(y)
        delta2 = (delta3 @ W2.T) * (z2 > 0)
        grads = {"W1": X.T @ delta2 + 2 * reg * W1, "b1": delta2.sum(axis=0),
                 "W2": a2.T @ delta3 + 2 * reg * W2, "b2": delta3.sum(axis=0)}
""",
    '            X_batch, y_batch = None, None\n            if X_batch is None:\n                raise NotImplementedError("question 3a: the minibatch")\n': """
            rows = np.random.choice(num_train, batch_size)
            X_batch, y_batch = X[rows], y[rows]
""",
    '            moved = False\n            if not moved:\n                raise NotImplementedError("question 3a: the step")\n': """
            for name in self.params:
                self.params[name] = self.params[name] - learning_rate * grads[name]
""",
    '        labels = None\n        if labels is None:\n            raise NotImplementedError("question 3a: the prediction")\n': """
        labels = self.loss(X).argmax(axis=1)
""",
}


def gaps_filled(text: str, count: int) -> str:
    """The template with the first gaps filled."""
    for old, new in list(SOLUTION.items())[:count]:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("notebook", [False, True])
def test_what_is_not_written_yet_is_said(notebook: bool, tmp_path: Path) -> None:
    paths = write_start(tmp_path / "exercise", notebook)
    report = check_submission(paths[0], Options())
    assert report.verdict == "unfinished"
    verdicts = {stage.stage: stage.verdict for stage in report.stages}
    assert verdicts["initialisation"] == "right"
    assert verdicts["scores"] == "unfinished"
    assert verdicts["loss"] == "not reached"


@pytest.mark.parametrize("notebook", [False, True])
def test_so_is_what_pytorch_lacks(notebook: bool, tmp_path: Path) -> None:
    path = next(p for p in write_start(tmp_path / "exercise", notebook) if p.stem == "ex2_pytorch")
    report = check_submission(path, Options())
    assert report.verdict == "unfinished", report.findings


@pytest.mark.parametrize(
    ("count", "right", "unfinished"),
    [(1, "scores", "loss"), (2, "scores", "gradients"), (3, "gradients", "prediction"), (6, "training", "")],
)
def test_what_is_written_is_checked(count: int, right: str, unfinished: str, tmp_path: Path) -> None:
    path = tmp_path / "two_layernet.py"
    write_start(tmp_path)
    path.write_text(gaps_filled(path.read_text(), count))
    report = check_submission(path, Options())
    verdicts = {stage.stage: stage.verdict for stage in report.stages}
    assert verdicts[right] == "right", report.findings
    assert report.verdict == ("unfinished" if unfinished else "right"), report.findings
    if unfinished:
        assert verdicts[unfinished] == "unfinished"


def test_the_driver_says_right_when_all_gaps_are_filled(tmp_path: Path) -> None:
    write_start(tmp_path)
    path = tmp_path / "two_layernet.py"
    path.write_text(gaps_filled(path.read_text(), 6))
    done = subprocess.run([sys.executable, "ex2_FCnet.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("right") == 7
    assert "WRONG" not in done.stdout


def test_the_notebooks_cells_run_one_after_the_other(tmp_path: Path) -> None:
    write_start(tmp_path, notebook=True)
    cells = json.loads((tmp_path / "two_layernet.ipynb").read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    done = subprocess.run([sys.executable, "-"], input=code, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "not written yet: question 1a" in done.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "ex2_pytorch.py").write_text("mine")
    with pytest.raises(DataError, match=r"has ex2_pytorch\.py already.*nothing was written"):
        write_start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ex2_pytorch.py"]


def test_the_templates_give_nothing_away(tmp_path: Path) -> None:
    for path in write_start(tmp_path):
        text = path.read_text()
        for code in (
            "@ W",
            ".dot(",
            "np.maximum(0",
            "argmax",
            "choice(",
            "zero_grad",
            ".backward(",
            "nn.Linear(",
            ".T",
        ):
            assert code not in text, (path, code)
    assert set(SCRIPTS) == {path.name for path in tmp_path.glob("*.py")}
