"""The documents state a search as its record has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcnet.data.dataset import Dataset
from fcnet.records import read_json
from searches import request, run


@pytest.mark.slow
def test_a_search_is_collected_without_folders_and_told_with_its_numbers(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import generate
    from tuning_tables import search_figures, tuning

    out, root = tmp_path / "out", tmp_path / "root"
    status, _ = run(request(out, trials=3), digits)
    monkeypatch.setattr(generate, "_write", lambda root: 0)
    assert generate.main(["--collect-search", str(out)], root) == 0
    record = root / "results" / "tuning" / "study.json"
    assert read_json(record)["trials"] == read_json(out / "study.json")["trials"]
    assert str(tmp_path) not in record.read_text()
    text = tuning(record)
    assert "3 trials of 3 epochs on digits, 200 images for validation: 3 complete" in " ".join(text.split())
    best = status.best
    assert best is not None
    assert f"| {best.number} | {100 * (best.value or 0):.1f} % |" in text
    names = [name for name, _ in search_figures(record, tmp_path / "figures")]
    assert all(f"(figures/{name})" in text for name in names)
    (root / "docs").mkdir()
    page = root / "docs" / "tuning.md"
    page.write_text((generate.ROOT / "docs" / "tuning.md").read_text())
    made = dict(generate._search(root))
    assert set(made) == {page, *(root / "docs" / "figures" / name for name in names)}
    assert text in made[page]
