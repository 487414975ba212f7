"""Figures that are left out or built and not drawn, for tests that ask about others or about the words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fcnet.report.figures import FIGURES

EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each figure is made from its records, but an empty SVG stands for it: drawing takes long."""
    monkeypatch.setattr("fcnet.report.figures.svg", lambda figure: EMPTY)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., set[str]]:
    """Leaves only the figures that a test is about: `only("overview", "ladder")`; returns their names."""

    def leave(*names: str) -> set[str]:
        monkeypatch.setattr("fcnet.report.figures.FIGURES", {name: FIGURES[name] for name in names})
        return set(names)

    return leave
