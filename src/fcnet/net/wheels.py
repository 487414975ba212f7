"""Libraries that wheels without a Python package install."""

from __future__ import annotations

import re
from pathlib import Path


def library_file(wheel: str, pattern: str) -> Path | None:
    """The file of a wheel whose name fits a regular expression; None without the wheel or such a file."""
    from importlib.metadata import PackageNotFoundError, files

    try:
        found = [file for file in files(wheel) or () if re.fullmatch(pattern, file.name)]
    except PackageNotFoundError:
        return None
    return Path(str(found[0].locate())).resolve() if found else None
