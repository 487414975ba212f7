"""The page in a real browser, where every error and every request fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcnet.explore.write import write_explorer
from tab import Tab

Opener = Callable[..., Any]


@pytest.fixture(scope="session")
def toy_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page without a run."""
    return write_explorer(tmp_path_factory.mktemp("explore") / "explore.html")


@pytest.fixture
def opened(tab: Tab) -> Iterator[Opener]:
    """Opens a page, one at a time: `opened(path, width=1280, scheme="light", motion="reduce")`."""
    said: list[str] = []

    def asked(address: str) -> None:
        if address.startswith(("http", "ws")):
            said.append(address)

    def open_page(path: Path, width: int = 1280, scheme: str = "light", motion: str = "reduce") -> Any:
        return tab.open(path.as_uri(), said.append, asked, width, scheme, motion)

    yield open_page
    tab.leave()
    assert said == []


@pytest.fixture
def page(opened: Opener, toy_page: Path) -> Any:
    return opened(toy_page)
