"""The valid values of every setting, of a training or of the classifier: ranges of numbers, and names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

from fcnet.errors import DataError
from fcnet.net.initialisation import initialisation
from fcnet.registry import unknown

AT_LEAST_1 = (lambda value: value >= 1), "a whole number of at least 1"
FRACTION = (lambda value: 0 <= value < 1), "a number from 0 up to, but not including, 1"
NOT_NEGATIVE = (lambda value: 0 <= value < float("inf")), "a number of at least 0"
POSITIVE = (lambda value: 0 < value < float("inf")), "a number above 0"

RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("batch_size", "epochs", "components", "validation", "iterations"), AT_LEAST_1),
    **dict.fromkeys(("evaluate_every", "expansion", "patience", "hidden"), AT_LEAST_1),
    **dict.fromkeys(("momentum", "dropout", "label_smoothing", "zoom", "validation_fraction"), FRACTION),
    **dict.fromkeys(("reg", "lasso", "whitening_floor", "warmup_epochs", "receptive_field"), NOT_NEGATIVE),
    **dict.fromkeys(("shift", "cutout", "mixup", "seed", "blocks", "bank"), NOT_NEGATIVE),
    "learning_rate": POSITIVE,
    "decay": ((lambda value: 0 < value <= 1), "a number above 0 and at most 1"),
    "rotate": ((lambda value: 0 <= value <= 180), "a number from 0 to 180, in degrees"),
}
"""What each number may be, whether a setting of a training or a parameter of the classifier; None is left
out, and of `hidden` each number is looked at."""


def _names(what: str) -> Iterable[str]:
    """The names that a setting may have. NumPy is needed to know some of them, so they are looked up late."""
    if what == "activation":
        from fcnet.net.activations import ACTIVATIONS

        return ACTIVATIONS
    if what == "norm":
        from fcnet.net.layers import LAYERS

        return ["none", *(name for name, layer in LAYERS.items() if getattr(layer, "normalises", False))]
    if what == "optimiser":
        from fcnet.net.optimisers import OPTIMISERS

        return OPTIMISERS
    from fcnet.train.schedules import SCHEDULES

    return SCHEDULES


TOO_LARGE = {"hidden": 24, "expansion": 24}
"""The power of 2 that a number stays below; if not given, that of a 64-bit integer or of a float32."""

USUAL = {"activation": "relu", "norm": "none", "optimiser": "sgd", "schedule": "decay"}
"""Names that are known to exist without a look."""


def check_settings(values: Mapping[str, Any]) -> None:
    """Require that numbers are in their ranges and that names exist.

    Raises
    ------
    DataError : `NAME is V, give ...` or `NAME is V, choose from ...`
    """
    for name, value in values.items():
        if name in RANGES:
            fits, wanted = RANGES[name]
            for number in value if isinstance(value, tuple) else (value,):
                require(name, value, number is None or (is_number(number) and fits(number)), wanted)
                power = TOO_LARGE.get(name, 63 if isinstance(number, int) else 128)
                if number is not None and not _below(number, power):
                    raise DataError(f"{name} is too large, give a number below 2^{power}")
        if name in USUAL and value != USUAL[name] and value not in _names(name):
            raise unknown(_names(name), value, name)
    if "initialisation" in values:
        initialisation(values["initialisation"])


def _below(number: Any, power: int) -> bool:
    """Whether a number is smaller than 2 to this power; Python's own numbers compare without rounding."""
    return bool((number if isinstance(number, int) else float(number)) < 2**power)


def is_number(value: Any) -> bool:
    """Whether it is a real number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def require(name: str, value: Any, fulfilled: bool, wanted: str) -> None:
    """Raise `NAME is V, give WANTED` where it is not fulfilled.

    Raises
    ------
    DataError : it is not
    """
    if not fulfilled:
        raise DataError(f"{name} is {value!r}, give {wanted}")


def name_and_value(setting: str, text: str) -> tuple[str, float | None]:
    """`noise=0.1` as a name and a number, and `noise` as a name and None.

    Raises
    ------
    DataError : what follows the name is not a number
    """
    name, equals, number = text.partition("=")
    if not equals:
        return name, None
    try:
        return name, int(number)
    except ValueError:
        pass
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    require(setting, text, math.isfinite(value), "NAME or NAME=VALUE with a number")
    return name, value
