"""`fcnet test`: the test set, once."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from fcnet.cli import tell
from fcnet.wording import percent, times


@dataclass(frozen=True)
class Test:
    """Use the test set on a finished run: once, and counted.

    Writes test.json into the run's folder and refuses from then on.

    Example: fcnet test runs/tuned
    """

    __test__ = False  # not a test of ours, whatever pytest thinks of the name

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of a finished run."""
    data: Path | None = None
    """Folder with CIFAR-10; $FCNET_DATA, ./data, ./datasets and the user's cache if not given."""
    again: bool = False
    """Use the test set although it was used before. The count in test.json goes up."""

    def run(self) -> int:
        from fcnet.cli.loading import load_as_recorded
        from fcnet.records import RunFolder
        from fcnet.runs.testing import use_test_set

        dataset = load_as_recorded(RunFolder(self.folder).read_record(), self.data)
        result = use_test_set(self.folder, dataset, again=self.again)
        tell(
            f"test accuracy {percent(result['accuracy'], digits=2)} on {result['images']:,} images of "
            f"{dataset.label}, the test set used {times(result['count'])}; see {RunFolder(self.folder).test}",
            sys.stdout,
        )
        return 0
