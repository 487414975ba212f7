"""Figures that are built and not drawn, for tests that ask which there are or what stands around them."""

from __future__ import annotations

import pytest


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each figure is made from its records, but an empty SVG stands for it: drawing takes long."""
    empty = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
    monkeypatch.setattr("fcnet.report.figures.svg", lambda figure: empty)
