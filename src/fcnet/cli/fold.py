"""`fcnet fold`: the average over mirrored and shifted images, or over several runs, as one network."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fcnet.cli import tell
from fcnet.cli.options import Positional
from fcnet.errors import FcnetError
from fcnet.extension import program
from fcnet.wording import megabytes, percent, shown, times

if TYPE_CHECKING:
    from fcnet.data.dataset import Dataset

TIMED = 500
"""Examples that are predicted to measure the time of one."""


@dataclass(frozen=True)
class Fold:
    """Fold the average over mirrored and shifted images into the weights of a trained network.

    Mirror images and shifts only move pixels, so the average of a network's class scores over all of them
    equals the class scores of one larger network. This command writes that network as a run of its own, which
    test, predict and export take like any other. A two-layer network becomes a wider two-layer network.
    Several runs on the same data become one network too, whose scores are the average of theirs.

    Example: fcnet fold runs/tuned --mirror --shift 1
    """

    folders: Annotated[tuple[Path, ...], Positional("RUN...")]
    """Folders of finished runs."""
    mirror: bool = False
    """Also see each image with left and right exchanged."""
    shift: int = 0
    """Also see each image moved by up to this many pixels in each direction: 1 makes 9 views, 2 makes 25."""
    out: Path | None = None
    """Folder of the folded run; RUN-folded if not given."""
    data: Path | None = None
    """The data that the runs were trained on; where the record says if not given."""

    def run(self) -> int:
        from fcnet.cli.loading import load_as_recorded
        from fcnet.data.deformation import Deformation
        from fcnet.records import RunFolder
        from fcnet.runs.folding import fold_runs

        if not self.folders:
            raise FcnetError(f"no run is given, name one: {program()} fold RUN --mirror")
        deformation = Deformation(self.mirror, self.shift)
        first = self.folders[0]
        if len(self.folders) == 1 and deformation == Deformation():
            RunFolder(first).read_record()  # where there is no run, that comes first
            raise FcnetError("there is nothing to fold: add --mirror, --shift 1 or another run")
        places = [folder.resolve() for folder in self.folders]
        for folder, place in zip(self.folders, places, strict=True):
            if places.count(place) > 1:
                raise FcnetError(f"{folder} is given {times(places.count(place))}, give each run once")
        out = self.out or first.with_name(f"{first.resolve().name}-folded")
        dataset = load_as_recorded(RunFolder(first).read_record(), self.data)
        record = fold_runs(self.folders, out, deformation, dataset)
        self._say(record, out, dataset)
        return 0

    def _say(self, record: dict[str, Any], out: Path, dataset: Dataset) -> None:
        """The accuracies with and without, side by side, and what the folded network costs."""
        from fcnet.train.model import Model

        rows = [*self.folders, out]
        accuracies = [
            *(alone["val_accuracy"] for alone in record["folded"]["alone"]),
            record["metrics"]["val_accuracy"],
        ]
        names = [shown(folder) for folder in rows]
        wide = max(map(len, names))
        tell(f"{'':{wide}}  validation  parameters        file  one {dataset.called[:-1]}", sys.stdout)
        for folder, name, accuracy in zip(rows, names, accuracies, strict=True):
            model = Model.load(folder)
            size = (folder / "model.safetensors").stat().st_size
            tell(
                f"{name:{wide}}  {percent(accuracy, digits=2):>10}  {model.architecture.size:>10,}  "
                f"{megabytes(size):>10}  {_microseconds(model, dataset):>6.0f} us",
                sys.stdout,
            )


def _microseconds(model: Any, dataset: Dataset) -> float:
    """The time of a prediction per example, among many."""
    images = dataset.train.images[:TIMED]
    network = model.network()
    prepared = model.preprocessing(images)
    network.predict_logits(prepared)
    start = time.perf_counter()
    network.predict_logits(prepared)
    return 1e6 * (time.perf_counter() - start) / len(images)
