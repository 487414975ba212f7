"""What `fcnet explore` does."""

from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset
from fcnet.data.toy import LOSS, REG, SCORES, toy_data
from fcnet.explore.equations import steps, symbols
from fcnet.explore.mistakes import texts
from fcnet.explore.run import of_run
from fcnet.files import write_atomically
from fcnet.report.page.render import math_font
from fcnet.web.bundle import page

PAGE = Path(__file__).parent / "page"
"""The front end."""

MEGABYTES = 3.0
"""The page's largest size, unless another is given."""

LIMITS = {"scores": 1e-7, "loss": 1e-10, "gradient": 1e-8, "training": 0.02}
"""Below these the exercise's checks of questions 1, 1, 2 and 3 pass."""


def explorer(run: dict[str, Any] | None = None) -> str:
    """The page's text.

    Parameters
    ----------
    run : what it embeds of a trained network, as `of_run` gives it; None for the toy network alone
    """
    data = {"toy": toy(), "steps": steps(), "symbols": symbols(), "mistakes": texts(), "run": run}
    return page(PAGE, data, style=math_font())


def write_explorer(
    out: Path, run: Path | None = None, dataset: Dataset | None = None, megabytes: float = MEGABYTES
) -> Path:
    """Write the page.

    Parameters
    ----------
    out : the file
    run : folder of a finished run on images; None for the toy network alone
    dataset : that the run was trained on; None where it is not there, and then the page has no pictures
    megabytes : the page's largest size, in 10^6 bytes

    Raises
    ------
    RunError : the file cannot be written; as `of_run`
    """
    if run is None:
        write_atomically(out, explorer())
        return out
    room = int(megabytes * 1e6) - len(explorer().encode())
    write_atomically(out, explorer(of_run(run, dataset, room)))
    return out


def toy() -> dict[str, Any]:
    """Points, labels, lambda, and the numbers that the exercise wants. The page draws the weights itself."""
    X, y = toy_data()
    return {
        "X": X.tolist(), "y": y.tolist(), "reg": REG, "loss": LOSS, "scores": SCORES.tolist(),
        "limits": LIMITS,
    }  # fmt: skip
