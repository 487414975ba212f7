"""The learning rate of every step.

`SCHEDULES` finds the schedules by name. A schedule is made from the settings of a training and its length.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

from fcnet.extension import broken, called, described, is_own
from fcnet.registry import look_up

Schedule = Callable[[int], float]
"""Maps a step, counted from 0, to its learning rate."""


class Settings(Protocol):
    """The settings that the schedules use: of a training, or of the classifier."""

    @property
    def schedule(self) -> str:
        """A name in `SCHEDULES`."""

    @property
    def learning_rate(self) -> float:
        """The highest learning rate."""

    @property
    def decay(self) -> float:
        """Factor after each epoch."""

    @property
    def warmup_epochs(self) -> float:
        """Epochs over which the learning rate rises."""


@dataclass(frozen=True)
class Length:
    """The length of a training, in steps."""

    steps_per_epoch: int
    total: int


def epoch_decay(settings: Settings, length: Length) -> Schedule:
    """The exercise's schedule: after each epoch the learning rate is multiplied by `decay`."""
    return lambda step: settings.learning_rate * settings.decay ** (step // length.steps_per_epoch)


def cosine(settings: Settings, length: Length) -> Schedule:
    """A linear rise over the warmup, then half a cosine down to zero.

    The descent is that of Loshchilov and Hutter (2017): its first step has the full rate, and the step after
    the last would have none.
    """
    highest, warmup = settings.learning_rate, round(settings.warmup_epochs * length.steps_per_epoch)

    def learning_rate(step: int) -> float:
        if step < warmup:
            return highest * (step + 1) / (warmup + 1)
        progress = (step - warmup) / max(length.total - warmup, 1)
        return highest * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))

    return learning_rate


def constant(settings: Settings, length: Length) -> Schedule:
    """The same learning rate in every step."""
    return lambda step: settings.learning_rate


SCHEDULES: dict[str, Callable[[Settings, Length], Schedule]] = {
    "decay": epoch_decay,
    "cosine": cosine,
    "constant": constant,
}
"""The schedules by name; each is called with the settings and the length of a training."""


def make_schedule(settings: Settings, steps_per_epoch: int, total: int) -> Schedule:
    """The schedule that the settings ask for, for a training of `total` steps.

    Raises
    ------
    DataError : the name is unknown; the text lists the known ones
    ExtensionError : a user's own one gives no learning rate of at least 0 in some step
    """
    make, length = look_up(SCHEDULES, settings.schedule, "schedule"), Length(steps_per_epoch, total)
    if not is_own(make):
        return make(settings, length)
    what = f"the schedule {settings.schedule!r}"
    schedule: Schedule = called(what, make, settings, length, wants="a function of (settings, length)")
    return checked_steps(what, make, schedule, range(length.total), math.inf)


def checked_steps(
    what: str, make: object, function: Any, steps: range, most: float
) -> Callable[[int], float]:
    """What a user's code made, which has to be a function that gives each of these steps a number.

    Parameters
    ----------
    what, make : the code, as `broken` names it
    function : what it made
    steps : all that it will be asked for
    most : the largest number that is allowed; the smallest is 0

    Returns
    -------
    function : that gives each of them as a float; a user's may be a scalar of NumPy, or a fraction

    Raises
    ------
    ExtensionError : it is no function, or gives a step something else
    """
    if not callable(function):
        raise broken(what, make, f"makes {described(function)}, return a function of the step")
    for step in steps:
        value = called(what, function, step, wants="a function of the step")
        number = _number(value)
        if number is None or not (0 <= number <= most and number < math.inf):
            wanted = "a number of at least 0" if most == math.inf else f"a number from 0 to {most:g}"
            raise broken(what, make, f"gives {value!r} for step {step}, return {wanted}")
    return lambda step: float(function(step))


def _number(value: Any) -> float | None:
    """A number, or an array of no dimensions that holds one, as a float; None of anything else."""
    plain = value.item() if getattr(value, "shape", None) == () else value
    return float(plain) if isinstance(plain, Real) and not isinstance(plain, bool) else None
