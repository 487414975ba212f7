"""A data set that is there without network, and how long to try."""

from __future__ import annotations

import pytest

from fcnet.data.dataset import Dataset
from fcnet.data.digits import load_digits


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="trainings killed by tests/runs/test_survival.py")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_digits()
