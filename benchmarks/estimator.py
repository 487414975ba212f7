"""`FCNetClassifier` and scikit-learn's `MLPClassifier`, both with their defaults: accuracy and time to fit.

python benchmarks/estimator.py [--seeds N] [--quick] [--out FILE]

Each seed splits a data set (stratified, 30 % for the test) and seeds the networks. MLPClassifier takes
features as they are, so it also runs behind a StandardScaler, as its documentation advises. They take turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fcnet import FCNetClassifier
from fcnet.errors import FcnetError
from fcnet.records import make_writable, write_json
from machine import Watch, describe, kind

RECORDS = Path(__file__).resolve().parents[1] / "results" / "benchmarks"

FIRST_SEED = 100
"""Other splits than those that were looked at while the defaults were chosen."""

CONTESTANTS: dict[str, Callable[[int], Any]] = {
    "FCNetClassifier": lambda seed: FCNetClassifier(random_state=seed),
    "MLPClassifier": lambda seed: MLPClassifier(random_state=seed),
    "StandardScaler, MLPClassifier": lambda seed: make_pipeline(
        StandardScaler(), MLPClassifier(random_state=seed)
    ),
}


def classification(**settings: Any) -> Any:
    """A data set of `make_classification`."""
    return datasets.make_classification(**settings)


def halves(X: Any, target: Any) -> Any:
    """A regression problem as two classes: below the median, and not."""
    return X, (target >= np.median(target)).astype(int)


SEEN: dict[str, Callable[[], Any]] = {
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "moons": lambda: datasets.make_moons(1000, noise=0.25, random_state=0),
    "circles": lambda: datasets.make_circles(600, noise=0.15, factor=0.6, random_state=0),
    "20 features": lambda: classification(n_samples=1000, n_features=20, n_informative=5, random_state=1),
    "5 classes": lambda: classification(
        n_samples=3000, n_features=40, n_informative=15, n_redundant=5, n_classes=5, n_clusters_per_class=3,
        flip_y=0.05, random_state=2,
    ),
    "Hastie": lambda: datasets.make_hastie_10_2(3000, random_state=0),
}  # fmt: skip
"""Data sets on which the defaults were chosen, on other splits."""

UNSEEN: dict[str, Callable[[], Any]] = {
    "diabetes": lambda: halves(*datasets.load_diabetes(return_X_y=True)),
    "Friedman 1": lambda: halves(*datasets.make_friedman1(1500, noise=1.0, random_state=0)),
    "Friedman 2": lambda: halves(*datasets.make_friedman2(1500, noise=100.0, random_state=0)),
    "quantiles": lambda: datasets.make_gaussian_quantiles(n_samples=1500, n_classes=3, random_state=0),
    "10 classes": lambda: classification(
        n_samples=5000, n_features=30, n_informative=10, n_classes=10, n_clusters_per_class=1, random_state=3
    ),
    "imbalanced": lambda: classification(
        n_samples=3000, n_features=25, n_informative=8, weights=[0.9], random_state=4
    ),
}
"""Data sets that had no say in the defaults."""


def main() -> int:
    """Measure, print and write; the exit status is 2 where the record cannot be written."""
    options = parse()
    try:
        if options.out is not None:
            make_writable(options.out.parent)
        record = run(options.seeds, options.quick)
        show(record)
        if options.out is not None:
            write_json(options.out, record)
            print(f"written to {options.out}")
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def parse() -> argparse.Namespace:
    """The options; a quick run writes no record unless it is told where."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=None, help="splits of each data set (5)")
    parser.add_argument("--quick", action="store_true", help="one small data set: does it run? No record")
    parser.add_argument("--out", type=Path, default=None, help="the record, estimator.json")
    options = parser.parse_args()
    if options.seeds is None:
        options.seeds = 2 if options.quick else 5
    if options.seeds < 2:
        parser.error("--seeds starts at 2, a standard deviation needs that many")
    if options.out is None and not options.quick:
        options.out = RECORDS / kind() / "estimator.json"
    return options


def run(seeds: int, quick: bool) -> dict[str, Any]:
    """Measure everything and make the record."""
    start, rows = Watch.now(), []
    for group, sets in (("seen", SEEN), ("unseen", UNSEEN)):
        for name in ["iris"] * (group == "seen") if quick else sets:
            rows.append({"data": name, "group": group} | measure(*sets[name](), seeds))
            if sys.stderr.isatty():
                print(f"{len(rows)} of {len(SEEN) + len(UNSEEN)} data sets", end="\r", file=sys.stderr)
    return {
        "format": 1,
        "benchmark": "estimator",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(start, Watch.now()),
        "seeds": list(range(FIRST_SEED, FIRST_SEED + seeds)),
        "quick": quick,
        "rows": rows,
    }


def measure(X: Any, y: Any, seeds: int) -> dict[str, Any]:
    """All contestants on one data set, in turn."""
    found: dict[str, dict[str, Any]] = {name: {"accuracies": [], "seconds": []} for name in CONTESTANTS}
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        train, test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
        for name, make in CONTESTANTS.items():
            classifier, start = make(seed), time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # MLPClassifier's, of 200 epochs
                classifier.fit(train, y_train)
            found[name]["seconds"].append(time.perf_counter() - start)
            found[name]["accuracies"].append(classifier.score(test, y_test))
    for row in found.values():
        row["accuracy"], row["sd"] = statistics.mean(row["accuracies"]), statistics.stdev(row["accuracies"])
        row["median_seconds"] = statistics.median(row["seconds"])
    return {"examples": len(X), "features": X.shape[1], "classes": len(np.unique(y)), "results": found}


def show(record: dict[str, Any]) -> None:
    """Print the record as a table."""
    print(f"{'test accuracy, sd, seconds':30}", *(f"{name:>30}" for name in CONTESTANTS))
    for row in record["rows"]:
        cells = [
            f"{100 * r['accuracy']:.1f} ± {100 * r['sd']:.1f} %, {r['median_seconds']:.2f} s"
            for r in row["results"].values()
        ]
        print(f"{row['data']:30}", *(f"{cell:>30}" for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
