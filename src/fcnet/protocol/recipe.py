"""A recipe: a TOML file that says what is trained, within which budget, and how the result is folded."""

import tomllib
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from fcnet.data.deformation import Deformation
from fcnet.errors import DataError
from fcnet.files import read_file
from fcnet.protocol.contents import CORES, MOST_SEEDS, SEED_BITS, Budget, Fold, Recipe
from fcnet.schema import SETTINGS_LIMIT
from fcnet.train.config import TrainConfig
from fcnet.wording import shown

FEWEST = ((60.0, 1), (15.0, 3), (0.0, 5))
"""Minutes of a budget from which on so few seeds are enough."""


TABLES: dict[str, type[msgspec.Struct]] = {"budget": Budget, "fold": Fold}
"""Tables in a recipe whose keys are its own; those of `settings` are the settings of a training."""

KEYS = {
    "name": "a text of 1 to 100 characters",
    "budget": "a table [budget] with its minutes",
    "budget.minutes": "a number above 0 and at most 100000",
    "budget.device": '"cpu" or "gpu"',
    "settings": "a table [settings] with settings of fcnet train",
    "fold": "a table [fold] with mirror, shift or nets",
    "fold.mirror": "true or false",
    "fold.shift": "a whole number of pixels from 0 to 100",
    "fold.nets": f"{CORES}, or leave it out for one",
    "seeds": f"a whole number from 1 to {MOST_SEEDS}",
}
"""What each key of a recipe may be, in words; `fcnet.protocol.contents` has the types."""


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
        values = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML
        reason = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
        raise DataError(f"{path} is not a recipe: {reason}; docs/records.md shows one") from error
    _check_table(values, Recipe, "", str(path))
    recipe = msgspec.convert(values, Recipe)
    check_recipe(recipe, str(path))
    return recipe


def _check_table(values: dict[str, Any], kind: type[msgspec.Struct], section: str, where: str) -> None:
    """Make sure that a table of the file has the keys that it needs, no others, and values that are possible.

    Parameters
    ----------
    values : the table
    kind : what it has to be
    section : its name with a dot, such as `budget.`; empty for the whole file
    where : the file, for errors

    Raises
    ------
    DataError : `WHERE has the unknown key ...`, `WHERE lacks ...` or `WHERE: KEY is VALUE, give ...`
    """
    known = get_type_hints(kind, include_extras=True)
    for name in values:
        if name not in known:
            keys = ", ".join(f"{section}{key}" for key in known)
            raise DataError(f"{where} has the unknown key {shown(section + name, 80)!r}, known are {keys}")
    for field in msgspec.structs.fields(kind):
        key = f"{section}{field.name}"
        if field.name not in values:
            if field.required:
                raise DataError(f"{where} lacks {key}, give {KEYS[key]}; docs/records.md shows a recipe")
            continue
        value = values[field.name]
        if key in TABLES and isinstance(value, dict):
            _check_table(value, TABLES[key], f"{key}.", where)
            continue
        try:
            msgspec.convert(value, known[field.name])
        except ValueError as error:
            raise DataError(f"{where}: {key} is {shown(repr(value), 80)}, give {KEYS[key]}") from error


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
    return TrainConfig.from_dict(settings, where, {"device": device, "seed": seed + (net << SEED_BITS)})


def deformation(recipe: Recipe) -> Deformation:
    """The views that are folded; none where the recipe does not fold."""
    return Deformation() if recipe.fold is None else Deformation(recipe.fold.mirror, recipe.fold.shift)
