"""The page in a real browser, where every error and every request fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcnet.explore.write import write_explorer

Opener = Callable[..., Any]


@pytest.fixture(scope="session")
def toy_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page without a run."""
    return write_explorer(tmp_path_factory.mktemp("explore") / "explore.html")


@pytest.fixture
def opened(browser: Any) -> Iterator[Opener]:
    """Opens a page: `opened(path, width=1280, scheme="light", motion="reduce")`."""
    said: list[str] = []
    contexts: list[Any] = []

    def open_page(path: Path, width: int = 1280, scheme: str = "light", motion: str = "reduce") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion=motion, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda one: said.append(one.url) if one.url.startswith(("http", "ws")) else None)
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def page(opened: Opener, toy_page: Path) -> Any:
    return opened(toy_page)
