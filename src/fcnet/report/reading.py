"""The records of a reproduction for the figures: a missing record is None, a damaged one an error."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.records import RunFolder, read_json
from fcnet.report.pictures import FILE, Pictures
from fcnet.schema import Record, Tested, read_as
from fcnet.stages import Diagnosis, Ladder, Rung, Study, Toy, read_stage
from fcnet.train.history import Evaluation, read_history
from fcnet.train.model import Model

T = TypeVar("T")

DEFAULT_PICTURES, TUNED_PICTURES = 25, 48
"""Hidden units that are drawn of either run: five rows of five, and six rows of eight."""


def initialisation_name(scheme: str) -> str:
    """Usual names of initialisations; a number is the standard deviation of all weights."""
    return {"he": "He", "pytorch": "PyTorch's default"}.get(scheme, f"N(0, {scheme})")


REPRODUCTION = ("reproduction.json", "results.json", "toy.json")
"""A folder with any of these files is a reproduction."""

RUN = ("record.json", "config.toml", "history.jsonl")
"""A folder with any of these files, and none of those, is a single run."""


@dataclass(frozen=True)
class Records:
    """The folder of a reproduction or of a single run; each part is read when it is first asked for.

    out : the folder
    dataset : that it was made from, None where it is not there
    given_results : the content of results.json where it is kept elsewhere

    Raises, in every part
    ------
    RunError : its file is damaged; the text names it
    """

    out: Path
    dataset: Dataset | None = field(default=None, compare=False)
    given_results: dict[str, Any] | None = field(default=None, compare=False)

    @cached_property
    def single(self) -> bool:
        """Whether the folder is that of one run, which then stands for the tuned one."""
        return not self._has(*REPRODUCTION) and self._has(*RUN)

    def check(self) -> None:
        """Require the folder of a run or of a reproduction.

        Raises
        ------
        RunError : it is neither
        """
        if not self._has(*REPRODUCTION, *RUN):
            raise RunError(
                f"{self.out} is not the folder of a run or a reproduction, name one that fcnet wrote"
            )

    def _has(self, *names: str) -> bool:
        return any((self.out / name).exists() for name in names)

    @property
    def run(self) -> Path:
        """The folder of the tuned run."""
        return self.out if self.single else self.out / "tuned"

    @property
    def name(self) -> str:
        """The name of that run in sentences."""
        return "this run" if self.single else "the tuned run"

    @cached_property
    def toy(self) -> Toy | None:
        return _stage(self.out / "toy.json", Toy)

    @cached_property
    def ladder(self) -> tuple[Rung, ...] | None:
        ladder = _stage(self.out / "ladder.json", Ladder)
        return ladder.rungs or None if ladder else None

    @cached_property
    def study(self) -> Study | None:
        return _stage(self.out / "depth.json", Study)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        return _stage(self.out / "default" / "diagnosis.json", Diagnosis)

    @cached_property
    def test(self) -> Tested | None:
        return _stage(self.run / "test.json", Tested)

    @cached_property
    def default_history(self) -> list[Evaluation] | None:
        return _history(self.out / "default")

    @cached_property
    def tuned_history(self) -> list[Evaluation] | None:
        return _history(self.run)

    @cached_property
    def default_pictures(self) -> Pictures | None:
        return _pictures(self.out / "default", DEFAULT_PICTURES)

    @cached_property
    def tuned_pictures(self) -> Pictures | None:
        return _pictures(self.run, TUNED_PICTURES)

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """The tuned run's record; a single run must have one."""
        run = RunFolder(self.run)
        return run.read_record() if run.finished or self.single else None

    @cached_property
    def default_record(self) -> dict[str, Any] | None:
        run = RunFolder(self.out / "default")
        return run.read_record() if run.finished else None

    @cached_property
    def results(self) -> dict[str, Any]:
        """results.json, empty where the reproduction is not finished."""
        path = self.out / "results.json"
        return self.given_results or (read_stage(path) if path.exists() else {})

    @cached_property
    def label(self) -> str:
        """The data set's name with what must be known about this copy; "" where no run says it."""
        if self.dataset is not None:
            return self.dataset.label
        for run in (self.run, self.out / "default"):
            path = run / "record.json"
            if path.exists():
                return str(read_json(path, Record)["data"]["label"])
        return ""


def _stage(path: Path, kind: type[T]) -> T | None:
    """A file of a reproduction as what it holds; None where there is none."""
    return read_as(path, kind) if path.exists() else None


def _history(folder: Path) -> list[Evaluation] | None:
    """None also where a training was stopped before its first evaluation."""
    path = folder / "history.jsonl"
    return (read_history(path) or None) if path.exists() else None


def _pictures(folder: Path, count: int) -> Pictures | None:
    there = any((folder / name).exists() for name in (FILE, "model.safetensors"))
    if not there or (not (folder / FILE).exists() and Model.load(folder).image_shape[1] == 1):
        return None  # weights of features are not pictures
    return Pictures.read(folder, count)
