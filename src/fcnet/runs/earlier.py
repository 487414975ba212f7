"""An earlier training in a folder: its data, which a resumed run needs, and how it is moved aside."""

from itertools import count
from pathlib import Path
from typing import Any

from fcnet.files import os_errors_as
from fcnet.lock import locked
from fcnet.records import RunFolder, read_json
from fcnet.schema import Data


def data_of(folder: Path) -> dict[str, Any]:
    """The data of a run, finished or not, as `data_record` gives them; empty if there is no run.

    Raises
    ------
    RunError : the file is damaged
    """
    run = RunFolder(folder)
    return read_json(run.data, Data) if run.data.exists() else {}


def move_aside(folder: Path) -> Path | None:
    """Rename the folder of a run, so that another can be trained in its place.

    Parameters
    ----------
    folder : of the run

    Returns
    -------
    Path : where the run is now, the first of FOLDER-1, FOLDER-2, ... that is free; None if there was no run

    Raises
    ------
    RunError : a process trains in it, or it cannot be renamed
    """
    if not RunFolder(folder).config.exists():
        return None  # if there is anything else, the training refuses it
    with locked(folder):
        place = next(p for n in count(1) if not (p := folder.with_name(f"{folder.name}-{n}")).exists())
        with os_errors_as(f"cannot move {folder} to {place}", "move or delete it yourself"):
            folder.rename(place)
    return place
