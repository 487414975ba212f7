"""`fcnet start`: the files that a student begins with."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Annotated

from fcnet.cli.options import Positional
from fcnet.wording import shown


@dataclass(frozen=True)
class Start:
    """Write the exercise's files with gaps for you to fill, and a README with the first command.

    Check what you write with `fcnet check`. Existing files are never overwritten.

    Example: fcnet start exercise2
    """

    folder: Annotated[Path, Positional("FOLDER")]
    """Folder for the files."""
    notebook: bool = False
    """Write notebooks instead of scripts."""

    def run(self) -> int:
        from fcnet.judge.starting import write_start

        paths = write_start(self.folder, self.notebook)
        for path in paths:
            print(f"wrote {shown(path)}")
        print(f"next: cd {shown(quote(str(self.folder)))} && fcnet check {paths[0].name}")
        return 0
