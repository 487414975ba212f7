"""Where a search stands: plain values, for the screen and for the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fcnet.train.config import TrainConfig
from fcnet.tuning.plan import Plan
from fcnet.tuning.sampling import POINTS

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Row:
    """One trial.

    number : from 0, in the order in which they were begun
    state : complete, pruned, diverged, running, waiting or failed
    value : validation accuracy at the end of a complete trial, a fraction; None of any other
    reached : the last validation accuracy known, and `progress`, the fraction of the training until then
    seconds : of training, None while it is unknown
    epochs : passes done, None while they are unknown
    threads : that it computed with, None while unknown
    settings : all of them; None as long as nobody has begun the trial
    params : what the sampler suggested, before it was tidied
    base : whether this is the base itself
    retry_of : the failed trial that it repeats
    curve : (fraction of the training, validation accuracy) as they were reported
    ended : when, as ISO 8601, or None
    """

    number: int
    state: str
    value: float | None
    reached: float | None
    progress: float
    seconds: float | None
    epochs: float | None
    threads: int | None
    settings: TrainConfig | None
    params: dict[str, Any]
    base: bool
    retry_of: int | None
    curve: tuple[tuple[float, float], ...]
    ended: str | None

    @property
    def done(self) -> bool:
        """Whether it counts."""
        return self.state in ("complete", "pruned", "diverged")


@dataclass(frozen=True)
class Standing:
    """All trials of a search, those begun beside the last one wanted left out."""

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
        under_way = sum(row.progress for row in self.running)
        return max(missing - under_way, 0.0) * sum(times) / len(times) / workers


def standing(study: Study, plan: Plan) -> Standing:
    """Where the study stands now."""
    trials = study.get_trials(deepcopy=False)
    return Standing(plan, tuple(_row(one, plan) for one in trials if "superfluous" not in one.user_attrs))


def _row(trial: FrozenTrial, plan: Plan) -> Row:
    outcome = trial.user_attrs.get("outcome", {})
    base = bool(trial.user_attrs.get("base", False))
    points = sorted(trial.intermediate_values.items())
    # a worker is known before the first setting is suggested, so all of them may not be there yet
    values = dict(trial.params)
    known = base or _complete(plan, values)
    return Row(
        number=trial.number,
        state="diverged" if outcome.get("diverged") else STATES[trial.state],
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        reached=points[-1][1] if points else None,
        progress=points[-1][0] / POINTS if points else 0.0,
        seconds=outcome.get("seconds"),
        epochs=outcome.get("epochs"),
        threads=outcome.get("threads"),
        settings=(plan.base if base else plan.space.settings(plan.base, values)) if known else None,
        params=values,
        base=base,
        retry_of=trial.user_attrs.get("retry_of"),
        curve=tuple((point / POINTS, value) for point, value in points),
        ended=trial.datetime_complete.isoformat(timespec="milliseconds") if trial.datetime_complete else None,
    )


def _complete(plan: Plan, values: dict[str, Any]) -> bool:
    """Whether all dimensions that matter have their value."""
    for dimension in plan.space.dimensions:
        if dimension.only_if is not None and dimension.only_if[0] not in values:
            return False
        if dimension.matters(values) and dimension.name not in values:
            return False
    return True


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
