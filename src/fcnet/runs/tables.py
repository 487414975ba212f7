"""What a trained network says of the rows of a table."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcnet.data.tables.columns import listed
from fcnet.data.tables.files import is_table, read_table
from fcnet.errors import DataError
from fcnet.net.losses import softmax
from fcnet.train.model import Model


def predict_table(model: Model, path: Path) -> tuple[NDArray[np.float64], list[str]]:
    """Ask a network about each row of a CSV or Parquet file.

    Returns
    -------
    probabilities : (N, K) of the classes, the sum of each row is 1
    remarks : what has to be said of the table, a line each

    Raises
    ------
    DataError : the network was not trained on a table; the file is none, is damaged, or lacks a column
    """
    if model.mapping is None:
        raise DataError(f"this network was not trained on a table, so {path} cannot be given to it")
    if not is_table(path):
        raise DataError(
            f"this network was trained on a table, and {path} is none, give a .csv or .parquet file"
        )
    rows, remarks = model.mapping.rows(read_table(path))
    said = []
    if remarks.missing:
        said.append(f"missing values: {listed(remarks.missing)}, filled as in the training")
    if remarks.unseen:
        said.append(f"categories that the training did not have count as none: {listed(remarks.unseen)}")
    if remarks.unused:
        said.append(f"columns that the network does not use: {listed(remarks.unused)}")
    return softmax(model.logits(rows)), said
