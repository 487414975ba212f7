"""What a study may hold: a journal is data, whoever wrote it, and is checked when it is opened."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from optuna.trial import FrozenTrial

from fcnet.errors import FcnetError, RunError
from fcnet.schema import Count, Fraction, NotNegative, Object, Whole, Word
from fcnet.tuning.space import Dimension, Space

RunName = Annotated[str, Meta(pattern=r"\A[0-9]{4,9}\Z")]
"""The folder of a trial's training, inside that of the search."""


class Plan(Struct):
    """What the study says of its search."""

    base: Object
    space: list[Dimension]
    data: Word
    trials: Count


class Worker(Struct):
    """The worker of a trial."""

    here: Word
    process: Whole


class Outcome(Struct):
    """How a trial's training ended."""

    diverged: bool
    seconds: NotNegative
    epochs: NotNegative
    threads: Count
    too_large: bool = False


class Attributes(Struct):
    """What fcnet notes of a trial."""

    base: bool = False
    run: RunName = "0000"
    lost: Whole = 0
    worker: Worker | None = None
    outcome: Outcome | None = None
    superfluous: bool = False


class Attached(Struct):
    """What Optuna notes of a trial, as far as fcnet uses it."""

    fixed_params: Object = {}
    retry_history: list[Whole] = []
    failed_trial: Whole | None = None


class Results(Struct):
    """Validation accuracies: of a complete trial, and while it ran."""

    values: Annotated[list[Fraction], Meta(max_length=1)] | None
    curve: dict[Whole, Fraction]


def check_plan(about: Any, label: str) -> None:
    """Check what a study says of its search.

    Raises
    ------
    RunError : it is something else; the text says what and where
    """
    try:
        msgspec.convert(about, Plan)
    except (ValueError, RecursionError) as error:
        raise _damaged(label, error) from error


def check_trials(trials: Sequence[FrozenTrial], space: Space, label: str) -> None:
    """Check all trials of a study: what is noted of them, and that they lie in the space.

    Raises
    ------
    RunError : a trial is something else; the text names it, and says what is wrong
    """
    for trial in trials:
        try:
            msgspec.convert(trial.user_attrs, Attributes)
            attached = msgspec.convert(trial.system_attrs, Attached)
            curve = trial.intermediate_values
            msgspec.convert({"values": trial.values, "curve": curve}, Results)
            space.check(trial.params or attached.fixed_params)
        except (ValueError, TypeError, RecursionError, FcnetError) as error:
            raise _damaged(f"trial {trial.number} of {label}", error) from error


def _damaged(what: str, error: Exception) -> RunError:
    return RunError(f"{what} is damaged: {error}; restore it or choose another with --out")
