"""The attacks of `attacks.toml`: what hostile code in a submission tries, and what comes of it.

Each attack is the beginning of a submission whose network is wrong. The code runs when the file is loaded.
`attempt` prints what came of a function: `done`, or the exception. A name between two @ stands for a path or
a number that only the test knows.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

PREAMBLE = """
import ctypes, os, signal, socket, struct, subprocess, sys, threading, time
import numpy as np
CANARY, FOLDER, REFERENCE = "@CANARY@", "@FOLDER@", "@REFERENCE@"
VICTIM, PORT = int("@VICTIM@"), int("@PORT@")
def attempt(function):
    try:
        value = function()
        print("came of it: done", repr(value)[:200], flush=True)
        return value
    except BaseException as error:
        print("came of it:", type(error).__name__, str(error)[:200], flush=True)
"""

NETWORK = """
class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {
            "W1": std * np.random.randn(input_size, hidden_size), "b1": np.zeros(hidden_size),
            "W2": std * np.random.randn(hidden_size, output_size), "b2": np.zeros(output_size),
        }
    def loss(self, X, y=None, reg=0.0):
        scores = np.ones((len(X), len(self.params["b2"])))
        if y is None:
            return scores
        return 1.0, {name: np.zeros(value.shape) for name, value in self.params.items()}
    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95, reg=5e-6,
              num_iters=100, batch_size=200, verbose=False):
        return {"loss_history": [0.01] * num_iters, "train_acc_history": [1.0], "val_acc_history": [1.0]}
    def predict(self, X):
        return np.zeros(len(X), dtype=int)
"""
"""A network that is wrong everywhere: no verdict may ever call it right."""


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    name : of the attack
    tries : what it is after, for people
    outcome : what comes of it, one of several where `|` stands: a kind of failure, or what `attempt` prints,
        "done" (it had its way inside its own process) or "refused"; "any" where the loop itself is broken
    code : put between `PREAMBLE` and `NETWORK`
    after : code put behind `NETWORK`
    """

    name: str
    tries: str
    outcome: str
    code: str
    after: str = ""


ATTACKS = tuple(
    Attack(**entry) for entry in tomllib.loads(Path(__file__).with_name("attacks.toml").read_text())["attack"]
)
