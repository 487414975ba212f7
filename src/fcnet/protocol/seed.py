"""One seed of a plan: trained within the budget, folded, and tested once."""

import hashlib
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fcnet.data.dataset import Dataset
from fcnet.data.deformation import Deformation
from fcnet.errors import DivergedError, FcnetError, RunError
from fcnet.files import exists, read_file, write_atomically
from fcnet.protocol.contents import Ended, Plan, Use, digest, read, text_of
from fcnet.protocol.folder import RecordFolder
from fcnet.protocol.plan import settings_of, source_hash
from fcnet.protocol.recipe import config_of, deformation
from fcnet.records import SUMS_LIMIT, RunFolder, cores
from fcnet.runs.testing import read_test, use_test_set
from fcnet.runs.training import read_config, train_run
from fcnet.train.callbacks import Callback, Callbacks
from fcnet.train.config import TrainConfig
from fcnet.train.history import Evaluation, read_history

REASON = 500
"""Characters of a failure's reason that are kept."""


class OverBudgetError(FcnetError):
    """A training that takes longer than its budget."""


class Clock(Callback):
    """Ends a training at the first evaluation that is over the budget, the last one included.

    budget : seconds
    """

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.steps = 0
        self.seconds = self.epochs = 0.0
        self.read_at = time.perf_counter()

    def on_train_begin(self, engine: Any) -> None:
        self.read_at = time.perf_counter()

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        self.steps = step

    def on_evaluation(self, row: Evaluation) -> None:
        """Read the training's own time.

        Raises
        ------
        OverBudgetError : it is over the budget
        """
        self.seconds, self.epochs, self.read_at = row.seconds, row.epoch, time.perf_counter()
        if row.seconds > self.budget:
            raise OverBudgetError(f"{row.seconds:.1f} s of {self.budget:g} s in step {row.step}")

    @property
    def so_far(self) -> float:
        """Seconds of the training, as far as this process has seen it."""
        return self.seconds + time.perf_counter() - self.read_at


def train_seed(out: Path, plan: Plan, seed: int, dataset: Dataset, watch: Callback | None = None) -> Ended:
    """Train one seed of a plan in its run folder, resuming what is there, and use the test images once.

    Where a recipe has several nets, those that are not trained yet are trained in turn.

    Parameters
    ----------
    out : the folder of the record
    plan, seed : the plan and one of its seeds
    dataset : that of the plan
    watch : shows the progress

    Returns
    -------
    ended : what became of it, also in seeds/SEED.json

    Raises
    ------
    RunError : the source of fcnet is not that of the plan; as `train_run`
    DataError : settings and data do not fit
    KeyboardInterrupt : Ctrl-C or SIGTERM, after a checkpoint
    """
    place = RecordFolder(out).ended(seed)
    if exists(place):
        return read(place, Ended)
    records = []
    for net in range(plan.recipe.nets):
        record = train_net(out, plan, seed, net, dataset, watch)
        if record is None:
            return read(place, Ended)
        records.append(record)
    check_source(plan)  # what follows may import files that were changed meanwhile
    runs = RecordFolder(out).runs(seed, plan.recipe.nets)
    found = _trained(runs, records, deformation(plan.recipe), dataset)
    write_atomically(place, text_of(found))
    return found


def train_net(
    out: Path, plan: Plan, seed: int, net: int, dataset: Dataset, watch: Callback | None = None
) -> dict[str, Any] | None:
    """Train one of the nets of a seed in its run folder, resuming what is there.

    Parameters
    ----------
    out, plan, seed, dataset, watch : as for `train_seed`
    net : which one, from 0

    Returns
    -------
    record : of the run; None if the training fails, and the seed with it, which seeds/SEED.json then says

    Raises
    ------
    RunError, DataError, KeyboardInterrupt : as `train_seed`
    """
    check_source(plan)
    config, clock = config_of(plan.recipe, seed, net=net), Clock(plan.recipe.budget.seconds)
    run = RecordFolder(out).run(seed, net)
    try:
        return train_run(config, dataset, run, True, Callbacks(watch or Callback(), clock))
    except (DivergedError, OverBudgetError) as failure:
        found = _failed(run, config, seed, clock, dataset, failure)
        write_atomically(RecordFolder(out).ended(seed), text_of(found))
        return None


def check_source(plan: Plan) -> None:
    """Make sure that this is the source of fcnet that the seeds were drawn for.

    Raises
    ------
    RunError : it is another one
    """
    if source_hash() != plan.source_sha256:
        raise RunError(
            f"the source of fcnet was changed since the plan was made (commit {plan.commit}), restore it "
            f"and continue, or start again with another --out"
        )


def _facts(run: Path, config: TrainConfig, seed: int, dataset: Dataset) -> dict[str, Any]:
    """What is said of every seed."""
    inputs, classes = math.prod(dataset.image_shape), len(dataset.classes)
    return {
        "seed": seed,
        "step_flops": 2 * config.step_products(inputs, classes),
        "cores": cores(),
        "settings_sha256": digest(settings_of(read_config(RunFolder(run).config))),
    }


def _failed(
    run: Path, config: TrainConfig, seed: int, clock: Clock, dataset: Dataset, failure: Exception
) -> Ended:
    inputs, classes = math.prod(dataset.image_shape), len(dataset.classes)
    return Ended(
        outcome="over budget" if isinstance(failure, OverBudgetError) else "diverged",
        why=str(failure)[:REASON], seconds=clock.so_far, epochs=clock.epochs, steps=clock.steps,
        parameters=config.architecture(inputs, classes).size, engine={"name": config.engine},
        **_facts(run, config, seed, dataset),
    )  # fmt: skip


def _trained(
    runs: Sequence[Path], records: Sequence[dict[str, Any]], views: Deformation, dataset: Dataset
) -> Ended:
    run, record, others = runs[0], records[0], runs[1:]
    config, last = read_config(RunFolder(run).config), read_history(RunFolder(run).history)[-1]
    folds = others or views != Deformation()
    return Ended(
        outcome="trained", seconds=max(one["seconds"] for one in records), epochs=last.epoch,
        steps=sum(one["steps"] for one in records),
        parameters=record["parameters"], engine=record["engine"],
        run_sha256=sums_hash(*runs),
        val_accuracy=record["metrics"]["val_accuracy"],
        plain=_used_once(run, dataset, Deformation()),
        folded=_used_once(run, dataset, views, others) if folds else None,
        **_facts(run, config, config.seed, dataset),
    )  # fmt: skip


def _used_once(run: Path, dataset: Dataset, views: Deformation, others: Sequence[Path] = ()) -> Use:
    """The use of the test images, or the one before, if a process was killed right after it."""
    result = read_test(run, views, others) or use_test_set(run, dataset, views=views, others=others)
    return use_of(result)


def use_of(result: dict[str, Any]) -> Use:
    """What a record says of a test.json."""
    return Use(result["accuracy"], result["loss"], result["images"], result["count"])


def sums_hash(*runs: Path) -> str:
    """The sha256 of the hashes of the files of finished runs.

    Raises
    ------
    RunError : there are none
    """
    return hashlib.sha256(b"".join(read_file(RunFolder(run).sums, SUMS_LIMIT) for run in runs)).hexdigest()
