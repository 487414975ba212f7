"""`--cifar10`: the curve of the submission beside ours, here on random pictures of the same kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fcnet.errors import DataError
from fcnet.judge import Options, check_submission
from fcnet.judge.cifar10 import Images
from judge.right_solutions import ONE_HOT


@pytest.fixture(scope="module")
def images() -> Images:
    """Pictures of ten classes that a linear map tells apart, scaled as pixels are."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 60, (10, 400))
    y = rng.integers(0, 10, 700)
    X = (centres[y] + rng.normal(0, 60, (700, 400))).astype(np.float32)
    return Images(X[:600], y[:600], X[600:], y[600:], "random pictures")


def test_a_right_solution_follows_our_curve(images: Images, tmp_path: Path) -> None:
    path = tmp_path / "two_layernet.py"
    path.write_text(ONE_HOT)
    report = check_submission(path, Options(images=images))
    assert report.verdict == "right", report.findings
    assert report.stages[-1].stage == "cifar10"
    assert report.stages[-1].verdict == "right"
    assert any("the loss falls from 2.30" in note for note in report.notes)


def test_a_training_that_goes_astray_on_many_examples_is_seen(images: Images, tmp_path: Path) -> None:
    path = tmp_path / "two_layernet.py"
    path.write_text(
        ONE_HOT.replace(
            "num_train = X.shape[0]",
            "num_train = X.shape[0]\n        learning_rate *= 300 if num_train > 500 else 1",
        )
    )
    report = check_submission(path, Options(images=images))
    assert [finding.code for finding in report.findings] == ["CIFAR10_CURVE"]
    assert report.verdict == "wrong"


def test_without_cifar10_it_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fcnet.cli.check import Check

    monkeypatch.setenv("FCNET_OFFLINE", "1")
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FCNET_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "two_layernet.py"
    path.write_text(ONE_HOT)
    with pytest.raises(DataError):
        Check(path, cifar10=True).run()
