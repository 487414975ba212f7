"""Handwritten digits that come inside scikit-learn: real images for a machine without network or CIFAR-10."""

from __future__ import annotations

import numpy as np

from fcnet.data.cifar10 import content_hash
from fcnet.data.dataset import Dataset, Origin, Part

TEST_EVERY = 5
"""One row in five of every class is for testing: 360 of 1,797."""


def load_digits(note: str = "") -> Dataset:
    """Load scikit-learn's digits, in a fixed order and a fixed split that keeps the classes' shares.

    Parameters
    ----------
    note : why these and not CIFAR-10, for whoever reads the numbers; empty if they were asked for

    Returns
    -------
    Dataset : `digits`, train 1,437 and test 360 images of 8x8 grey pixels, scaled from 0..16 to 0..255
    """
    from sklearn.datasets import load_digits as published

    bunch = published()
    images = np.rint(bunch.data * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    shuffled = np.random.default_rng(0).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    for_test = np.zeros(len(labels), bool)
    for_test[by_class[::TEST_EVERY]] = True
    train, test = shuffled[~for_test[shuffled]], shuffled[for_test[shuffled]]
    order = np.concatenate([train, test])
    return Dataset(
        name="digits",
        train=Part(images[train], labels[train]),
        test=Part(images[test], labels[test]),
        classes=tuple(str(name) for name in bunch.target_names),
        image_shape=(1, 8, 8),
        origin=Origin("sklearn.datasets.load_digits", content_hash(images[order], labels[order]), None, note),
    )
