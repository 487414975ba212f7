"""The command that takes the README's pictures from the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("browser")  # which skips the test where there is none
def test_it_writes_the_pictures_that_the_documents_show(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "explorer_figures.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True)
    for path in tmp_path.iterdir():
        kept = ROOT / "docs" / "figures" / path.name
        with Image.open(path) as new, Image.open(kept) as old:
            assert new.size == old.size == (1920, 1290)
        assert kept.stat().st_size < 250_000
        assert f"figures/{path.name}" in (ROOT / "docs" / "explore.md").read_text()
    assert len(list(tmp_path.iterdir())) == 3
