"""A run as a notebook displays it: the live page as it is at this moment, without a server."""

import html
from pathlib import Path

from fcnet.errors import RunError
from fcnet.live.reading import Watched, summary_of
from fcnet.live.server import PAGE
from fcnet.web.bundle import page

HEIGHT = 900
"""Pixels of the frame in a notebook, which scrolls."""


class Display:
    """Runs to be displayed; made by `display`.

    Parameters
    ----------
    folders : run folders, or folders with runs in them
    """

    def __init__(self, *folders: Path) -> None:
        watched = Watched(folders)
        runs = [watched.run(short["id"]) for short in watched.runs()]
        if not runs:
            raise RunError(f"{', '.join(map(str, folders))} holds no runs, name the folder of one")
        self.names = [run["name"] for run in runs]
        self.data = {"runs": [summary_of(run) for run in runs], "details": {run["id"]: run for run in runs}}

    def __repr__(self) -> str:
        return f"Display of {', '.join(self.names)}"

    def page(self) -> str:
        """The page as a file of its own, which opens from disk."""
        return page(PAGE, self.data)

    def _repr_html_(self) -> str:
        """The page in a frame, which keeps its style and the notebook's apart."""
        return (
            f'<iframe srcdoc="{html.escape(self.page())}" title="{html.escape(repr(self))}" '
            f'sandbox="allow-scripts" width="100%" height="{HEIGHT}" style="border: 0"></iframe>'
        )


def display(*runs: str | Path) -> Display:
    """Display runs in a notebook as the live page shows them, at this moment.

    Parameters
    ----------
    runs : run folders, or folders with runs in them

    Raises
    ------
    RunError : there is no run

    Examples
    --------
    >>> import fcnet
    >>> fcnet.display("runs/first", "runs/second")  # doctest: +SKIP
    """
    return Display(*map(Path, runs))
