"""The one tab of a process's browser, in which tests open their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BLANK = "about:blank"


class Tab:
    """A tab that shows one page after the other; a new tab for each would start a process each time."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_context().new_page()
        self.heard: list[tuple[str, Callable[[Any], None]]] = []

    def open(
        self,
        address: str,
        said: Callable[[str], None],
        asked: Callable[[str], None],
        width: int = 1280,
        scheme: str = "light",
        motion: str = "reduce",
        offline: bool = True,
    ) -> Any:
        """Open a page in place of the one before, with settings of its own.

        `said` gets each line on the console and each error, `asked` the address of each request.
        """
        if self.heard:
            self.leave()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme, reduced_motion=motion)
        self.page.context.set_offline(offline)
        self.heard = [
            ("console", lambda message: said(message.text)),
            ("pageerror", lambda error: said(str(error))),
            ("request", lambda one: None if one.url == BLANK else asked(one.url)),
        ]
        for event, hear in self.heard:
            self.page.on(event, hear)
        self.page.mouse.move(0, 0)
        self.page.goto(address)
        return self.page

    def leave(self) -> None:
        """Leave the page: what it said and asked is heard by then, and nothing of it goes on."""
        self.page.goto(BLANK)
        for event, hear in self.heard:
            self.page.remove_listener(event, hear)
        self.heard = []
