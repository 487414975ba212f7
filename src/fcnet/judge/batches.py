"""The minibatches that a training hands to its loss: how many rows, which, with which labels."""

from dataclasses import replace
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.judge.case import Case
from fcnet.judge.probes import Probe, draw
from fcnet.judge.student import array_of
from fcnet.judge.trainer import Settings, Trained, train

N, BATCH, ITERATIONS = 12, 3, 60
SETTINGS = Settings(
    learning_rate=1e-4, learning_rate_decay=1.0, reg=0.01, num_iters=ITERATIONS, batch_size=BATCH
)
QUESTION = {"N": N, "batch_size": BATCH, "num_iters": ITERATIONS}


def judge_batches(case: Case, sizes: tuple[int, int, int]) -> None:
    """Look at 60 minibatches of 3 from 12 examples, and at one of 20 from 5."""
    data = draw(case.rng, *sizes, N, reg=SETTINGS.reg)
    data = Probe(data.params, data.X, case.rng.permutation(np.resize(np.arange(sizes[2]), N)), data.reg)
    X_val = case.rng.normal(0, 1, (4, sizes[0]))
    done = train(case, data, SETTINGS, val=(X_val, data.y[:4]), spy=True)
    if done.failure is None:
        if 0 in done.changed or 1 in done.changed:
            case.add("TRAINING_DATA_CHANGED", QUESTION, "X and y as they were", "changed in place")
        seen = batches(done, data)
        if seen and not case.has("TRAINING_DATA_CHANGED"):
            if any(mixed(X, data.X, X_val) for X, _ in seen):
                case.add("TRAINED_ON_VALIDATION", QUESTION, "minibatches from X alone",
                         "rows of X_val in a minibatch")  # fmt: skip
            seen = [(X, y) for X, y in seen if not (rows_of(X, X_val) >= 0).any()]
            if seen:
                rows_seen(case, seen, data)
    if not any(finding.code.startswith("BATCH") and finding.severity == "error" for finding in case.findings):
        more_than_there_are(case, sizes)


def batches(done: Trained, data: Probe) -> list[tuple[Array, Array]]:
    """X and y of each recorded call that had labels."""
    found = []
    for record in done.records:
        given = [*record.args, *record.keywords.values()]
        arrays = [array for value in given if (array := array_of(value)) is not None and array.ndim]
        X = next((a for a in arrays if a.ndim == 2 and a.shape[1] == data.X.shape[1]), None)
        y = next((a for a in arrays if a.ndim == 1 and X is not None and a.dtype.kind in "iu"), None)
        if X is not None and y is not None:
            found.append((X, y))
    return found


def rows_of(X: Array, known: Array) -> Array:
    """Which rows of a set these are; -1 for none."""
    distance = np.abs(X[:, None] - known[None]).max(axis=2)
    return np.where(distance.min(axis=1) < 1e-4, distance.argmin(axis=1), -1)


def mixed(X: Array, train: Array, val: Array) -> bool:
    """Whether a minibatch has rows of both sets; a loss of the validation set alone is not a step."""
    return len(X) == BATCH and bool((rows_of(X, train) >= 0).any() and (rows_of(X, val) >= 0).any())


def rows_seen(case: Case, seen: list[tuple[Array, Array]], data: Probe) -> None:
    """Sizes, labels and variety of the minibatches."""
    rows = [rows_of(X, data.X) for X, _ in seen]
    lengths = {len(X) for X, _ in seen}

    def wrong(code: str, wanted: str, got: Any) -> None:
        case.add(code, QUESTION, wanted, got)

    if any((numbers == -1).any() for numbers in rows):
        return  # inputs are transformed on the way: nothing can be said of them
    if any(
        len(y) == len(X) and not np.array_equal(y, data.y[numbers])
        for (X, y), numbers in zip(seen, rows, strict=True)
    ):
        got = {"rows": rows[0], "labels": seen[0][1], "their labels": data.y[rows[0]]}
        wrong("BATCH_LABELS_MISMATCH", "each row with its own label", got)
    if lengths == {N} and all(len(set(numbers.tolist())) == N for numbers in rows):
        wrong("BATCH_FULL", f"minibatches of {BATCH} rows", f"all {N} rows in every step")
    elif lengths == {1}:
        wrong("BATCH_ONE", f"minibatches of {BATCH} rows", "one row")
    elif BATCH not in lengths:
        wrong(
            "BATCH_HARDCODED", f"minibatches of {BATCH} rows", f"{', '.join(map(str, sorted(lengths)))} rows"
        )
    elif len(seen) > 20 and all(np.array_equal(np.sort(numbers), np.sort(rows[0])) for numbers in rows):
        first = np.array_equal(np.sort(rows[0]), np.arange(BATCH))
        code = "BATCH_FIRST_ROWS" if first else "BATCH_FIXED"
        wrong(code, "other rows in every step", f"always rows {rows[0].tolist()}")
    elif len(seen) >= ITERATIONS - 1 and len(set(np.concatenate(rows).tolist())) < N:
        missing = sorted(set(range(N)) - set(np.concatenate(rows).tolist()))
        wrong("BATCH_MISSES_ROWS", f"each of the {N} rows now and then", f"never rows {missing}")


def more_than_there_are(case: Case, sizes: tuple[int, int, int]) -> None:
    """A batch that is larger than the training set, as in the toy problem."""
    data = draw(case.rng, *sizes, 5, reg=SETTINGS.reg)
    done = train(case, data, replace(SETTINGS, batch_size=20, num_iters=4), spy=True)
    question = {"N": 5, "batch_size": 20}
    if done.failure is not None:
        got = done.failure.text
        larger = "larger sample" in got or "replace" in got
        if larger:
            case.add("BATCH_REPLACE_FALSE", question, "a batch", got, line=done.failure.line)
        else:
            case.failed("training", done.failure, question, "a batch")
        return
    rows = [rows_of(X, data.X) for X, _ in batches(done, data)]
    short = [numbers for numbers in rows if len(numbers) == 5]
    if rows and len(short) == len(rows) and any(len(set(numbers.tolist())) < 5 for numbers in short):
        case.add(
            "BATCH_MIN_WITH_REPLACEMENT",
            question,
            "20 rows with replacement, or each of the 5 once",
            f"5 rows, some twice: {short[0].tolist()}",
        )
