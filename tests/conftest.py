"""A data set that is there without network."""

from __future__ import annotations

import pytest

from fcnet.data.dataset import Dataset
from fcnet.data.digits import load_digits


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_digits()
