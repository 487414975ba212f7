"""What is searched, for how long, and where it is kept: all that a worker has to know."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset
from fcnet.files import write_atomically
from fcnet.train.config import TrainConfig
from fcnet.tuning.space import Space

FORMAT = 1
"""Version of what a study says of itself and of study.json."""


@dataclass(frozen=True)
class Place:
    """Where a search is kept.

    out : folder of its own, with the trainings
    storage : URL of a database that several machines share, with its password if that is in it; a journal
        file in the folder if None
    name : of the study in that database
    """

    out: Path
    storage: str | None = field(default=None, repr=False)
    name: str = "fcnet"

    @property
    def journal(self) -> Path:
        return self.out / "study.journal"

    @property
    def record(self) -> Path:
        return self.out / "study.json"

    @property
    def best(self) -> Path:
        return self.out / "best.toml"

    @property
    def trials(self) -> Path:
        return self.out / "trials"

    @property
    def figures(self) -> Path:
        return self.out / "figures"

    @property
    def logs(self) -> Path:
        return self.out / "logs"

    @property
    def label(self) -> str:
        """How messages name the study; not by its URL, which may hold a password."""
        return str(self.out) if self.storage is None else f"the study {self.name!r}"

    @property
    def here(self) -> str:
        """Name of the folder among all that work on the study; random, since machines may look alike."""
        path = self.out / ".name"
        if not path.exists():
            write_atomically(path, secrets.token_hex(8))
        return path.read_text()


@dataclass(frozen=True)
class Plan:
    """A search.

    base : the settings that hold where nothing is varied, and the first trial
    space : what is varied
    data : hash of the data set
    trials : how many are wanted in all, pruned ones included
    """

    base: TrainConfig
    space: Space
    data: str
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "format": FORMAT,
            "base": self.base.to_dict(),
            "space": self.space.to_list(),
            "data": self.data,
            "trials": self.trials,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Plan:
        """The inverse of `to_dict`."""
        return cls(
            TrainConfig.from_dict(values["base"], "the study"),
            Space.from_list(values["space"]),
            values["data"],
            values["trials"],
        )

    def fits(self, dataset: Dataset) -> bool:
        """Whether this is the data that the search is about."""
        return self.data == dataset.origin.sha256
