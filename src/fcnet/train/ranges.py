"""The valid values of every setting, of a training or of the classifier: ranges of numbers, and names."""

import math
import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

from fcnet.errors import DataError
from fcnet.net.initialisation import initialisation
from fcnet.registry import unknown


class Range(NamedTuple):
    """What a number may be.

    whole : it has no fraction
    fits : whether a number is in the range
    wanted : what an error asks for
    """

    whole: bool
    fits: Callable[[Any], bool]
    wanted: str

    def number(self, name: str, value: Any) -> int | float:
        """A value, which may come from NumPy, as one of Python's own numbers.

        Raises
        ------
        DataError : `NAME is V, give WANTED`
        """
        try:
            found: int | float = operator.index(value)
        except TypeError:
            found = float(value) if isinstance(value, Real) and not self.whole else math.nan
        require(name, value, self.fits(found) and not isinstance(value, bool), self.wanted)
        return found


AT_LEAST_1 = Range(True, lambda value: value >= 1, "a whole number of at least 1")
WHOLE_NOT_NEGATIVE = Range(True, lambda value: value >= 0, "a whole number of at least 0")
FRACTION = Range(False, lambda value: 0 <= value < 1, "a number from 0 up to, but not including, 1")
NOT_NEGATIVE = Range(False, lambda value: 0 <= value < math.inf, "a number of at least 0")
POSITIVE = Range(False, lambda value: 0 < value < math.inf, "a number above 0")

RANGES: dict[str, Range] = {
    **dict.fromkeys(("batch_size", "epochs", "components", "validation", "iterations"), AT_LEAST_1),
    **dict.fromkeys(("evaluate_every", "expansion", "hidden"), AT_LEAST_1),
    "patience": AT_LEAST_1._replace(wanted=f"{AT_LEAST_1.wanted} or None"),
    **dict.fromkeys(("shift", "cutout", "seed", "blocks", "bank"), WHOLE_NOT_NEGATIVE),
    **dict.fromkeys(("momentum", "dropout", "label_smoothing", "zoom", "validation_fraction"), FRACTION),
    **dict.fromkeys(("reg", "lasso", "whitening_floor", "warmup_epochs", "receptive_field"), NOT_NEGATIVE),
    "mixup": NOT_NEGATIVE,
    "learning_rate": POSITIVE,
    "decay": Range(False, lambda value: 0 < value <= 1, "a number above 0 and at most 1"),
    "rotate": Range(False, lambda value: 0 <= value <= 180, "a number from 0 to 180, in degrees"),
}
"""What each number may be, whether a setting of a training or a parameter of the classifier; of `hidden` each
number is looked at."""


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


def check_settings(values: Mapping[str, Any], optional: Collection[str] = ()) -> dict[str, Any]:
    """Require that numbers are in their ranges and that names exist.

    Parameters
    ----------
    values : by the names of settings; of `hidden` a tuple
    optional : the settings that may be None

    Returns
    -------
    values : the same, with numbers and names of Python's own types

    Raises
    ------
    DataError : `NAME is V, give ...` or `NAME is V, choose from ...`
    """
    checked = dict(values)
    for name, value in values.items():
        if name in RANGES and not (value is None and name in optional):
            given = value if name == "hidden" else (value,)
            numbers = tuple(RANGES[name].number(name, number) for number in given)
            for number in numbers:
                power = TOO_LARGE.get(name, 63 if isinstance(number, int) else 128)
                if number >= 2**power:
                    raise DataError(f"{name} is too large, give a number below 2^{power}")
            checked[name] = numbers if name == "hidden" else numbers[0]
        if name in USUAL:
            require(name, value, isinstance(value, str), "a name")
            if value != USUAL[name] and value not in _names(name):
                raise unknown(_names(name), value, name)
            checked[name] = str(value)
    if "initialisation" in values:
        initialisation(values["initialisation"])
    return checked


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
