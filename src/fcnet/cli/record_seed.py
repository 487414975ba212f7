"""The training of one seed of a record, started by `fcnet record run`: `python -m fcnet.cli.record_seed`."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from fcnet.cli.ordered import carry_out
from fcnet.errors import FcnetError


def train(order: dict[str, Any]) -> None:
    """Load the data and train the seed, or one of its nets, on the processors that the order names.

    Raises
    ------
    FcnetError : as `train_seed`; the data are not those of the plan
    """
    if order["cores"] is not None and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        # before NumPy loads; a process that may use one processor only keeps it
        os.sched_setaffinity(0, allowed[slice(*order["cores"])] or allowed)
    from fcnet.cli.loading import load
    from fcnet.cli.progress import TrainingProgress
    from fcnet.protocol import contents
    from fcnet.protocol.folder import RecordFolder
    from fcnet.protocol.seed import train_net, train_seed

    out = Path(order["out"])
    plan = contents.read(RecordFolder(out).plan, contents.Plan)
    dataset = load(None if order["data"] is None else Path(order["data"]), require_cifar10=True)
    if dataset.origin.sha256 != plan.data.sha256:
        raise FcnetError(f"{out} was planned with other data than {dataset.origin.path}, give --data")
    seed, net = order["seed"], order["net"]
    # without a title, another process shows the progress
    with nullcontext() if order["title"] is None else TrainingProgress(order["title"]) as progress:
        if net is None:
            train_seed(out, plan, seed, dataset, progress)
        else:
            train_net(out, plan, seed, net, dataset, progress)


if __name__ == "__main__":
    sys.exit(carry_out(train))
