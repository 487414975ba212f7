"""Questions 1 and 2 on the toy problem: scores, loss, gradients, and a first training."""

from typing import Any

import numpy as np

from fcnet.audit import audit_gradients
from fcnet.data.toy import CLASSES, HIDDEN_SIZE, INPUT_SIZE, LOSS, REG, SCORES, STD, toy_data, toy_weights
from fcnet.experiments.reference import autograd_reference
from fcnet.net.architecture import Architecture
from fcnet.two_layernet import TwoLayerNet

TOY = Architecture.plain((INPUT_SIZE, HIDDEN_SIZE, CLASSES))
"""The toy network as the other engines know it."""

EXERCISE_STEP = 1e-5
"""h of the central differences that the exercise's tolerance of 1e-8 is held against."""


def toy_network() -> TwoLayerNet:
    """The exercise's toy network, whose training draws minibatches from a generator seeded with 0."""
    net = TwoLayerNet(INPUT_SIZE, HIDDEN_SIZE, CLASSES, std=STD, rng=np.random.RandomState(0))
    return net.with_params({name: value.copy() for name, value in toy_weights().items()})


def toy_questions() -> dict[str, Any]:
    """Answer questions 1 and 2.

    Returns
    -------
    record : scores_difference (sum of absolute differences), loss (nats), loss_difference,
        gradient_relative_error per parameter (central differences at h = 1e-5), audit (as `Audit.to_record`),
        loss_history of the toy training, final_training_loss, train_acc_history
    """
    net = toy_network()
    X, y = toy_data()
    scores = net.loss(X)
    loss, _ = net.loss(X, y, reg=REG)
    audit = audit_gradients(net, X, y, reg=REG, references=autograd_reference(TOY, net.params, X, y, REG))
    history = net.train(X, y, X, y, learning_rate=0.1, reg=5e-6, num_iters=100, batch_size=200)
    return {
        "scores_difference": float(np.abs(scores - SCORES).sum()),
        "loss": float(loss),
        "loss_difference": float(abs(loss - LOSS)),
        "gradient_relative_error": {
            name: parameter.errors[audit.steps.index(EXERCISE_STEP)]
            for name, parameter in audit.parameters.items()
        },
        "audit": audit.to_record(),
        "final_training_loss": history["loss_history"][-1],
        "loss_history": history["loss_history"],
        "train_acc_history": history["train_acc_history"],
    }
