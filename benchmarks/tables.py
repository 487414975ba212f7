"""Ten tables: how soon do `FCNetClassifier` and scikit-learn's `MLPClassifier` reach the same score?

Both have their defaults, one hidden layer of 100 units and Adam among them; MLPClassifier stands behind a
StandardScaler, since FCNetClassifier standardises by itself. Each trains anew with every length of a ladder,
so a time is that of a whole `fit`, which knew its length. The score to reach is a little below the lower one
of the two best mean accuracies on the ladder.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from harness import Plan
from machine import Watch
from measured import Told, record_of

QUESTION = "Classifiers of tables: how long until both reach the same score?"

PROGRAMS = ("FCNetClassifier", "MLPClassifier")

LADDER = (5, 10, 20, 35, 50, 75, 100, 150, 200)
"""Epochs. 100 is FCNetClassifier's default and 200 MLPClassifier's, which may stop before."""

SLACK = 0.005
"""Accuracy by which the score to reach lies below the lower one of both bests: a few test rows."""

TABLES = (
    "iris", "wine", "breast cancer", "digits", "moons", "circles", "10 features", "20 features", "5 classes",
    "imbalanced",
)  # fmt: skip


def table(name: str) -> tuple[Any, Any]:
    """Features (N, D) and labels (N,)."""
    from sklearn import datasets

    classification: Callable[..., Any] = datasets.make_classification
    makers: dict[str, Callable[[], Any]] = {
        "iris": lambda: datasets.load_iris(return_X_y=True),
        "wine": lambda: datasets.load_wine(return_X_y=True),
        "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
        "digits": lambda: datasets.load_digits(return_X_y=True),
        "moons": lambda: datasets.make_moons(1000, noise=0.25, random_state=0),
        "circles": lambda: datasets.make_circles(600, noise=0.15, factor=0.6, random_state=0),
        "10 features": lambda: classification(1000, 10, n_informative=6, random_state=5),
        "20 features": lambda: classification(1000, 20, n_informative=5, random_state=1),
        "5 classes": lambda: classification(
            3000, 40, n_informative=15, n_redundant=5, n_classes=5, n_clusters_per_class=3, flip_y=0.05,
            random_state=2,
        ),
        "imbalanced": lambda: classification(3000, 25, n_informative=8, weights=[0.9], random_state=4),
    }  # fmt: skip
    X, y = makers[name]()
    return X, y


def classifier(program: str, epochs: int, seed: int) -> Any:
    """A classifier with its defaults, which trains for so many epochs."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from fcnet import FCNetClassifier

    if program == "FCNetClassifier":
        return FCNetClassifier(epochs=epochs, random_state=seed)
    return make_pipeline(StandardScaler(), MLPClassifier(max_iter=epochs, random_state=seed))


def measured(plan: Plan, told: Told, keep: Any) -> dict[str, Any]:
    """Climb the ladder on each table."""
    names = TABLES[:1] if plan.quick else TABLES
    ladder = LADDER[:3] if plan.quick else LADDER
    seeds = range(plan.rounds_of(3))
    told(len(names))
    start = Watch.now()
    rows = []
    for name in names:
        rows.append(compared(name, ladder, seeds))
        told()
    return record_of(
        "tables", QUESTION, start, plan, rounds=len(seeds), ladder=ladder, slack=SLACK, rows=rows,
        columns=["table", "score", *PROGRAMS, "ratio"], table=[cells(row) for row in rows],
    )  # fmt: skip


def compared(name: str, ladder: tuple[int, ...], seeds: range) -> dict[str, Any]:
    """Both programs on one table."""
    X, y = table(name)
    climbs = {program: list(climb(program, X, y, ladder, seeds)) for program in PROGRAMS}
    best = {program: max(rung["accuracy"] for rung in climb) for program, climb in climbs.items()}
    score = min(best.values()) - SLACK
    reached = {
        program: next(rung for rung in climb if rung["accuracy"] >= score)
        for program, climb in climbs.items()
    }
    ours, theirs = (reached[program]["seconds"] for program in PROGRAMS)
    return {
        "table": name, "examples": len(X), "features": X.shape[1], "classes": len(np.unique(y)),
        "score": score, "best": best, "reached": reached, "ratio": ours / theirs, "climbs": climbs,
    }  # fmt: skip


def climb(program: str, X: Any, y: Any, ladder: tuple[int, ...], seeds: range) -> Iterator[dict[str, Any]]:
    """Of each length: the mean accuracy on held-out rows, and the median seconds of a fit."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split

    for epochs in ladder:
        accuracies, seconds = [], []
        for seed in seeds:
            split = train_test_split(X, y, test_size=0.3, random_state=100 + seed, stratify=y)
            train, test, train_labels, test_labels = split
            one, start = classifier(program, epochs, seed), time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                one.fit(train, train_labels)
            seconds.append(time.perf_counter() - start)
            accuracies.append(float(one.score(test, test_labels)))
        yield {
            "epochs": epochs, "accuracy": statistics.mean(accuracies),
            "seconds": statistics.median(seconds), "accuracies": accuracies, "all_seconds": seconds,
        }  # fmt: skip


def cells(row: dict[str, Any]) -> list[str]:
    """A row on a terminal."""
    reached = [
        f"{row['reached'][name]['seconds']:.3f} s, {row['reached'][name]['epochs']} epochs"
        for name in PROGRAMS
    ]
    return [row["table"], f"{100 * row['score']:.1f} %", *reached, f"x {row['ratio']:.2f}"]
