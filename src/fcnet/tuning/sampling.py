"""Which settings come next, and which trainings are hopeless.

Sampler. Optuna's default, the tree-structured Parzen estimator, with a seed that follows from the search's
seed and the trial's number. So no two workers draw the same, and a search that goes on does not begin its
random numbers anew.

Pruner. All trials train for the same number of epochs, and with a cosine schedule a high learning rate looks
bad until late and wins in the end. Successive halving, which keeps a fraction of the trials at a few early
rungs, would take the small rates for the good ones; the median of the completed trials, which are already a
choice, would end every second trial. So only what is hopeless goes: no trial in the first quarter of its
training, and afterwards one whose best validation accuracy so far is below that of three quarters of the
completed trials at the same point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, PercentilePruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

POINTS = 20
"""Points of a training, equally far apart, at which trials are compared; batch sizes may differ."""

KEPT = 75.0
"""Per cent of the completed trials; a trial that is below all of them is hopeless."""

SPARED = POINTS // 4
"""Points before which none is pruned."""

STARTUP = 8
"""Trials that have to be complete before any is pruned."""


def pruner() -> BasePruner:
    """The judge of hopeless trials."""
    return PercentilePruner(KEPT, n_startup_trials=STARTUP, n_warmup_steps=SPARED)


class Sampler(BaseSampler):
    """Optuna's default sampler, whose draws for a trial follow from (seed, trial number, trials so far)."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._own = TPESampler(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        import numpy as np

        seed = int(np.random.SeedSequence([self.seed, trial.number]).generate_state(1)[0])
        self._own = TPESampler(seed=seed)
        self._own.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._own.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._own.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._own.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self._own.after_trial(study, trial, state, values)
