"""The commands that take the README's pictures and animations from the pages."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import animations
import explorer_figures
import live_figures
from animations import EXPLORER, SCHEMES, WATCH
from fcnet.runs import observer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def one_browser(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools open their windows in the browser of the tests, and leave what they set as it was."""
    for tool in (explorer_figures, live_figures, animations):
        monkeypatch.setattr(tool, "chromium", lambda: nullcontext(browser))
    monkeypatch.setattr(observer, "SHARE", observer.SHARE)


@pytest.mark.parametrize(
    ("tool", "page"), [(explorer_figures, "explore"), (live_figures, "watch")], ids=["explore", "watch"]
)
def test_it_writes_the_pictures_that_the_documents_show(tmp_path: Path, tool: Any, page: str) -> None:
    assert tool.main(["--out", str(tmp_path)]) == 0
    shown = (ROOT / "docs" / f"{page}.md").read_text() + (ROOT / "README.md").read_text()
    for path in tmp_path.iterdir():
        kept = ROOT / "docs" / "figures" / path.name
        with Image.open(path) as new, Image.open(kept) as old:
            assert new.size == old.size
            assert new.width == 1920
        assert kept.stat().st_size < 250_000
        assert f"figures/{path.name}" in shown
    assert len(list(tmp_path.iterdir())) == 3


def test_it_writes_the_animations_that_the_readme_shows(tmp_path: Path) -> None:
    """One of the three is made anew."""
    assert animations.main(["--out", str(tmp_path), "--only", "explore_pass"]) == 0
    readme = (ROOT / "README.md").read_text()
    kept = sorted((ROOT / "docs" / "figures").glob("*.webp"))
    assert [path.stem for path in kept] == sorted(f"{one}_{s}" for one in (*EXPLORER, WATCH) for s in SCHEMES)
    for path in kept:
        with Image.open(path) as old:
            assert old.size == (960, 640)
            assert len(frames(old)) >= 9  # the weight comes back the way it went
        assert path.stat().st_size <= 300_000
        assert f"figures/{path.name}" in readme
    assert len(list(tmp_path.iterdir())) == len(SCHEMES)
    for path in tmp_path.iterdir():
        with Image.open(path) as new, Image.open(ROOT / "docs" / "figures" / path.name) as old:
            assert (new.size, new.n_frames) == (old.size, old.n_frames)
            assert len(frames(new)) >= 9
    assert readme.count("prefers-reduced-motion: reduce") == 4


def frames(animation: Image.Image) -> set[bytes]:
    """The pixels of each different frame."""
    found = set()
    for n in range(animation.n_frames):
        animation.seek(n)
        found.add(animation.tobytes())
    return found
