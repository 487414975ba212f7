"""scikit-learn's MLPClassifier, one `partial_fit` a minibatch.

Its L2 term is alpha ||W||^2 / 2 divided by the examples of the minibatch, so alpha = 2 reg B is ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from problem import Problem

NAME, NEEDS, PRECISION = "scikit-learn", ("sklearn",), "float32"


class Classifier:
    """No public way leads to given initial weights: a first step makes arrays, which are overwritten."""

    def __init__(self, problem: Problem) -> None:
        from sklearn.neural_network import MLPClassifier

        self.problem = problem
        self.model = MLPClassifier(
            problem.hidden, solver="sgd", alpha=2 * problem.reg * problem.batch, batch_size=problem.batch,
            learning_rate_init=problem.learning_rate, momentum=problem.momentum, nesterovs_momentum=False,
            shuffle=False, random_state=0,
        )  # fmt: skip
        first = np.arange(min(problem.batch, len(problem.labels)))
        first_inputs = self.problem.inputs(problem.images[first])
        self.model.partial_fit(first_inputs, problem.labels[first], classes=np.arange(problem.classes))
        initial = problem.parameters()
        for number, (W, b) in enumerate(zip(self.model.coefs_, self.model.intercepts_, strict=True), start=1):
            W[...], b[...] = initial[f"W{number}"], initial[f"b{number}"]
        self.rule = self.model._optimizer
        self.rule.velocities = [np.zeros_like(velocity) for velocity in self.rule.velocities]

    def step(self, rows: Any, learning_rate: float) -> float:
        self.rule.learning_rate = learning_rate  # it knows no cosine
        self.model.partial_fit(self.problem.inputs(self.problem.images[rows]), self.problem.labels[rows])
        return float(self.model.loss_)

    def logits(self, images: Any) -> Any:
        """Logarithms of its probabilities, which differ from class scores by a constant a row."""
        parts = [self.model.predict_log_proba(self.problem.inputs(images[at : at + 1000]))
                 for at in range(0, len(images), 1000)]  # fmt: skip
        return np.concatenate(parts)

    def parameters(self) -> dict[str, Any]:
        params = {f"W{number}": W for number, W in enumerate(self.model.coefs_, start=1)}
        return params | {f"b{number}": b for number, b in enumerate(self.model.intercepts_, start=1)}


def setup(problem: Problem) -> Classifier:
    return Classifier(problem)
