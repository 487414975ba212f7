"""The search as figures, drawn from study.json alone."""

from __future__ import annotations

from pathlib import Path


def draw(record: Path, folder: Path) -> list[Path]:
    """Draw what the record allows into `folder`; returns the files."""
    return []
