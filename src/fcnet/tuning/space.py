"""The settings that a search varies, and their ranges.

The ranges lie around the base settings, as wide as makes sense for such a net. They always contain the base,
so that it can be the first trial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, structs

from fcnet.errors import DataError
from fcnet.net.optimisers import make_optimiser
from fcnet.train.config import TrainConfig

if TYPE_CHECKING:
    from optuna import Trial

Value = str | float | int | bool

DIGITS = 3
"""Significant digits of a varied number, so that settings can be read and typed."""

NAMES = {
    "learning-rate": "",
    "schedule": "",
    "decay": "vary schedule too, or give --schedule decay",
    "warmup-epochs": "vary schedule too, or give --schedule cosine",
    "reg": "",
    "lasso": "",
    "depth": "",
    "hidden": "give --hidden or vary depth",
    "batch-size": "",
    "momentum": "give --optimiser sgd or nesterov",
    "dropout": "give --hidden or vary depth",
    "label-smoothing": "",
    "augmentation": "it needs images",
    "mirror": "it needs images",
    "shift": "it needs images",
    "rotate": "it needs images",
    "zoom": "it needs images",
    "initialisation": "",
    "components": "give --preprocessing whitened",
    "whitening-floor": "give --preprocessing whitened",
}
"""The settings that can vary, in the order of decision, each with advice for when it has no effect."""

USUAL = (
    "learning-rate", "schedule", "decay", "reg", "hidden", "batch-size", "momentum", "dropout",
    "label-smoothing", "augmentation", "initialisation", "components", "whitening-floor",
)  # fmt: skip
"""The settings that vary by default."""

GROUPS = {"augmentation": ("mirror", "shift", "rotate", "zoom")}
"""Names that stand for several settings."""

SCHEDULE_OF = {"decay": "decay", "warmup-epochs": "cosine"}
"""The schedule with which a setting matters."""


class OnlyIf(Struct, frozen=True):
    """Another dimension, earlier in the space, and the values of it that make this one matter."""

    name: str
    values: tuple[Value, ...]


class Dimension(Struct, frozen=True):
    """One dimension of the space: numbers in a range, or one of several values.

    name : of the setting; `hidden_2` for the second hidden layer, `depth` for the number of them
    low, high : both included
    log : equal ratios are equally far apart
    whole : whole numbers only, and settings are multiples of this number; 0 for fractions
    values : to choose from; empty for a range of numbers
    only_if : what makes it matter; None if it always does
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: int = 0
    values: tuple[Value, ...] = ()
    only_if: OnlyIf | None = None

    def matters(self, values: Mapping[str, Any]) -> bool:
        return self.only_if is None or values[self.only_if.name] in self.only_if.values

    def suggest(self, trial: Trial) -> Value:
        """The sampler's suggestion for this trial."""
        if self.values:
            chosen: Any = trial.suggest_categorical(self.name, self.values)
            found: Value = chosen
            return found
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def tidy(self, value: Any) -> Any:
        """The value as a setting: a number with few digits, or the nearest multiple, within the range."""
        if self.values:
            return value
        if self.whole:
            return int(self.nearest(round(value / self.whole) * self.whole))
        return self.nearest(float(f"{value:.{DIGITS}g}"))

    def nearest(self, value: Any) -> Any:
        """The value itself, or the end of the range if it lies outside."""
        return value if self.values else min(max(value, self.low), self.high)

    def holds(self, value: Any) -> bool:
        """Whether a value lies in this dimension."""
        if self.values:
            return value in self.values
        numbers = int if self.whole else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool) and self.low <= value <= self.high

    def including(self, own: Any) -> Dimension:
        """Widened so that it contains the base's own value; a logarithmic range cannot contain 0."""
        if self.values:
            return self if own in self.values else structs.replace(self, values=(*self.values, own))
        if self.log and own <= 0:
            return self
        return structs.replace(self, low=min(self.low, own), high=max(self.high, own))


@dataclass(frozen=True)
class Space:
    """All dimensions of a search."""

    dimensions: tuple[Dimension, ...] = ()

    def suggested(self, trial: Trial) -> dict[str, Value]:
        """The sampler's suggestion for each dimension that matters."""
        return self._chosen(lambda dimension: dimension.suggest(trial))

    def values(self, base: TrainConfig) -> dict[str, Value]:
        """The base in this space; a number that a logarithmic range lacks, such as 0, moves to its end."""
        own: dict[str, Any] = {**base.to_dict(), "depth": len(base.hidden)}
        own |= {f"hidden_{place}": width for place, width in enumerate(base.hidden, start=1)}
        return self._chosen(lambda dimension: dimension.nearest(own[dimension.name]))

    def check(self, values: Mapping[str, Any]) -> None:
        """Check values that are to lie in this space.

        Raises
        ------
        ValueError : there is no such dimension, or one does not hold its value
        """
        known = {dimension.name: dimension for dimension in self.dimensions}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"it has the unknown parameter {name}")
            if not known[name].holds(value):
                raise ValueError(f"its {name} is {value!r:.40}, which is not in the space")

    def _chosen(self, choose: Callable[[Dimension], Value]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for dimension in self.dimensions:  # in order: some dimensions matter only with some values of others
            if dimension.matters(values):
                values[dimension.name] = choose(dimension)
        return values

    def settings(self, base: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
        """The base with these values instead of its own."""
        changed: dict[str, Any] = {
            dimension.name: dimension.tidy(values[dimension.name])
            for dimension in self.dimensions
            if dimension.name in values
        }
        depth = int(changed.pop("depth", len(base.hidden)))
        widths = [changed.pop(f"hidden_{place}", None) for place in range(1, depth + 1)]
        kept = list(base.hidden) + [base.hidden[-1] if base.hidden else 0] * depth
        hidden = tuple(own if width is None else int(width) for width, own in zip(widths, kept, strict=False))
        return replace(base, hidden=hidden, **changed)

    def to_list(self) -> list[dict[str, Any]]:
        """As plain values for JSON."""
        return [msgspec.to_builtins(dimension) for dimension in self.dimensions]

    @classmethod
    def from_list(cls, rows: list[dict[str, Any]]) -> Space:
        """The inverse of `to_list`."""
        return cls(msgspec.convert(rows, tuple[Dimension, ...]))


def make_space(base: TrainConfig, vary: tuple[str, ...] | None, image_shape: tuple[int, int, int]) -> Space:
    """The space around the base.

    Parameters
    ----------
    base : the settings that are not varied, and the middle of what is
    vary : names among `NAMES`; None for those of `USUAL` that change anything with this base
    image_shape : (channels, height, width), which bounds shifts and components

    Raises
    ------
    DataError : `--vary NAME changes nothing ...`; a name that cannot be varied; none at all
    """
    if vary is not None and not vary:
        raise DataError(f"--vary names nothing, choose among {', '.join(NAMES)}")
    check_names(vary or ())
    found: dict[str, Dimension] = {}
    names = USUAL if vary is None else vary
    for name in sorted(set(names), key=list(NAMES).index):  # schedule before decay, depth before hidden
        parts = GROUPS.get(name, (name,))
        own = [one for part in parts for one in _dimensions(part, base, image_shape, names)]
        if not own and vary is not None:
            raise DataError(f"--vary {name} changes nothing with these settings, {NAMES[name]}")
        found |= {dimension.name: dimension for dimension in own}
    return Space(tuple(found.values()))


def check_names(names: Collection[str]) -> None:
    """Check that these names can be varied.

    Raises
    ------
    DataError : `--vary NAME is unknown, choose among ...`
    """
    if unknown := [name for name in names if name not in NAMES]:
        raise DataError(f"--vary {unknown[0]} is unknown, choose among {', '.join(NAMES)}")


def _dimensions(
    name: str, base: TrainConfig, image_shape: tuple[int, int, int], names: Collection[str]
) -> list[Dimension]:
    """The dimensions for varying `name` beside the others in `names`; empty if it has no effect."""
    only_if: OnlyIf | None = None
    match name:
        case "hidden":
            return _hidden(base, "depth" in names)
        case "depth":
            return [Dimension("depth", 1, _deepest(base), whole=1)]
        case "mirror" | "shift" | "rotate" | "zoom" if image_shape[1] == 1:  # rows of numbers
            return []
        case "momentum" if _adapts(base):
            return []
        case "dropout" if not base.hidden and "depth" not in names:
            return []
        case "components" | "whitening-floor" if not base.whitens:
            return []
        case "decay" | "warmup-epochs" if "schedule" in names:
            only_if = OnlyIf("schedule", (SCHEDULE_OF[name],))
        case "decay" | "warmup-epochs" if base.schedule != SCHEDULE_OF[name]:
            return []
    setting = name.replace("-", "_")
    usual = structs.replace(_usual(setting, base, image_shape), only_if=only_if)
    return [usual.including(getattr(base, setting))]


def _usual(setting: str, base: TrainConfig, image_shape: tuple[int, int, int]) -> Dimension:
    """The usual values of a setting."""
    size, features = math.prod(image_shape), image_shape[1] == 1
    sizes = tuple(sorted({max(1, round(base.batch_size * f)) for f in (0.25, 0.5, 1, 2)}))
    ranges = (
        _rates(base, features),
        Dimension("schedule", values=("cosine", "decay")),
        Dimension("decay", 0.001 ** (1 / base.epochs), 1.0),  # a thousandth of the rate at the end, to all
        Dimension("warmup_epochs", 0.0, base.epochs / 6),
        Dimension("reg", 1e-5, 3e-3, log=True),
        Dimension("lasso", 1e-7, 1e-4, log=True),
        Dimension("batch_size", values=sizes),
        Dimension("momentum", 0.5, 0.98),
        Dimension("dropout", 0.0, 0.5),
        Dimension("label_smoothing", 0.0, 0.2),
        Dimension("mirror", values=(False, True)),
        Dimension("shift", 0, max(1, min(image_shape[1:]) // 8), whole=1),
        Dimension("rotate", 0.0, 20.0),
        Dimension("zoom", 0.0, 0.2),
        Dimension("initialisation", values=("he", "pytorch")),
        Dimension("components", min(64, size), min(1024, size), log=True, whole=1),
        Dimension("whitening_floor", *((1e-3, 10.0) if features else (1e3, 1e6)), log=True),
    )
    return next(one for one in ranges if one.name == setting)


def _adapts(base: TrainConfig) -> bool:
    """Whether the optimiser of the base scales each step by the gradients so far and has no momentum."""
    return bool(getattr(make_optimiser(base.optimiser, base), "adapts", False))


def _rates(base: TrainConfig, features: bool) -> Dimension:
    """Learning rates; pixels from 0 to 255 need small ones, since a gradient is as large as the inputs."""
    low, high = 0.01, 0.3
    if _adapts(base):
        low, high = 1e-4, 1e-2
    elif base.preprocessing == "centred" or (base.preprocessing == "auto" and not features):
        low, high = 5e-5, 5e-3
    own = base.learning_rate
    return Dimension("learning_rate", min(low, own / 3), max(high, own * 3), log=True)


def _deepest(base: TrainConfig) -> int:
    """The largest number of hidden layers, where it is varied."""
    return max(3, len(base.hidden) + 1)


def _hidden(base: TrainConfig, varied_depth: bool) -> list[Dimension]:
    """One dimension a layer, from an eighth of the base's units to twice as many."""
    widths = list(base.hidden)
    deepest = _deepest(base) if varied_depth else len(widths)
    widths += [widths[-1] if widths else 256] * (deepest - len(widths))
    found = []
    for place, width in enumerate(widths, start=1):
        low, high = min(max(width // 8, 8), 256, width), max(2 * width, 512)
        deep_enough = OnlyIf("depth", tuple(range(place, deepest + 1)))
        only_if = deep_enough if varied_depth and place > 1 else None
        found.append(Dimension(f"hidden_{place}", low, high, log=True, whole=8, only_if=only_if))
    return found
