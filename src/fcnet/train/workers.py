"""The processes that work on one training together.

All of them run the same program on the same data. Only the first writes; it sends its decisions to the
others, such as whether they may use a folder.
"""

from collections.abc import Callable
from typing import Any


class Workers:
    """One process among those that train together; alone in the usual case.

    rank : its number, from 0
    size : how many there are
    """

    rank: int = 0
    size: int = 1

    def from_first(self, compute: Callable[[], Any]) -> Any:
        """The result of the first worker, plain values, for all workers.

        Raises
        ------
        FcnetError : as the first worker's computation; in the others an AlreadySaidError
        """
        return compute()
