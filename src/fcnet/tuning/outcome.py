"""What a search leaves behind: the best settings as TOML, and everything about it as a record."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import TrialState

from fcnet.data.dataset import Dataset
from fcnet.files import write_atomically
from fcnet.records import environment, write_json
from fcnet.runs.training import data_record
from fcnet.tuning.plan import FORMAT, Place
from fcnet.tuning.standing import Row, Standing, differences
from fcnet.tuning.study import DONE
from fcnet.tuning.trial import drop_weights

FEWEST = 8
"""Complete trials without which nothing can be said of what mattered."""


def write_outcome(study: Study, standing: Standing, place: Place, dataset: Dataset, workers: int) -> None:
    """Write best.toml, as soon as a trial is complete, and study.json.

    Raises
    ------
    RunError : the folder cannot be written
    """
    import tomli_w

    best = standing.best
    if best is not None and best.settings is not None:
        write_atomically(place.best, tomli_w.dumps(best.settings.to_dict()))
    write_json(place.record, record(study, standing, dataset, workers))


def record(study: Study, standing: Standing, dataset: Dataset, workers: int) -> dict[str, Any]:
    """The search as plain values."""
    plan = standing.plan
    best = standing.best
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
            state: standing.number_of(state)
            for state in ("complete", "pruned", "diverged", "failed", "running", "waiting")
        },
        "seconds": sum(row.seconds or 0.0 for row in standing.done),
        "best": None if best is None else _described(best, standing),
        "importance": importance(study),
        "trials": [_described(row, standing) for row in standing.rows],
        "data": data_record(dataset),
        "environment": environment(),
    }


def _described(row: Row, standing: Standing) -> dict[str, Any]:
    settings = row.settings
    return {
        "number": row.number,
        "state": row.state,
        "value": row.value,
        "base": row.base,
        "retry_of": row.retry_of,
        "params": row.params,
        "changed": {} if settings is None else differences(settings, standing.plan.base),
        "epochs": row.epochs,
        "seconds": row.seconds,
        "threads": row.threads,
        "ended": row.ended,
        "curve": [list(point) for point in row.curve],
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


def tidy_weights(study: Study, place: Place) -> None:
    """Keep the trained weights of the best trial only; the settings of the others make theirs again."""
    ended = study.get_trials(deepcopy=False, states=DONE)
    complete = [trial for trial in ended if trial.state == TrialState.COMPLETE]
    best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)
    for trial in ended:
        run = place.trials / trial.user_attrs.get("run", "")
        if trial is not best and (run / "model.safetensors").exists():
            drop_weights(run)
