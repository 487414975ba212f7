"""The files that a user names for writing replace neither what a command reads nor files of another kind."""

from collections.abc import Iterable
from pathlib import Path

from fcnet.errors import FcnetError

PAGE = (".html", ".htm")
"""How the names of pages end."""


def check_output(
    path: Path | None, option: str, inputs: Iterable[Path] = (), endings: tuple[str, ...] = ()
) -> None:
    """Make sure that a file may be replaced; what is not there or a device is for the writer.

    Parameters
    ----------
    path : the file that the command is to write; None for none
    option : by which the user named it, such as `--out`
    inputs : the files that the command reads; they are compared with links followed
    endings : how the name of a file ends that such a command wrote earlier; () for any

    Raises
    ------
    FcnetError : `PATH (--out) is a folder, name a file, ...`, `PATH (--out) is what the command reads, name
        another file with --out`, or `PATH (--out) is there already and its name does not end in .html, ...`
    """
    if path is not None and path.is_dir():
        inside = path / f"NAME{endings[0] if endings else ''}"
        raise FcnetError(f"{path} ({option}) is a folder, name a file, such as {option} {inside}")
    if path is None or not path.is_file():
        return
    if any(one.exists() and path.samefile(one) for one in inputs):
        raise FcnetError(f"{path} ({option}) is what the command reads, name another file with {option}")
    if endings and path.suffix.lower() not in endings:
        raise FcnetError(
            f"{path} ({option}) is there already and its name does not end in {endings[0]}, remove it or "
            f"name another file with {option}"
        )
