"""A recipe: a TOML file that says what is trained, within which budget, and how the result is folded."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from fcnet.data.deformation import Deformation
from fcnet.errors import DataError
from fcnet.files import read_file
from fcnet.protocol.contents import SEED_BITS, Budget, Recipe
from fcnet.schema import SETTINGS_LIMIT
from fcnet.train.config import TrainConfig

FEWEST = ((60.0, 1), (15.0, 3), (0.0, 5))
"""Minutes of a budget from which on so few seeds are enough."""


def fewest(budget: Budget) -> int:
    """The fewest seeds that a budget allows."""
    return next(seeds for minutes, seeds in FEWEST if budget.minutes >= minutes)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe and check all of it.

    Raises
    ------
    RunError : the file cannot be read
    DataError : it is not a recipe; the text names the file, and says what is wrong
    """
    content = read_file(path, SETTINGS_LIMIT, "give a recipe, docs/records.md shows one")
    try:
        recipe = msgspec.convert(tomllib.loads(content.decode()), Recipe)
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, another value
        raise DataError(f"{path} is not a recipe: {error}; docs/records.md shows one") from error
    check_recipe(recipe, str(path))
    return recipe


def check_recipe(recipe: Recipe, where: str) -> None:
    """Make sure that the settings exist and fit the budget, and that there are seeds enough.

    Raises
    ------
    DataError : they do not; the text begins with `where`
    """
    if recipe.budget.device == "gpu" and recipe.settings.get("engine") != "torch":
        raise DataError(f"{where}: the budget of a GPU needs engine = 'torch' in its settings")
    config_of(recipe, 0, where)
    if recipe.seeds is not None and recipe.seeds < fewest(recipe.budget):
        raise DataError(
            f"{where}: seeds is {recipe.seeds}, and {recipe.budget.minutes:g} minutes need at least "
            f"{fewest(recipe.budget)}"
        )
    if recipe.fold is not None and deformation(recipe) == Deformation() and recipe.nets == 1:
        raise DataError(
            f"{where}: fold has nothing to fold, add mirror = true, shift = 1 or nets = 2, or leave fold out"
        )
    if recipe.nets > 1 and recipe.budget.device == "gpu":
        raise DataError(f"{where}: several nets share the processors of a CPU, leave nets out for a GPU")


def config_of(recipe: Recipe, seed: int, where: str = "the recipe", net: int = 0) -> TrainConfig:
    """The settings of the training of one seed, on the device of the budget.

    Parameters
    ----------
    recipe, seed : of the plan; the seeds of further nets lie above all that are drawn
    where : what errors begin with
    net : which of the networks that are trained for the seed, from 0

    Raises
    ------
    DataError : a setting is unknown or has a value that is not possible, or says what the budget or the draw
        decides
    """
    device = {"cpu": "cpu", "gpu": "cuda"}[recipe.budget.device]
    settings: dict[str, Any] = dict(recipe.settings)
    if "seed" in settings:
        raise DataError(f"{where}: the seeds are drawn, leave seed out of its settings")
    if settings.pop("device", "auto") not in ("auto", device):
        raise DataError(f"{where}: the budget is for {device}, leave device out of its settings")
    return TrainConfig.from_dict(settings | {"device": device, "seed": seed + (net << SEED_BITS)}, where)


def deformation(recipe: Recipe) -> Deformation:
    """The views that are folded; none where the recipe does not fold."""
    return Deformation() if recipe.fold is None else Deformation(recipe.fold.mirror, recipe.fold.shift)
