"""A record of tiny networks on the digits, made in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fcnet.data.dataset import Dataset
from fcnet.protocol.contents import Beat, Budget, Ended, Fold, Plan, Recipe, Record
from fcnet.protocol.measure import measure
from fcnet.protocol.seed import train_seed

SETTINGS: dict[str, Any] = {
    "hidden": [12], "initialisation": "he", "preprocessing": "standardised", "batch_size": 60, "epochs": 1,
    "learning_rate": 0.05, "momentum": 0.9, "reg": 1e-4, "validation": 200,
}  # fmt: skip

BEAT = Beat("an earlier record", [0.31, 0.35, 0.33])


def recipe(minutes: float = 1.0, seeds: int | None = None, **settings: Any) -> Recipe:
    """Twelve hidden units, one epoch, shifts by one pixel folded."""
    return Recipe("digits", Budget(minutes), SETTINGS | settings, Fold(shift=1), seeds)


def here(out: Path, dataset: Dataset) -> Callable[[Plan, Sequence[int]], list[Ended]]:
    """Trains seeds in this process."""
    return lambda plan, seeds: [train_seed(out, plan, seed, dataset) for seed in seeds]


@pytest.fixture(scope="session")
def made(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:
    """A folder with a whole record, and the record."""
    out = tmp_path_factory.mktemp("record") / "made"
    return out, measure(out, recipe(), digits, here(out, digits), BEAT, None)
