"""What a search varies, and over which ranges.

The ranges follow from the base settings: around them, as wide as makes sense for such a net, and always
containing them, so that the base can be the first trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fcnet.train.config import TrainConfig

if TYPE_CHECKING:
    from optuna import Trial

Value = str | float | int | bool

DIGITS = 3
"""Significant digits of a varied number, so that settings can be read and typed."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    log : equal ratios are equally far apart
    whole : whole numbers only, multiples of this number; 0 for fractions
    """

    low: float
    high: float
    log: bool = False
    whole: int = 0

    def suggest(self, trial: Trial, name: str) -> Value:
        """What the sampler suggests for this trial."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def tidy(self, value: Any) -> Value:
        """The number as a setting: with few digits, or the nearest multiple, within the range."""
        if self.whole:
            return int(min(max(round(value / self.whole) * self.whole, self.low), self.high))
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def nearest(self, value: Any) -> Value:
        """The value itself, or the end of the range that it is beyond."""
        found: Value = min(max(value, self.low), self.high)
        return found


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Value, ...]

    def suggest(self, trial: Trial, name: str) -> Value:
        """What the sampler suggests for this trial."""
        chosen: Any = trial.suggest_categorical(name, self.values)
        found: Value = chosen
        return found

    def tidy(self, value: Any) -> Value:
        found: Value = value
        return found

    nearest = tidy


@dataclass(frozen=True)
class Dimension:
    """One thing that is varied.

    name : of the setting; `hidden_2` for the second hidden layer, `depth` for the number of them
    domain : its values
    only_if : another dimension, earlier in the space, and the values of it that make this one matter
    """

    name: str
    domain: Range | Choice
    only_if: tuple[str, tuple[Value, ...]] | None = None

    def matters(self, values: Mapping[str, Any]) -> bool:
        return self.only_if is None or values[self.only_if[0]] in self.only_if[1]


@dataclass(frozen=True)
class Space:
    """All that a search varies."""

    dimensions: tuple[Dimension, ...]

    def suggested(self, trial: Trial) -> dict[str, Value]:
        """What the sampler suggests for each dimension that matters."""
        return self._chosen(lambda dimension: dimension.domain.suggest(trial, dimension.name))

    def complete(self, values: Mapping[str, Any]) -> bool:
        """Whether every dimension that matters has its value."""
        return all(
            dimension.name in values
            for dimension in self.dimensions
            if (dimension.only_if is None or dimension.only_if[0] in values) and dimension.matters(values)
        )

    def _chosen(self, choose: Callable[[Dimension], Value]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for dimension in self.dimensions:  # one after another: some matter with some values of others only
            if dimension.matters(values):
                values[dimension.name] = choose(dimension)
        return values

    def settings(self, base: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
        """The base with these values instead of its own."""
        changed: dict[str, Any] = {
            dimension.name: dimension.domain.tidy(values[dimension.name])
            for dimension in self.dimensions
            if dimension.name in values
        }
        depth = int(changed.pop("depth", len(base.hidden)))
        widths = [changed.pop(f"hidden_{place}", None) for place in range(1, depth + 1)]
        kept = list(base.hidden) + [base.hidden[-1] if base.hidden else 0] * depth
        hidden = tuple(own if width is None else int(width) for width, own in zip(widths, kept, strict=False))
        return replace(base, hidden=hidden, **changed)

    def values(self, base: TrainConfig) -> dict[str, Value]:
        """The base in this space; a number that a logarithmic range lacks, such as 0, moves to its end."""
        own: dict[str, Any] = {**base.to_dict(), "depth": len(base.hidden)}
        own |= {f"hidden_{place}": width for place, width in enumerate(base.hidden, start=1)}
        return self._chosen(lambda dimension: dimension.domain.nearest(own[dimension.name]))

    def to_list(self) -> list[dict[str, Any]]:
        """As plain values for JSON."""
        described = []
        for dimension in self.dimensions:
            domain = dimension.domain
            row: dict[str, Any] = {"name": dimension.name}
            if isinstance(domain, Choice):
                row["values"] = list(domain.values)
            else:
                row |= {"low": domain.low, "high": domain.high, "log": domain.log, "whole": domain.whole}
            if dimension.only_if is not None:
                row["only_if"] = {"name": dimension.only_if[0], "values": list(dimension.only_if[1])}
            described.append(row)
        return described

    @classmethod
    def from_list(cls, rows: list[dict[str, Any]]) -> Space:
        """The inverse of `to_list`."""
        return cls(tuple(_dimension(row) for row in rows))


def _dimension(row: dict[str, Any]) -> Dimension:
    domain: Range | Choice
    if "values" in row:
        domain = Choice(tuple(row["values"]))
    else:
        domain = Range(row["low"], row["high"], row["log"], row["whole"])
    only_if = row.get("only_if")
    return Dimension(row["name"], domain, only_if and (only_if["name"], tuple(only_if["values"])))
