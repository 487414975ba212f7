"""The record of a search, study.json, read back for figures and tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcnet.errors import RunError
from fcnet.records import read_json
from fcnet.train.config import TrainConfig
from fcnet.tuning.plan import FORMAT
from fcnet.tuning.space import Space

WORDS = {
    "reg": "L2 (lambda)",
    "shift": "shift (pixels)",
    "rotate": "turn (degrees)",
    "zoom": "zoom (fraction)",
    "decay": "decay an epoch",
    "warmup_epochs": "warm-up (epochs)",
    "depth": "hidden layers",
    "initialisation": "initial weights",
}
"""Settings whose name is not enough of a label."""


@dataclass(frozen=True)
class Trial:
    """One trial of the record, as `Row` in `fcnet.tuning.standing`, whose states it has.

    settings : by the names of the space's dimensions, tidied; those that did not matter are missing
    """

    number: int
    state: str
    value: float | None
    reached: float | None
    seconds: float
    base: bool
    settings: dict[str, Any]


@dataclass(frozen=True)
class Search:
    """A whole search.

    trials : those that count, in the order in which they ended
    importance : of each dimension, the most important first, adding up to 1; empty where unknown
    """

    space: Space
    base: TrainConfig
    trials: tuple[Trial, ...]
    importance: dict[str, float]
    label: str
    epochs: int

    @property
    def best(self) -> Trial | None:
        complete = [trial for trial in self.trials if trial.value is not None]
        return max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)

    @property
    def first(self) -> Trial | None:
        """The base, where it is complete."""
        return next((trial for trial in self.trials if trial.base and trial.value is not None), None)

    @property
    def credit(self) -> str:
        """What a figure of it was made from."""
        complete = sum(trial.state == "complete" for trial in self.trials)
        number = len(self.trials)
        return f"{self.label}; {number} trials of {self.epochs} epochs, {complete} of them complete"

    def name(self, dimension: str) -> str:
        """A dimension as people call it."""
        layers = [one.name for one in self.space.dimensions if one.name.startswith("hidden_")]
        if dimension.startswith("hidden_"):
            return "hidden units" if len(layers) == 1 else f"units, layer {dimension.removeprefix('hidden_')}"
        return WORDS.get(dimension, dimension.replace("_", " "))


def read_search(path: Path) -> Search:
    """Read study.json.

    Raises
    ------
    RunError : it is missing or damaged, or of another version
    """
    record = read_json(path)
    if record.get("format") != FORMAT or "trials" not in record:
        raise RunError(f"{path} is no record of a search by this version of fcnet, use that which wrote it")
    try:
        space = Space.from_list(record["space"])
        base = TrainConfig.from_dict(record["base"], str(path))
        done = [row for row in record["trials"] if row["state"] in ("complete", "pruned", "diverged")]
        return Search(
            space=space,
            base=base,
            trials=tuple(_trial(row, space, base) for row in sorted(done, key=lambda row: row["ended"])),
            importance=record["importance"],
            label=record["data"]["label"],
            epochs=base.epochs,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path} is damaged ({error!r}), go on with its search to write it anew") from error


def _trial(row: dict[str, Any], space: Space, base: TrainConfig) -> Trial:
    own = space.values(base) if row["base"] else row["params"]
    return Trial(
        number=row["number"],
        state=row["state"],
        value=row["value"],
        reached=row["curve"][-1][1] if row["curve"] else None,
        seconds=row["seconds"] or 0.0,
        base=row["base"],
        settings={
            one.name: own[one.name] if row["base"] else one.domain.tidy(own[one.name])
            for one in space.dimensions
            if one.name in own
        },
    )
