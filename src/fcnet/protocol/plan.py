"""The plan of a record: the seeds are drawn before the first training starts.

A seed follows from the recipe, the complete settings, the data, the source of fcnet, the record to beat and a
nonce. So whoever changes one of these gets other seeds, and nobody can name the seeds directly.
"""

import hashlib
import math
import secrets
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fcnet.data.dataset import Dataset, split
from fcnet.errors import DataError
from fcnet.protocol.contents import FORMAT, SEED_BITS, Beat, Machine, Plan, Recipe, Source, digest, now
from fcnet.protocol.recipe import config_of, deformation, fewest
from fcnet.records import environment
from fcnet.runs import folding
from fcnet.train.config import TrainConfig

BYTES = 4
"""Of a float32, as weights are saved."""


def make_plan(recipe: Recipe, dataset: Dataset, beat: Beat | None = None, nonce: str | None = None) -> Plan:
    """Draw the seeds for a recipe on a data set.

    Parameters
    ----------
    recipe : as `read_recipe` gives it
    dataset : its test images are counted and not looked at
    beat : the record to beat
    nonce : chosen by somebody; None draws one at random

    Raises
    ------
    DataError : as `config_of`; the recipe does not fit the data, or its folded network would be too large
    """
    config = config_of(recipe, 0)
    check_fit(recipe, config, dataset)
    data = Source(dataset.name, dataset.label, dataset.origin.sha256, len(dataset.classes), len(dataset.test))
    plan = Plan(
        format=FORMAT, when=now(), recipe=recipe, recipe_sha256=digest(recipe), settings=settings_of(config),
        layers=config.architecture(math.prod(dataset.image_shape), len(dataset.classes)).depth,
        source_sha256=source_hash(), commit=environment()["commit"], data=data, beat=beat,
        nonce=secrets.token_hex(16) if nonce is None else nonce, nonce_given=nonce is not None, seeds=[],
        machine=machine(recipe.budget.device == "gpu"),
    )  # fmt: skip
    return replace(plan, seeds=seeds_of(plan, recipe.seeds or fewest(recipe.budget)))


def check_fit(recipe: Recipe, config: TrainConfig, dataset: Dataset) -> None:
    """Make sure that the trainings can be split, and their networks folded, before any is trained.

    Raises
    ------
    DataError : more validation images or shifts than there is room for; the folded network is too large
    """
    split(dataset.train, config.validation)
    views = len(deformation(recipe).tables(dataset.image_shape))
    alone = config.architecture(math.prod(dataset.image_shape), len(dataset.classes)).size
    size = BYTES * views * recipe.nets * alone
    if recipe.fold is not None and size > folding.LARGEST:
        raise DataError(
            f"the folded network would have {size / 2**30:.1f} GiB, more than {folding.LARGEST >> 30}; "
            f"choose a smaller shift, or leave fold out"
        )


def seeds_of(plan: Plan, wanted: int) -> list[int]:
    """The seeds of a plan: distinct, below 2^31, from the first bits of sha256(key/0), sha256(key/1), ...

    The key is the hash of everything in the plan that decides them.
    """
    key = digest([plan.recipe, plan.settings, plan.source_sha256, plan.data, plan.beat, plan.nonce])
    seeds: dict[int, None] = {}
    for number in count():
        if len(seeds) == wanted:
            break
        first = hashlib.sha256(f"{key}/{number}".encode()).digest()
        seeds[int.from_bytes(first[:8]) >> (64 - SEED_BITS)] = None
    return list(seeds)


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """All settings of a training but the seed."""
    return {name: value for name, value in config.to_dict().items() if name != "seed"}


def source_hash(package: Path | None = None) -> str:
    """The sha256 over the names and hashes of all Python files of fcnet, in the order of their names."""
    root = package or Path(__file__).resolve().parents[1]
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix())
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def machine(gpu: bool) -> Machine:
    """The present machine; `gpu` asks for the name of its GPU.

    Raises
    ------
    MissingExtraError : a GPU is asked for, and PyTorch is not installed
    DataError : PyTorch finds no GPU
    """
    about, name = environment(), ""
    if gpu:
        from fcnet.extras import require

        require("torch", "torch")
        from fcnet.torch_net.hardware import named_gpu

        name = named_gpu()
    return Machine(
        about["system"], about["processor"], about["cores"], about["python"], about["versions"], name
    )
