"""Question 3: what is wrong with the default run, in four measurements, each with what it says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.stages import GAP, HEALTHY_UPDATE, RANK, SMALL_GAP, STRAIGHT, Finding
from fcnet.train.callbacks import Callback
from fcnet.train.engine import Engine
from fcnet.train.history import Evaluation
from fcnet.train.model import Model
from fcnet.wording import percent, points


class Watch(Callback):
    """A callback that measures updates now and then, and keeps the network's first state.

    Parameters
    ----------
    every : steps between two measurements
    """

    def __init__(self, every: int = 20) -> None:
        self.every = every
        self.updates: list[dict[str, float]] = []
        self.initial: Model | None = None
        self._before: dict[str, NDArray[Any]] = {}

    def on_train_begin(self, engine: Engine) -> None:
        self.engine = engine
        self.initial = engine.model()

    def on_batch_begin(self, step: int) -> None:
        if step % self.every == 0:
            self._before = self._weights()

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if not self._before:
            return
        row: dict[str, float] = {"step": step}
        for name, W in self._weights().items():
            before = self._before[name]
            row[name] = float(np.linalg.norm(W - before) / np.linalg.norm(before))
        self.updates.append(row)
        self._before = {}

    def _weights(self) -> dict[str, NDArray[Any]]:
        """Every weight matrix as the network uses it; how a network stores one is its own business.

        The engine is put back as it was: multiplying a matrix out would round the weights of the training.
        """
        state = {name: value.copy() for name, value in self.engine.state().items()}
        weights = {n: value.copy() for n, value in self.engine.model().params.items() if value.ndim == 2}
        self.engine.load_state(state)
        return weights


def diagnose(
    metrics: Mapping[str, float],
    history: Sequence[Evaluation],
    updates: Sequence[dict[str, float]],
    initial: Model,
    final: Model,
) -> list[Finding]:
    """Measure a run's four symptoms.

    Parameters
    ----------
    metrics : of the run's record: `train_accuracy` and `val_accuracy` after the last step
    history : the run's evaluations
    updates : rows of `Watch.updates`
    initial, final : the network before and after
    """
    return [
        _linear_loss([row.step for row in history], [row.loss for row in history]),
        _no_gap(metrics["train_accuracy"], metrics["val_accuracy"]),
        _few_pictures(initial.first_layer, final.first_layer),
        _small_updates(history, updates, final.first_layer),
    ]


def straight_line_share(x: Sequence[float], y: Sequence[float]) -> float:
    """The share of the variance of y that a straight line in x explains (R squared), in [0, 1]."""
    slope, intercept = np.polyfit(x, y, 1)
    residual = np.asarray(y) - (slope * np.asarray(x) + intercept)
    return float(1 - residual.var() / np.var(y))


def effective_rank(W: NDArray[Any]) -> float:
    """How many different columns W (D, H) has: exp of the entropy of its spectrum (Roy, Vetterli 2007).

    Between 1, all columns multiples of one, and min(D, H), all independent and equally large.
    """
    energy = np.linalg.svd(W, compute_uv=False) ** 2
    share = energy[energy > 0] / energy.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def _linear_loss(steps: Sequence[int], losses: Sequence[float]) -> Finding:
    share = straight_line_share(steps, losses)
    fall = f"The loss falls from {losses[0]:.2f} to {losses[-1]:.2f}"
    if losses[-1] > 0.98 * losses[0]:
        sentence = f"{fall}: it has hardly begun, the steps are far too small."
    elif share > STRAIGHT:
        sentence = (
            f"{fall} almost in a straight line, which explains {100 * share:.0f} % of its course, and is "
            f"still falling at the end: the steps are too small."
        )
    else:
        sentence = f"{fall}; a straight line explains {100 * share:.0f} % of its course: it is levelling off."
    return Finding("loss explained by a straight line", share, sentence)


def _no_gap(train_accuracy: float, val_accuracy: float) -> Finding:
    gap = train_accuracy - val_accuracy
    train, val = percent(train_accuracy), percent(val_accuracy)
    if gap < SMALL_GAP:
        sentence = (
            f"Training accuracy ({train}) is not above validation accuracy ({val}): nothing is overfitted, "
            f"so there is room for more units and less regularisation."
        )
    else:
        sentence = (
            f"Training accuracy ({train}) is {points(gap, sign=False)} above validation accuracy ({val})."
        )
    return Finding(GAP, gap, sentence)


def _few_pictures(initial: NDArray[Any], final: NDArray[Any]) -> Finding:
    units = final.shape[1]
    rank = effective_rank(final)
    noise = f"the noise they started from still has {100 * initial.std() / final.std():.0f} % of their size"
    if rank < units / 2:
        sentence = (
            f"The weights of the {units} hidden units, seen as pictures, are blurs without structure: they "
            f"amount to {rank:.1f} different pictures, and {noise}."
        )
    else:
        sentence = (
            f"The weights of the {units} hidden units, seen as pictures, amount to {rank:.1f} different "
            f"ones, and {noise}."
        )
    return Finding(RANK, rank, sentence)


def _small_updates(
    history: Sequence[Evaluation], updates: Sequence[dict[str, float]], final: NDArray[Any]
) -> Finding:
    first, ratio = updates[0]["W1"], float(np.median([row["W1"] for row in updates]))
    idle = next((row.step for row in history if row.loss < 0.99 * history[0].loss), None)
    needs = f"needs {idle} steps to fall by 1 %" if idle else "does not fall by 1 % in the whole run"
    if first < HEALTHY_UPDATE:
        sentence = (
            f"The first step changes W1 by {first:.1e} of its size, below the 1e-3 of a healthy training: "
            f"little error passes back through weights that start near zero, and the loss {needs}."
        )
    else:
        sentence = f"The first step changes W1 by {first:.1e} of its size, and the loss {needs}."
    if ratio > HEALTHY_UPDATE > first:
        sentence += (
            f" The median over the run, {ratio:.1e}, is larger because the weights stay small (rms "
            f"{final.std():.1e}), not because the steps are large."
        )
    else:
        sentence += f" The median over the run is {ratio:.1e}."
    return Finding("update of W1 relative to W1", ratio, sentence)
