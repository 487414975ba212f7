"""`fcnet predict`: a trained network on your own pictures or table."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from fcnet.cli.options import Positional
from fcnet.wording import shown

if TYPE_CHECKING:
    from fcnet.runs.prediction import Failure, Prediction
    from fcnet.train.model import Model

SHOWN = 24
"""Pictures that one figure shows at most."""

BAR = 24
"""Characters of a probability of 1."""

SOFTWARE = "fcnet predict --show"
"""What a PNG file of this command says that drew it, so that it is no input the next time."""


@dataclass(frozen=True)
class Predict:
    """Say what a trained network makes of pictures, of any size and format, or of the rows of a table.

    Each picture is turned upright, its middle is cut out in the proportions of the images that the network
    was trained on, and resized to theirs; the command prints what it did. It names pictures that it cannot
    read, and the exit status is 2 if there was one. The columns of a table (.csv, .parquet) are found by
    their names and treated as in the training.

    Example: fcnet predict runs/small cat.jpg holidays --show seen.png
    """

    folder: Annotated[Path, Positional("RUN")]
    """Folder of a finished run."""
    pictures: Annotated[tuple[Path, ...], Positional("FILE...")]
    """Picture files, or folders of them; or one table, for a network that was trained on one."""
    top: int = 5
    """How many classes to name, the most probable ones."""
    show: Path | None = None
    """Draw what the network saw beside the probabilities into this file (.png, .svg or .pdf), up to 24
    pictures."""
    out: Path | None = None
    """Write the prediction for each row of a table, with the probability of each class, to this CSV file."""
    json: bool = False
    """Print one JSON object for programs instead of text."""

    def run(self) -> int:
        from fcnet.cli.outputs import check_output
        from fcnet.errors import FcnetError
        from fcnet.extension import program
        from fcnet.runs.prediction import Failure, predict
        from fcnet.train.model import Model
        from fcnet.validation import check_positive

        if not self.pictures:
            raise FcnetError(
                f"no pictures given, name some: {program()} predict {quote(str(self.folder))} cat.jpg, "
                f"or a table for a network of tables"
            )
        check_positive(top=self.top)
        model = Model.load(self.folder)
        if model.mapping is not None:
            return self._table(model)
        if self.out is not None:
            raise FcnetError(f"--out is for tables, and {self.folder} was not trained on one, leave it out")
        earlier = self.show if self.show is not None and _is_ours(self.show) else None
        check_output(self.show, "--show", self._files(earlier))
        if self.show is not None:
            from fcnet.report.predicted import check_figure

            check_figure(self.show)
        predictions: list[Prediction] = []
        failures: list[Failure] = []
        for answer in predict(model, self.pictures, without=earlier):
            if isinstance(answer, Failure):
                failures.append(answer)
                print(f"error: {shown(answer.reason)}", file=sys.stderr)
                continue
            predictions.append(answer)
            if not self.json:
                self._print(answer, model)
        if self.json:
            print(json.dumps(self._as_json(predictions, failures, model), indent=2, allow_nan=False))
        if self.show is not None and predictions:
            self._draw(predictions, model, self.show)
        return 2 if failures else 0

    def _files(self, earlier: Path | None) -> Iterator[Path]:
        """The picture files, also those in folders; a folder that cannot be read is told of later."""
        from fcnet.data.own.folders import Passed
        from fcnet.runs.prediction import files_of

        for path in self.pictures:
            with suppress(OSError):
                yield from files_of(path, earlier, Passed())

    def _table(self, model: Model) -> int:
        """Predict the rows of a table; returns the exit status."""
        from fcnet.cli.outputs import check_output
        from fcnet.cli.predict_table import predict_rows
        from fcnet.errors import FcnetError

        if len(self.pictures) > 1 or self.show is not None:
            raise FcnetError(f"{self.folder} was trained on a table, give one table and no --show")
        check_output(self.out, "--out", self.pictures, (".csv", ".txt"))
        return predict_rows(model, self.pictures[0], self.top, self.out, self.json)

    def _named(self, answer: Prediction, model: Model) -> list[tuple[str, float]]:
        from fcnet.runs.prediction import named

        return named(answer.probabilities, model.classes, self.top)

    def _print(self, answer: Prediction, model: Model) -> None:
        print(f"{shown(answer.path)}: {shown(', '.join(answer.steps))}")
        named = [(shown(name), probability) for name, probability in self._named(answer, model)]
        width = max(len(name) for name, _ in named)
        block = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
        for name, probability in named:
            bar = block * round(BAR * probability)
            print(f"  {name:<{width}}  {100 * probability:5.1f} %  {bar}".rstrip())

    def _as_json(
        self, predictions: Sequence[Prediction], failures: Sequence[Failure], model: Model
    ) -> dict[str, object]:
        from fcnet.cli.predict_table import as_objects

        return {
            "run": str(self.folder),
            "pictures": [
                {
                    "path": str(answer.path),
                    "preprocessing": list(answer.steps),
                    "classes": as_objects(self._named(answer, model)),
                }
                for answer in predictions
            ],
            "failed": [{"path": str(failure.path), "error": failure.reason} for failure in failures],
        }

    def _draw(self, predictions: Sequence[Prediction], model: Model, path: Path) -> None:
        from fcnet.report.predicted import Answer, draw_answers

        draw_answers(
            [
                Answer(answer.path.name, answer.pixels, ", ".join(answer.steps), self._named(answer, model))
                for answer in predictions[:SHOWN]
            ],
            path,
            SOFTWARE,
        )
        left = f", the first {SHOWN} of {len(predictions)} pictures" if len(predictions) > SHOWN else ""
        print(f"wrote {shown(path)}{left}", file=sys.stderr if self.json else sys.stdout)


def _is_ours(path: Path) -> bool:
    """Whether a file was drawn by this command, as a PNG file says near its beginning."""
    try:
        with path.open("rb") as file:
            beginning = file.read(1000)
    except OSError:
        return False
    return beginning.startswith(b"\x89PNG") and b"tEXtSoftware\0" + SOFTWARE.encode() in beginning
