"""Question 3: what each change of the settings brings, one at a time."""

import time
from collections.abc import Callable
from typing import Any

from fcnet.data.dataset import Dataset, split
from fcnet.experiments.recipes import ladder, suited
from fcnet.train.callbacks import Callback
from fcnet.train.engine import NumpyEngine
from fcnet.train.fit import Fit


def climb(dataset: Dataset, listener_for: Callable[[str], Callback]) -> list[dict[str, Any]]:
    """Train every rung of the ladder.

    Parameters
    ----------
    dataset : of which the test set is not looked at
    listener_for : gives the callback of a rung, from what it changes

    Returns
    -------
    rungs : per rung the change, the settings, train_accuracy (on the training sample) and val_accuracy, both
        fractions, and the seconds of its training
    """
    rungs = []
    for change, rung in ladder():
        config = suited(rung, dataset)
        train, validation = split(dataset.train, config.validation)
        start = time.perf_counter()
        engine = NumpyEngine(config, train, dataset.image_shape, dataset.classes)
        last = Fit(engine, config, train, validation, listener_for(change)).run()[-1]
        rungs.append(
            {
                "change": change,
                "config": config.to_dict(),
                "train_accuracy": last.train_accuracy,
                "val_accuracy": last.val_accuracy,
                "seconds": time.perf_counter() - start,
            }
        )
    return rungs
