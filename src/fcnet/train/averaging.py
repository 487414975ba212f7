"""Averages of the weights over the steps of a training.

The weights of one step are noisy, because each minibatch pulls them another way. Their average over many
steps is less so, and is often more accurate than any of them. The training itself does not see it.

`AVERAGES` finds the kinds by name. A kind says after which steps the weights enter the average, and with
which share. An engine needs nothing else: average <- (1 - share) average + share weights.
"""

from collections.abc import Callable

from fcnet.extension import broken, called, is_own
from fcnet.registry import unknown
from fcnet.train.ranges import name_and_value, require
from fcnet.train.schedules import Length, checked_steps

SAMPLES = 50
"""How often the weights enter the average within its memory. More often costs time and changes little, since
neighbouring steps have nearly the same weights; and float32 rounds small shares away."""


Average = Callable[[int], float]
"""Maps a step, counted from 1, to the share with which its weights enter the average; 0 for none."""


def exponential(length: Length, decay: float = 0.999) -> Average:
    """An exponential moving average: weights count `decay` times as much as those one step later.

    With a sample every k steps it is decay^k.
    """
    require("average", f"ema={decay:g}", 0 < decay < 1, "ema=DECAY above 0 and below 1, such as ema=0.999")
    every = max(1, round(min(1 / (1 - decay), length.total) / SAMPLES))
    return _sampled(1, length.total, every, decay**every)


def mean_of_last(length: Length, epochs: float = 5) -> Average:
    """The mean over the last epochs, as stochastic weight averaging (Izmailov et al. 2018) has it.

    The schedule stays that of the training. Before these epochs there is no average.
    """
    require("average", f"last={epochs:g}", epochs > 0, "last=EPOCHS above 0, such as last=5")
    steps = max(1, min(round(epochs * length.steps_per_epoch), length.total))
    return _sampled(length.total - steps + 1, length.total, max(1, round(steps / SAMPLES)), 1)


def _sampled(first: int, total: int, every: int, decay: float) -> Average:
    """An average over every `every`-th step from `first` on, so that the last step of the training counts.

    The shares make the weights of all samples add up to 1, so that the initial weights never count.

    Parameters
    ----------
    first : the first step that may count
    total : steps of the training
    every : steps from one sample to the next
    decay : a sample counts this many times as much as the next one; 1 for a plain mean
    """

    def share(step: int) -> float:
        if step < first or (total - step) % every:
            return 0.0
        samples = (step - first) // every + 1
        return 1 / samples if decay == 1 else (1 - decay) / (1 - decay**samples)

    return share


AVERAGES: dict[str, Callable[..., Average]] = {"ema": exponential, "last": mean_of_last}
"""The kinds of average by name; each is called with the length of a training and, where one is given, with
its value."""


def check_average(text: str) -> None:
    """Make sure that this is "none" or describes an average, before the length of the training is known.

    A user's own one is left alone: it may need many steps, and is tried once their number is known.

    Raises
    ------
    DataError : as `make_average`
    """
    if text == "none":
        return
    make, value = _looked_up(text)
    if not is_own(make):
        make(Length(1, 1), *value)


def make_average(text: str, length: Length) -> Average | None:
    """The average that NAME or NAME=VALUE describes; None for "none".

    Raises
    ------
    DataError : an unknown name, whose text lists the known ones, or a value that does not fit
    ExtensionError : a user's own one gives no share from 0 to 1 in some step, or none above 0
    """
    if text == "none":
        return None
    make, value = _looked_up(text)
    if not is_own(make):
        return make(length, *value)
    what = f"the average {text.partition('=')[0]!r}"
    wants = "a function of (length), or of (length, value) with a value"
    made = called(what, make, length, *value, wants=wants)
    average = checked_steps(what, make, made, range(1, length.total + 1), 1)
    if not any(average(step) for step in range(1, length.total + 1)):
        raise broken(what, make, f"gives 0 for each of the {length.total} steps, let one of them count")
    return average


def _looked_up(text: str) -> tuple[Callable[..., Average], tuple[float, ...]]:
    """What makes the average of NAME or NAME=VALUE, and its value if there is one.

    Raises
    ------
    DataError : an unknown name, whose text lists the known ones, or no number
    """
    name, value = name_and_value("average", text)
    require("average", text, name != "none", "none without a value")
    if name not in AVERAGES:
        raise unknown(("none", *AVERAGES), name, "average")
    return AVERAGES[name], () if value is None else (value,)
