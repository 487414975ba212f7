"""What a report tells of: a reproduction's folder, or that of a single run, and perhaps the data set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset
from fcnet.errors import FcnetError, RunError
from fcnet.records import RunFolder, read_json
from fcnet.report.reading import Records

REPRODUCTION = ("reproduction.json", "results.json", "toy.json")
"""Any of these makes a folder that of a reproduction."""


@dataclass(frozen=True)
class Source:
    """Where a report's facts come from.

    out : the folder
    dataset : that it was made from, None where it cannot be had
    benchmarks : folder with step.json, None where speed was not measured
    own : the content of results.json where it is kept elsewhere
    """

    out: Path
    dataset: Dataset | None = None
    benchmarks: Path | None = None
    own: dict[str, Any] | None = None

    @cached_property
    def single(self) -> bool:
        """Whether the folder is that of one run.

        Raises
        ------
        RunError : it is neither that nor a reproduction's
        """
        if any((self.out / name).exists() for name in REPRODUCTION):
            return False
        if any((self.out / name).exists() for name in ("record.json", "config.toml", "history.jsonl")):
            return True
        raise RunError(f"{self.out} is not the folder of a run or a reproduction, name one that fcnet wrote")

    @cached_property
    def records(self) -> Records:
        return Records(self.out, single=self.single)

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """The tuned run's record; of a single run it has to be there."""
        run = RunFolder(self.records.run)
        return run.read_record() if run.finished or self.single else None

    @cached_property
    def default_record(self) -> dict[str, Any] | None:
        run = RunFolder(self.out / "default")
        return run.read_record() if run.finished else None

    @cached_property
    def results(self) -> dict[str, Any]:
        """results.json, empty where the reproduction did not come so far."""
        return self.own or self.read("results.json") or {}

    @cached_property
    def label(self) -> str:
        return self.records.label or "unknown data"

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON object of the folder, None where there is none."""
        path = self.out / name
        return read_json(path) if path.exists() else None


@contextmanager
def facts_of(path: Path) -> Iterator[None]:
    """Within it a fact that is not there, or not what it should be, is an error that names the file.

    Raises
    ------
    RunError : `PATH is damaged: WHAT; restore it or repeat the run`
    """
    try:
        yield
    except FcnetError:  # it says itself what is wrong
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise RunError(f"{path} is damaged: {what}; restore it or repeat the run") from error
