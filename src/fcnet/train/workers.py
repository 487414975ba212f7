"""The processes that work on one training together, as the loop's surroundings see them.

All of them run the same program on the same data. One of them, the first, writes; what it decides, such as
whether a folder may be used, it tells the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Workers(Protocol):
    """One process among those that train together.

    rank : its number, from 0
    size : how many there are
    """

    rank: int
    size: int

    def from_first(self, compute: Callable[[], Any]) -> Any:
        """What the first worker computes, a value that JSON can hold, for all of them.

        Raises
        ------
        FcnetError : what the first worker's computation raised; in the others an AlreadySaidError
        """
        ...


class Alone:
    """One process, the usual case."""

    rank = 0
    size = 1

    def from_first(self, compute: Callable[[], Any]) -> Any:
        return compute()
