"""Draws every figure of a reproduction from its records."""

from __future__ import annotations

from pathlib import Path

from fcnet.data.dataset import Dataset


def draw_all(out: Path, dataset: Dataset) -> list[tuple[Path, str]]:
    """Draw what the records in `out` allow; returns each figure's path and caption."""
    return []
