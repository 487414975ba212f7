"""The description of a search, its folder and its settings, which all other modules use."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from fcnet.data.dataset import DataOptions, Dataset, TableOptions
from fcnet.errors import RunError
from fcnet.files import write_atomically
from fcnet.train.config import TrainConfig
from fcnet.tuning.space import Space, make_space

FORMAT = 1
"""Version of a study's description and of study.json."""

TRIALS = 60
"""The default number of trials."""

REMEDY = "give the same or choose another with --out or, in a database, --study"
"""What to do where a search differs from its study."""

ABOUT = ("base", "space", "data", "trials")
"""The fields that all workers of a study must agree on."""


@dataclass(frozen=True)
class Search:
    """A search for better settings.

    The command makes it from its options, `settled` decides what they leave open, and the workers receive it
    as JSON. The study records the part named in `ABOUT`.

    out : folder of its own, with the trainings
    base : the settings that apply where nothing is varied, and the first trial
    vary : names of what is varied; None for the usual ones, or those of the resumed search
    trials : how many in all, pruned ones included; 0 for 60, or those of the resumed search
    workers : processes on this machine
    resume : resume the search in the folder
    deadline : after which no trial begins, in seconds of `time.time()`
    storage : URL of a database that several machines share, with its password if that is in it; None for a
        journal file in the folder
    study : name of the search in that database
    source : where a worker finds the data, and how it reads them
    watch : keep what the live page shows of each training
    space : what `vary` means for this base and these images
    data : hash of the data set
    """

    out: Path
    base: TrainConfig = field(default_factory=TrainConfig)
    vary: tuple[str, ...] | None = None
    trials: int = 0
    workers: int = 1
    resume: bool = False
    deadline: float | None = None
    storage: str | None = field(default=None, repr=False)
    study: str = "fcnet"
    source: DataOptions = field(default_factory=DataOptions)
    watch: bool = False
    space: Space = field(default_factory=Space)
    data: str = ""

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
    def runs(self) -> Path:
        return self.out / "trials"

    @property
    def figures(self) -> Path:
        return self.out / "figures"

    @property
    def logs(self) -> Path:
        return self.out / "logs"

    @property
    def label(self) -> str:
        """The study's name in messages; not its URL, which may hold a password."""
        return str(self.out) if self.storage is None else f"the study {self.study!r}"

    @property
    def here(self) -> str:
        """Name of the folder among all that work on the study; random, since machines may look alike."""
        path = self.out / ".name"
        if not path.exists():
            write_atomically(path, secrets.token_hex(8))
        return path.read_text()

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        data = None if self.source.data is None else str(self.source.data)
        plain = {"out": str(self.out), "base": self.base.to_dict(), "space": self.space.to_list()}
        return values | plain | {"source": asdict(self.source) | {"data": data}}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Search:
        """The inverse of `to_dict`."""
        source = values["source"]
        data = None if source["data"] is None else Path(source["data"])
        made = {
            "out": Path(values["out"]),
            "base": TrainConfig.from_dict(values["base"], "the study"),
            "vary": None if values["vary"] is None else tuple(values["vary"]),
            "source": DataOptions(**source | {"data": data, "table": TableOptions(**source["table"])}),
            "space": Space.from_list(values["space"]),
        }
        return cls(**values | made)

    def about(self) -> dict[str, Any]:
        """The part that the study records."""
        values = self.to_dict()
        return {"format": FORMAT} | {name: values[name] for name in ABOUT}

    def recorded(self, about: dict[str, Any]) -> Search:
        """The same search with the part that a study has recorded."""
        return self.from_dict(self.to_dict() | {name: about[name] for name in ABOUT})

    def settled(self, known: Search | None, dataset: Dataset) -> Search:
        """The same search with all fields decided: from the options, or else as before.

        Parameters
        ----------
        known : the search as its study has it, if there is one

        Raises
        ------
        DataError : as `make_space`
        """
        base, before = self.base, known if self.resume else None
        if before is not None and base == TrainConfig():
            base = before.base
        if before is not None and self.vary is None and base == before.base:
            space = before.space
        else:
            space = make_space(base, self.vary, dataset.image_shape)
        trials = self.trials or (TRIALS if known is None else known.trials)
        return replace(self, base=base, space=space, trials=trials, data=dataset.origin.sha256)

    def check_same(self, known: Search) -> None:
        """Check that the study belongs to this search.

        Raises
        ------
        RunError : they differ; the text says in what
        """
        if names := _differing(known.base.to_dict(), self.base.to_dict()):
            raise RunError(f"{self.label} was started with other settings ({names}), {REMEDY}")
        before, now = ({one.name: one for one in each.space.dimensions} for each in (known, self))
        if names := _differing(before, now):
            raise RunError(f"{self.label} varies other things ({names}), {REMEDY}")
        if known.data != self.data:
            raise self.other_data()

    def other_data(self, differing: Iterable[str] = ()) -> RunError:
        """The error about data that are not those of the study, with how they are read in another way."""
        how = "; ".join(differing)
        return RunError(f"{self.label} uses other data{f' ({how})' if how else ''}, {REMEDY}")


def _differing(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The names whose values differ."""
    return ", ".join(sorted(name for name in before | now if before.get(name) != now.get(name)))
