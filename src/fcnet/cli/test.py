"""`fcnet test`: the test set, once."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.wording import percent, times


@dataclass(frozen=True)
class Test:
    """Measure the test accuracy of a finished run, once.

    The command counts each use of the test set in the run's test.json, and refuses a second use.

    Example: fcnet test runs/tuned
    """

    __test__ = False  # pytest would take the class for a test by its name

    folder: Annotated[Path, Positional("RUN")]
    """Folder of a finished run."""
    data: Path | None = None
    """Folder with CIFAR-10; $FCNET_DATA, ./data, ./datasets and the user's cache if not given."""
    again: bool = False
    """Use the test set again. The count in test.json increases."""

    def run(self) -> int:
        from fcnet.cli.loading import load_as_recorded
        from fcnet.records import RunFolder
        from fcnet.runs.testing import use_test_set

        dataset = load_as_recorded(RunFolder(self.folder).read_record(), self.data)
        result = use_test_set(self.folder, dataset, again=self.again)
        tell(
            f"test accuracy {percent(result['accuracy'])} on {result['images']:,} {dataset.called} of "
            f"{dataset.label}, the test set used {times(result['count'])}; see {RunFolder(self.folder).test}",
            sys.stdout,
        )
        return 0
