"""The range of each thing that can be varied, as a function of the base settings."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from fcnet.errors import DataError
from fcnet.train.config import TrainConfig
from fcnet.tuning.space import Choice, Dimension, Range, Space, Value

NAMES = {
    "learning-rate": "",
    "schedule": "",
    "decay": "vary schedule too, or give --schedule decay",
    "warmup-epochs": "vary schedule too, or give --schedule cosine",
    "reg": "",
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
"""What can be varied, in the order in which it is decided; and what to do where it would change nothing."""

USUAL = (
    "learning-rate", "schedule", "decay", "reg", "hidden", "batch-size", "momentum", "dropout",
    "label-smoothing", "augmentation", "initialisation", "components", "whitening-floor",
)  # fmt: skip
"""What is varied if nothing is said."""

ADAPTIVE = ("adam", "adamw")
"""Optimisers without the setting momentum, whose learning rates do not depend on the gradient's size."""

AUGMENTATION = ("mirror", "shift", "rotate", "zoom")


def make_space(base: TrainConfig, vary: tuple[str, ...] | None, image_shape: tuple[int, int, int]) -> Space:
    """The space around the base.

    Parameters
    ----------
    base : the settings that are not varied, and the middle of what is
    vary : names among `NAMES`; None for those of `USUAL` that change anything with this base
    image_shape : (channels, height, width), which bounds shifts and components

    Raises
    ------
    DataError : `--vary NAME changes nothing ...`; a name that cannot be varied
    """
    check_names(vary or ())
    found: dict[str, Dimension] = {}
    names = USUAL if vary is None else vary
    for name in sorted(set(names), key=list(NAMES).index):  # schedule before decay, depth before hidden
        own = dimensions(name, base, image_shape, names)
        if not own and vary is not None:
            raise DataError(f"--vary {name} changes nothing with these settings, {NAMES[name]}")
        found |= {dimension.name: dimension for dimension in own}
    return Space(tuple(found.values()))


def check_names(names: Collection[str]) -> None:
    """Make sure that these can be varied.

    Raises
    ------
    DataError : `--vary NAME is unknown, choose among ...`
    """
    if unknown := [name for name in names if name not in NAMES]:
        raise DataError(f"--vary {unknown[0]} is unknown, choose among {', '.join(NAMES)}")


def dimensions(
    name: str, base: TrainConfig, image_shape: tuple[int, int, int], names: Collection[str]
) -> list[Dimension]:
    """What varying `name`, beside the others in `names`, means for the base; empty if nothing."""
    if name in ("augmentation", *AUGMENTATION) and image_shape[1] == 1:  # rows of numbers
        return []
    if name == "augmentation":
        return [found for part in AUGMENTATION for found in dimensions(part, base, image_shape, names)]
    setting = name.replace("-", "_")
    match name:
        case "hidden":
            return _hidden(base, "depth" in names)
        case "depth":
            return [Dimension("depth", Range(1, max(3, len(base.hidden) + 1), whole=1))]
        case "decay" | "warmup-epochs":
            return _of_schedule(setting, base, "schedule" in names)
        case "momentum" if base.optimiser in ADAPTIVE:
            return []
        case "dropout" if not base.hidden and "depth" not in names:
            return []
        case "components" | "whitening-floor" if base.preprocessing != "whitened":
            return []
    return [Dimension(setting, _domain(setting, base, image_shape))]


def _domain(setting: str, base: TrainConfig, image_shape: tuple[int, int, int]) -> Range | Choice:
    """The usual values of a setting, and the base's own."""
    own = getattr(base, setting)
    size = math.prod(image_shape)
    domains: dict[str, Range | Choice] = {
        "learning_rate": _rates(base, features=image_shape[1] == 1),
        "reg": Range(1e-5, 3e-3, log=True),
        "schedule": Choice(("cosine", "decay")),
        "batch_size": Choice(tuple(sorted({max(1, round(base.batch_size * f)) for f in (0.25, 0.5, 1, 2)}))),
        "momentum": Range(0.5, 0.98),
        "dropout": Range(0.0, 0.5),
        "label_smoothing": Range(0.0, 0.2),
        "mirror": Choice((False, True)),
        "shift": Range(0, max(1, min(image_shape[1:]) // 8), whole=1),
        "rotate": Range(0.0, 20.0),
        "zoom": Range(0.0, 0.2),
        "initialisation": Choice(("he", "pytorch")),
        "components": Range(min(64, size), min(1024, size), log=True, whole=1),
        "whitening_floor": Range(1e3, 1e6, log=True),
    }
    return _with(domains[setting], own)


def _with(domain: Range | Choice, own: Any) -> Range | Choice:
    """The domain, widened so that it contains the base's own value."""
    if isinstance(domain, Choice):
        return domain if own in domain.values else Choice((*domain.values, own))
    if domain.log and own <= 0:  # no such range contains 0
        return domain
    return Range(min(domain.low, own), max(domain.high, own), domain.log, domain.whole)


def _rates(base: TrainConfig, features: bool) -> Range:
    """Learning rates; pixels from 0 to 255 need small ones, since a gradient is as large as the inputs."""
    low, high = 0.01, 0.3
    if base.optimiser in ADAPTIVE:
        low, high = 1e-4, 1e-2
    elif base.preprocessing == "centred" or (base.preprocessing == "auto" and not features):
        low, high = 5e-5, 5e-3
    return Range(min(low, base.learning_rate / 3), max(high, base.learning_rate * 3), log=True)


def _hidden(base: TrainConfig, varied_depth: bool) -> list[Dimension]:
    """One dimension a layer, from an eighth of the base's units to twice as many."""
    widths = list(base.hidden)
    deepest = max(3, len(widths) + 1) if varied_depth else len(widths)
    widths += [widths[-1] if widths else 256] * (deepest - len(widths))
    found = []
    for place, width in enumerate(widths, start=1):
        low, high = min(max(width // 8, 8), 256, width), max(2 * width, 512)
        deep_enough: tuple[Value, ...] = tuple(range(place, deepest + 1))
        only_if = ("depth", deep_enough) if varied_depth and place > 1 else None
        found.append(Dimension(f"hidden_{place}", Range(low, high, log=True, whole=8), only_if))
    return found


def _of_schedule(setting: str, base: TrainConfig, varied_schedule: bool) -> list[Dimension]:
    """What matters with one of the two schedules only."""
    schedule = "decay" if setting == "decay" else "cosine"
    if not varied_schedule and base.schedule != schedule:
        return []
    # from a thousandth of the rate at the end to all of it; up to a sixth of the training on the way up
    usual = Range(0.001 ** (1 / base.epochs), 1.0) if schedule == "decay" else Range(0.0, base.epochs / 6)
    own = getattr(base, setting)
    only_if = ("schedule", (schedule,)) if varied_schedule else None
    return [Dimension(setting, _with(usual, own), only_if)]
