"""The status of a search: plain values for the screen, the record and the figures."""

from dataclasses import dataclass
from typing import Any

import optuna
import tomli_w
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fcnet.data.dataset import Dataset
from fcnet.files import write_atomically
from fcnet.records import environment, write_json
from fcnet.runs.differing import data_record
from fcnet.train.config import TrainConfig
from fcnet.tuning.search import FORMAT, Search
from fcnet.tuning.study import POINTS, Trials
from fcnet.wording import setting

FEWEST = 8
"""Least number of complete trials for a statement on importance."""

FRUITLESS = ("diverged", "too large")
"""States of a trial whose settings cannot be trained: the loss is infinite, or the memory too small."""

DONE = ("complete", "pruned", *FRUITLESS)
"""States of a trial that counts."""

STATES = (*DONE, "failed", "running", "stopped", "waiting")
"""The states of a trial. A stopped trial resumes with the search, a waiting one has not begun yet, and a
failed one has lost several workers."""


@dataclass(frozen=True)
class Row:
    """One trial.

    number : from 0, in the order in which they were first begun
    state : one of `STATES`
    value : validation accuracy at the end of a complete trial, a fraction; None of any other
    base : whether this is the base itself
    retry_of : in a database, the number of the trial of a lost worker that this one repeats
    params : what the sampler suggested, before it was tidied
    settings : all of them; None as long as the trial has not begun
    epochs, seconds, threads : passes done, time of training, and threads that it used; None while unknown
    ended : when, as ISO 8601, or None
    curve : (fraction of the training, validation accuracy) as they were reported
    """

    number: int
    state: str
    value: float | None
    base: bool
    retry_of: int | None
    params: dict[str, Any]
    settings: TrainConfig | None
    epochs: float | None
    seconds: float | None
    threads: int | None
    ended: str | None
    curve: tuple[tuple[float, float], ...]

    @property
    def done(self) -> bool:
        """Whether the trial counts."""
        return self.state in DONE

    @property
    def progress(self) -> float:
        """The fraction of the training that is done, as far as it was reported."""
        return self.curve[-1][0] if self.curve else 0.0

    @property
    def reached(self) -> float | None:
        """The last validation accuracy known."""
        return self.curve[-1][1] if self.curve else None

    def to_dict(self, base: TrainConfig) -> dict[str, Any]:
        """As plain values for JSON, with the settings that are not the base's."""
        values = {**vars(self), "curve": [list(point) for point in self.curve]}
        settings = values.pop("settings")
        return values | {"changed": {} if settings is None else settings.changed(base)}


@dataclass(frozen=True)
class Status:
    """All trials of a search that have begun."""

    search: Search
    rows: tuple[Row, ...]

    @property
    def done(self) -> list[Row]:
        """Trials that count, in the order in which they ended."""
        return sorted((row for row in self.rows if row.done), key=lambda row: row.ended or "")

    @property
    def running(self) -> list[Row]:
        return [row for row in self.rows if row.state == "running"]

    @property
    def ranking(self) -> list[Row]:
        """Complete trials, the best first; of equals the earlier."""
        complete = [row for row in self.rows if row.value is not None]
        return sorted(complete, key=lambda row: (-(row.value or 0.0), row.number))

    @property
    def best(self) -> Row | None:
        return self.ranking[0] if self.ranking else None

    @property
    def fruitless(self) -> bool:
        """Whether the search has all its trials, and none can be trained: to resume it is no help."""
        return len(self.done) >= self.search.trials and all(row.state in FRUITLESS for row in self.done)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials there are in each state."""
        return {state: sum(row.state == state for row in self.rows) for state in STATES}

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the mean time of the trials so far; None before the first has ended."""
        times = [row.seconds for row in self.done if row.seconds is not None]
        if not times:
            return None
        missing = self.search.trials - len(self.done)
        remaining = [1.0 - row.progress for row in self.running]
        shared = max(missing - sum(row.progress for row in self.running), 0.0) / self.search.workers
        return max(shared, *remaining, 0.0) * sum(times) / len(times)


def status_of(trials: Trials) -> Status:
    """The status of the study now."""
    found = trials.having()
    retried = {number for trial in found for number in trial.system_attrs.get("retry_history", [])}
    kept = [one for one in found if one.number not in retried and "superfluous" not in one.user_attrs]
    return Status(trials.search, tuple(_row(trial, trials.search) for trial in kept))


def _row(trial: FrozenTrial, search: Search) -> Row:
    outcome = trial.user_attrs.get("outcome", {})
    base = bool(trial.user_attrs.get("base", False))
    settings = search.space.settings(search.base, trial.params) if trial.params else None
    return Row(
        number=trial.number,
        state=_state(trial),
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        base=base,
        retry_of=trial.system_attrs.get("failed_trial"),
        params=dict(trial.params),
        settings=search.base if base else settings,
        epochs=outcome.get("epochs"),
        seconds=outcome.get("seconds"),
        threads=outcome.get("threads"),
        ended=trial.datetime_complete.isoformat(timespec="milliseconds") if trial.datetime_complete else None,
        curve=tuple((point / POINTS, value) for point, value in sorted(trial.intermediate_values.items())),
    )


def _state(trial: FrozenTrial) -> str:
    """Optuna's state in lower case, and more states that Optuna does not distinguish."""
    outcome = trial.user_attrs.get("outcome", {})
    if trial.state == TrialState.PRUNED and (outcome.get("diverged") or outcome.get("too_large")):
        return "diverged" if outcome.get("diverged") else "too large"
    if trial.state == TrialState.WAITING:
        return "stopped" if trial.params else "waiting"
    return "failed" if trial.state == TrialState.FAIL else trial.state.name.lower()


def write_outcome(study: Study, status: Status, dataset: Dataset) -> None:
    """Write best.toml, as soon as a trial is complete, and study.json.

    Raises
    ------
    RunError : the folder cannot be written
    """
    search, best = status.search, status.best
    if best is not None and best.settings is not None:
        write_atomically(search.best, tomli_w.dumps(best.settings.to_dict()))
    record = {
        "format": FORMAT,
        "study": search.study,
        "base": search.base.to_dict(),
        "space": search.space.to_list(),
        "seed": search.base.seed,
        "value": "validation accuracy of the weights at the end of a training, a fraction",
        "sampler": f"Optuna {optuna.__version__}, TPESampler",
        "pruner": "PercentilePruner",
        "trials_wanted": search.trials,
        "workers": search.workers,
        "counts": status.counts,
        "seconds": sum(row.seconds or 0.0 for row in status.done),
        "best": None if best is None else best.to_dict(search.base),
        "importance": importance(study),
        "trials": [row.to_dict(search.base) for row in status.rows],
        "data": data_record(dataset),
        "environment": environment(),
    }
    write_json(search.record, record)


def importance(study: Study) -> dict[str, float]:
    """The importance of each varied setting, the most important first; the sum is 1.

    This is Optuna's default measure; empty if too few trials are complete, or all of them are equal.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < FEWEST or len({trial.value for trial in complete}) == 1:
        return {}
    found = optuna.importance.get_param_importances(study)
    return {name: float(value) for name, value in found.items()}


def in_words(settings: TrainConfig, base: TrainConfig) -> str:
    """The settings that differ from the base's, for a line on the screen."""
    changed = settings.changed(base).items()
    words = [f"{name.replace('_', ' ')} {setting(value, ' x ')}" for name, value in changed]
    return ", ".join(words) or "the base"
