"""The commands that take the README's pictures and animations from the pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("browser")  # which skips the test where there is none
@pytest.mark.parametrize(("tool", "page"), [("explorer_figures", "explore"), ("live_figures", "watch")])
def test_it_writes_the_pictures_that_the_documents_show(tmp_path: Path, tool: str, page: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / f"{tool}.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True)
    shown = (ROOT / "docs" / f"{page}.md").read_text() + (ROOT / "README.md").read_text()
    for path in tmp_path.iterdir():
        kept = ROOT / "docs" / "figures" / path.name
        with Image.open(path) as new, Image.open(kept) as old:
            assert new.size == old.size
            assert new.width == 1920
        assert kept.stat().st_size < 250_000
        assert f"figures/{path.name}" in shown
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.usefixtures("browser")
def test_it_writes_the_animations_that_the_readme_shows(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "animations.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True)
    readme = (ROOT / "README.md").read_text()
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in (ROOT / "docs" / "figures").glob("*.webp"))
    assert len(made) == 6
    for name in made:
        kept = ROOT / "docs" / "figures" / name
        with Image.open(tmp_path / name) as new, Image.open(kept) as old:
            assert new.size == old.size == (960, 640)
            assert new.n_frames == old.n_frames >= 10
            frames = set()
            for n in range(new.n_frames):
                new.seek(n)
                frames.add(new.tobytes())
        assert len(frames) >= 9  # the weight comes back the way it went
        assert kept.stat().st_size <= 300_000
        assert f"figures/{name}" in readme
    assert readme.count("prefers-reduced-motion: reduce") == 4
