"""What `fcnet explore` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcnet.explore.bundle import page
from fcnet.explore.equations import steps, symbols
from fcnet.explore.mistakes import texts
from fcnet.explore.toy import toy
from fcnet.files import write_atomically


def explorer(run: dict[str, Any] | None = None) -> str:
    """The page's text.

    Parameters
    ----------
    run : what it embeds of a trained network, from `fcnet.explore.run.of_run`; None for the toy network alone
    """
    return page({"toy": toy(), "steps": steps(), "symbols": symbols(), "mistakes": texts(), "run": run})


def write_explorer(out: Path, run: dict[str, Any] | None = None) -> Path:
    """Write the page.

    Raises
    ------
    RunError : the file cannot be written
    """
    write_atomically(out, explorer(run))
    return out
