"""The handwritten digits in scikit-learn: real images for a machine without network or CIFAR-10.

They are read from scikit-learn's own file. Importing scikit-learn for this would take two seconds.
"""

import gzip
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fcnet.data.dataset import Dataset, Origin, Part, content_hash
from fcnet.data.published import Published
from fcnet.errors import DataError, MissingExtraError

TEST_EVERY = 5
"""One row in five of every class is for testing: 360 of 1,797."""

FILE = Path("datasets", "data", "digits.csv.gz")
"""Where they lie in scikit-learn's folder: 64 pixels from 0 to 16 and the label, in each line."""


@dataclass(frozen=True)
class Digits(Published):
    """scikit-learn's digits, 1,437 for training and 360 for testing."""

    def read(self, folder: Path) -> Dataset:
        """Read scikit-learn's file; the folder is not looked at.

        Raises
        ------
        MissingExtraError : scikit-learn is not installed
        """
        table = _table()
        images = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8)
        labels = table[:, -1].astype(np.int64)
        shuffled = np.random.default_rng(0).permutation(len(labels))
        by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
        for_test = np.zeros(len(labels), bool)
        for_test[by_class[::TEST_EVERY]] = True
        train, test = (
            Part(images[rows], labels[rows])
            for rows in (shuffled[~for_test[shuffled]], shuffled[for_test[shuffled]])
        )
        origin = Origin("sklearn.datasets.load_digits", content_hash(train, test), None)
        return Dataset(self.title, train, test, self.classes, self.image_shape, origin)


def load_digits(note: str = "") -> Dataset:
    """Load the digits, in a fixed order and a fixed split that keeps the classes' shares.

    Parameters
    ----------
    note : why the digits replace CIFAR-10, for readers of the numbers; empty if they were asked for

    Returns
    -------
    Dataset : `digits`, train 1,437 and test 360 images of 8x8 grey pixels, scaled from 0..16 to 0..255
    """
    dataset = Digits("digits", tuple("0123456789"), (1, 8, 8)).read(Path())
    return replace(dataset, origin=replace(dataset.origin, note=note))


def _table() -> np.ndarray:
    package = find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise MissingExtraError(
            "the digits are in scikit-learn, which is not installed: pip install 'fcnet[sklearn]'"
        )
    path = Path(package.submodule_search_locations[0]) / FILE
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            return np.loadtxt(file, delimiter=",")
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the digits in {path} ({error}), install scikit-learn again") from error
