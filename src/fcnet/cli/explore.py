"""`fcnet explore`: see the toy network, and a trained one, at work."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.errors import DataError


@dataclass(frozen=True)
class Explore:
    """Write a page that shows backpropagation number by number.

    The page is one HTML file that opens from disk without a network. You step through the exercise's toy
    network, see each equation with its numbers, move every weight, train the network, and break it in
    typical ways. With a RUN on images, its network classifies validation pictures and your own.

    Example: fcnet explore --out explore.html
    """

    run_folder: Annotated[Path | None, Positional("[RUN]")] = None
    """Folder of a finished run on images; the toy network alone if not given."""
    out: Path = Path("explore.html")
    """The file to write."""
    data: Path | None = None
    """Folder with the data set, for the pictures; the usual places if not given. Without it, no pictures."""
    megabytes: float = 3.0
    """Largest size of the page. Weights of a large network are rounded until it fits; the page says how."""

    def run(self) -> int:
        from fcnet.cli.loading import load_if_there
        from fcnet.cli.outputs import PAGE, check_output
        from fcnet.explore.write import write_explorer
        from fcnet.records import RunFolder

        if not self.megabytes > 0:
            raise DataError(f"--megabytes is {self.megabytes:g}, give a positive number")
        check_output(self.out, "--out", endings=PAGE)
        dataset = None
        if self.run_folder is not None:
            record = RunFolder(self.run_folder).read_record()
            dataset = load_if_there(record, self.data, "the page has no validation pictures")
        path = write_explorer(self.out, self.run_folder, dataset, self.megabytes)
        tell(f"wrote {path}, open it in a browser", sys.stdout)
        return 0
