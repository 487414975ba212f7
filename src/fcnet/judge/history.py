"""What a training returns, and whether the toy problem is learnt."""

import re
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case
from fcnet.judge.probes import NAMES, Probe, draw, toy_probe
from fcnet.judge.student import array_of, entries_of, items_of, losses_of
from fcnet.judge.trainer import Settings, train

STILL = Settings(learning_rate=0.0, learning_rate_decay=0.9, reg=0.01, num_iters=9, batch_size=3)
"""With a learning rate of 0 the network stays as it is, so accuracies are known."""
QUESTION = {"N": 13, "batch_size": 3, "num_iters": 9}

TOY = Settings(learning_rate=0.1, learning_rate_decay=0.95, reg=5e-6, num_iters=100, batch_size=200)
TOY_LOSS = 0.02
"""What the exercise asks of the toy training."""


def judge_history(case: Case, sizes: tuple[int, int, int]) -> None:
    """Look at histories: 9 steps with 4 in an epoch, and an epoch that is not a whole number of steps."""
    data = draw(case.rng, *sizes, 13, reg=STILL.reg)
    X_val = case.rng.normal(size=(11, sizes[0]))
    labels = array_of(case.student.ask_predict(Probe(data.params, X_val, data.y[:11], 0.0)).value)
    y_val = np.resize(np.arange(sizes[2]), 11)
    if labels is not None and labels.shape == (11,):
        y_val = np.where(np.arange(11) < 4, labels.astype(np.int64), (labels.astype(np.int64) + 1) % sizes[2])
    done = train(case, data, STILL, val=(X_val, y_val), spy=True)
    if done.failure is not None:
        return
    entries = entries_of(done.value) or {}
    losses = losses_of(done.value)
    if losses is None:
        losses = first_of_length(done.value, 9)
    told_keys = ", ".join(entries) or ("nothing" if done.value is None else "no dict")
    if losses is None and not any("loss" in key.lower() for key in entries):
        wanted = "a dict with loss_history, train_acc_history and val_acc_history"
        case.add("TRAIN_RETURN", QUESTION, wanted, told_keys)
        return
    count, calls = 0 if losses is None else losses.size, len(done.records)
    if count != 9 and (not calls or calls == 9):
        case.add("LOSS_HISTORY", QUESTION, "9 losses", f"{count} losses")
    if done.params is not None and all(np.array_equal(done.params[n], data.params[n]) for n in NAMES):
        accuracies(case, entries, labels, y_val)


def first_of_length(value: Any, length: int) -> Array | None:
    """The first list of so many numbers inside a described value."""
    for item in items_of(value) or []:
        array = array_of(item)
        if array is not None and array.shape == (length,):
            return array
    array = array_of(value)
    return array if array is not None and array.shape == (length,) else None


def accuracies(case: Case, entries: dict[str, Any], labels: Array | None, y_val: Array) -> None:
    """The accuracies are those of the network on the validation set, once an epoch."""
    values = next(
        (array_of(v) for k, v in entries.items() if "val" in k.lower() and "acc" in k.lower()), None
    )
    quotient = r"(num_train|\bN\b|len\(X\)|X\.shape\[0\])\s*/\s*batch_size"
    division = case.source.find([quotient], case.spans("train"))
    whole = division is not None and re.search(r"int\(|floor|round|//", case.line_text(division))
    if division is not None and not whole and (values is None or values.size <= 1):
        got = f"{0 if values is None else values.size} accuracies"
        case.add("FLOAT_EPOCH", QUESTION, "accuracies at steps 0, 4 and 8", got, line=division)
    if values is None or not values.size:
        case.add("ACCURACY_HISTORY", QUESTION, "val_acc_history, once an epoch", "none")
        return
    if (
        labels is None
        or labels.shape != y_val.shape
        or case.has("DROPOUT_AT_PREDICT", "DROPOUT_ALWAYS_ON", "PREDICT_RANDOM")
    ):
        return
    right = float((labels == y_val).mean())
    if not np.allclose(values, right, atol=1e-6) and not np.allclose(values, 100 * right, atol=1e-4):
        question = {**QUESTION, "learning_rate": 0.0}
        case.add("ACCURACY_HISTORY", question, f"validation accuracy {right:.4f} each time", values)


def judge_toy(case: Case) -> None:
    """The toy training, of a network in which nothing else was found."""
    if case.has("BATCH_MIN_WITH_REPLACEMENT"):
        return
    toy = toy_probe()
    done = train(case, Probe(toy.params, toy.X, toy.y, TOY.reg), TOY, val=(toy.X, toy.y))
    losses = losses_of(done.value)
    if losses is None or not losses.size:
        return
    last = float(losses.ravel()[-1])
    if not last <= TOY_LOSS:
        case.add("TOY_TRAINING", "the toy problem, 100 steps", f"a loss of at most {TOY_LOSS}", last)
