"""What the documents and the docstring show runs as it stands there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

from fcnet import FCNetClassifier

ROOT = Path(__file__).parents[2]


def test_the_example_in_the_docstring() -> None:
    tests = doctest.DocTestFinder(recurse=False).find(FCNetClassifier, globs={})
    assert sum(len(test.examples) for test in tests) >= 6
    for test in tests:
        assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize(("page", "least"), [("README.md", 1), ("docs/estimator.md", 4)])
def test_the_examples_on_a_page(
    page: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    own = [block for block in blocks if "FCNetClassifier" in block or page == "docs/estimator.md"]
    assert len(own) >= least
    names: dict[str, Any] = {}
    for block in own:
        exec(compile(block, page, "exec"), names)
    assert "poch" in capsys.readouterr().out
