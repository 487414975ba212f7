"""Which settings come next, and which trials are pruned.

Sampler. Optuna's default, the tree-structured Parzen estimator, with a seed that follows from the search's
seed and the trial's number. So no two workers draw the same, and a resumed search does not start its random
numbers again.

Pruner. All trials train for the same number of epochs, and with a cosine schedule a high learning rate looks
bad until late and wins in the end. Successive halving keeps a fraction of the trials at a few early rungs
and would prefer small rates. The median of the completed trials, which are already a selection, would prune
every second trial. So only hopeless trials are pruned: none in the first quarter of its training, and
afterwards one whose best validation accuracy so far is below that of three quarters of the completed trials
at the same point.
"""

from __future__ import annotations

import numpy as np
from optuna.pruners import BasePruner, PercentilePruner
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

POINTS = 20
"""Points of a training, equally far apart, at which trials are compared; batch sizes may differ."""

KEPT = 75.0
"""Per cent of the completed trials; a trial that is below all of them is pruned."""

SPARED = POINTS // 4
"""Points before which no trial is pruned."""

STARTUP = 8
"""Trials that have to be complete before any is pruned."""


def pruner() -> BasePruner:
    """The rule that prunes trials."""
    return PercentilePruner(KEPT, n_startup_trials=STARTUP, n_warmup_steps=SPARED)


class Sampler(TPESampler):
    """Optuna's default sampler, whose draws for a trial follow from (seed, trial number, trials so far)."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.seed = seed

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = int(np.random.SeedSequence([self.seed, trial.number]).generate_state(1)[0])
        super().__init__(seed=seed)
        super().before_trial(study, trial)
