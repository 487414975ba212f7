"""Where a search stands: plain values, for the screen, the record and the figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fcnet.data.dataset import Dataset
from fcnet.files import write_atomically
from fcnet.records import environment, write_json
from fcnet.runs.training import data_record
from fcnet.train.config import TrainConfig
from fcnet.tuning.plan import FORMAT, Place, Plan
from fcnet.tuning.sampling import POINTS

FEWEST = 8
"""Complete trials below which nothing is said of what mattered."""


@dataclass(frozen=True)
class Row:
    """One trial.

    number : from 0, in the order in which they were first begun
    state : complete, pruned, diverged, running, stopped (it resumes with the search), waiting (not yet begun)
        or failed (given up after several workers were lost over it)
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
        """Whether it counts."""
        return self.state in ("complete", "pruned", "diverged")

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
        changed = {} if self.settings is None else differences(self.settings, base)
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "base": self.base,
            "retry_of": self.retry_of,
            "params": self.params,
            "changed": changed,
            "epochs": self.epochs,
            "seconds": self.seconds,
            "threads": self.threads,
            "ended": self.ended,
            "curve": [list(point) for point in self.curve],
        }


@dataclass(frozen=True)
class Status:
    """All trials of a search that have begun."""

    plan: Plan
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

    def number_of(self, state: str) -> int:
        return sum(row.state == state for row in self.rows)

    def seconds_left(self, workers: int) -> float | None:
        """An estimate from the mean time of the trials so far; None before the first has ended."""
        times = [row.seconds for row in self.done if row.seconds is not None]
        if not times:
            return None
        missing = self.plan.trials - len(self.done)
        remaining = [1.0 - row.progress for row in self.running]
        shared = max(missing - sum(row.progress for row in self.running), 0.0) / workers
        return max(shared, *remaining, 0.0) * sum(times) / len(times)


def status(study: Study, plan: Plan) -> Status:
    """Where the study stands now."""
    trials = study.get_trials(deepcopy=False)
    retried = {number for trial in trials for number in trial.system_attrs.get("retry_history", [])}
    kept = [one for one in trials if one.number not in retried and "superfluous" not in one.user_attrs]
    return Status(plan, tuple(_row(trial, plan) for trial in kept))


def _row(trial: FrozenTrial, plan: Plan) -> Row:
    outcome = trial.user_attrs.get("outcome", {})
    base = bool(trial.user_attrs.get("base", False))
    # a worker is known before the first setting is suggested, so all of them may not be there yet
    settings = plan.space.settings(plan.base, trial.params) if plan.space.complete(trial.params) else None
    return Row(
        number=trial.number,
        state=_state(trial),
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        base=base,
        retry_of=trial.system_attrs.get("failed_trial"),
        params=dict(trial.params),
        settings=plan.base if base else settings,
        epochs=outcome.get("epochs"),
        seconds=outcome.get("seconds"),
        threads=outcome.get("threads"),
        ended=trial.datetime_complete.isoformat(timespec="milliseconds") if trial.datetime_complete else None,
        curve=tuple((point / POINTS, value) for point, value in sorted(trial.intermediate_values.items())),
    )


def _state(trial: FrozenTrial) -> str:
    """Optuna's word in small letters; three more for what it does not tell apart."""
    if trial.state == TrialState.PRUNED and trial.user_attrs.get("outcome", {}).get("diverged"):
        return "diverged"
    if trial.state == TrialState.WAITING:
        return "stopped" if trial.params else "waiting"
    return "failed" if trial.state == TrialState.FAIL else trial.state.name.lower()


def write_outcome(study: Study, found: Status, place: Place, dataset: Dataset, workers: int) -> None:
    """Write best.toml, as soon as a trial is complete, and study.json.

    Raises
    ------
    RunError : the folder cannot be written
    """
    import tomli_w

    best = found.best
    if best is not None and best.settings is not None:
        write_atomically(place.best, tomli_w.dumps(best.settings.to_dict()))
    write_json(place.record, record(study, found, dataset, workers))


def record(study: Study, found: Status, dataset: Dataset, workers: int) -> dict[str, Any]:
    """The search as plain values."""
    plan, best = found.plan, found.best
    return {
        "format": FORMAT,
        "study": study.study_name,
        "base": plan.base.to_dict(),
        "space": plan.space.to_list(),
        "seed": plan.base.seed,
        "value": "validation accuracy of the weights at the end of a training, a fraction",
        "sampler": f"Optuna {optuna.__version__}, TPESampler",
        "pruner": "PercentilePruner",
        "trials_wanted": plan.trials,
        "workers": workers,
        "counts": {
            state: found.number_of(state)
            for state in ("complete", "pruned", "diverged", "failed", "running", "stopped", "waiting")
        },
        "seconds": sum(row.seconds or 0.0 for row in found.done),
        "best": None if best is None else best.to_dict(plan.base),
        "importance": importance(study),
        "trials": [row.to_dict(plan.base) for row in found.rows],
        "data": data_record(dataset),
        "environment": environment(),
    }


def importance(study: Study) -> dict[str, float]:
    """How much each thing that was varied mattered, the most important first; they add up to 1.

    Optuna's default measure; empty where too few trials are complete, or all of them are equal.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < FEWEST or len({trial.value for trial in complete}) == 1:
        return {}
    found = optuna.importance.get_param_importances(study)
    return {name: float(value) for name, value in found.items()}


def differences(settings: TrainConfig, base: TrainConfig) -> dict[str, Any]:
    """The settings that are not the base's."""
    own, usual = settings.to_dict(), base.to_dict()
    return {name: value for name, value in own.items() if value != usual.get(name)}


def in_words(settings: TrainConfig, base: TrainConfig) -> str:
    """The settings that differ from the base's, for a line on the screen."""
    found = differences(settings, base)
    return (
        ", ".join(f"{name.replace('_', ' ')} {_word(value)}" for name, value in found.items()) or "the base"
    )


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " x ".join(str(part) for part in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
