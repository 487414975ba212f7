"""fcnet where some packages are not installed: what `python without.py PACKAGES` runs finds none of them.

A package is named as Python imports it, or, if it holds no module, as it is installed.

With words after PACKAGES it is `fcnet` with these words. Otherwise the standard input is a list of commands
in JSON; printed is, for each, its exit status and its lines on standard output and standard error.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import PathFinder
from typing import Any

ABSENT = sys.argv[1].split(",")


class Others(PathFinder):
    """Finds every package but those."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> Any:
        return None if fullname.split(".")[0] in ABSENT else super().find_spec(fullname, path, target)

    @classmethod
    def find_distributions(cls, *context: Any) -> Any:
        return [one for one in super().find_distributions(*context) if one.metadata["Name"] not in ABSENT]


def call(command: list[str]) -> tuple[int, list[str], list[str]]:
    from fcnet.cli import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(command)
        except SystemExit as end:  # of --help
            status = int(end.code or 0)
    return status, out.getvalue().splitlines(), err.getvalue().splitlines()


if __name__ == "__main__":
    sys.meta_path = [Others if finder is PathFinder else finder for finder in sys.meta_path]
    if sys.argv[2:]:
        from fcnet.cli import main

        sys.exit(main(sys.argv[2:]))
    print(json.dumps([call(command) for command in json.load(sys.stdin)]))
