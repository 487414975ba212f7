"""The initial settings of `fcnet train` and `fcnet tune`: a recipe, a file, or the defaults."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fcnet.cli import tell
from fcnet.errors import FcnetError
from fcnet.registry import look_up
from fcnet.train.config import TrainConfig

if TYPE_CHECKING:
    from fcnet.data.dataset import DataOptions, Dataset

Recipe = Literal["default", "quick", "tuned", "pytorch", "deep", "digits", "mnist"]
"""Names of `fcnet.experiments.recipes.RECIPES`."""


Missing = Literal["median", "mean", "drop", "error"]
"""As in `fcnet.data.tables.mapping`, which would import NumPy here."""


def data_options(command: Any) -> DataOptions:
    """The data that the options of `fcnet train` or `fcnet tune` ask for."""
    from fcnet.data.dataset import DataOptions, TableOptions

    return DataOptions(
        command.data,
        command.require_cifar10,
        command.image_size,
        command.skip_damaged,
        command.stream,
        TableOptions(command.target, command.missing, command.drop_columns, command.categorical),
    )


def words_of(asked: DataOptions) -> list[str]:
    """The options that name these data and say how they are read, as one types them."""
    words = [] if asked.data is None else ["--data", str(asked.data)]
    words += [] if asked.image_size is None else ["--image-size", str(asked.image_size)]
    words += ["--skip-damaged"] if asked.skip_damaged else []
    words += ["--stream"] if asked.stream else []
    table = asked.table
    words += [] if table.target is None else ["--target", table.target]
    words += [] if table.missing == "median" else ["--missing", table.missing]
    words += ["--drop-columns", *table.drop] if table.drop else []
    return words + (["--categorical", *table.categorical] if table.categorical else [])


def start_of(arguments: Sequence[str]) -> TrainConfig:
    """The settings of the recipe or the file that a command's arguments name, before others change them.

    The defaults, where they name neither.

    Raises
    ------
    FcnetError : they name a recipe and a file, or a recipe that does not exist
    RunError : the file cannot be read or is not TOML
    DataError : the file has an unknown setting, or a value that cannot be
    """
    recipes, files = _values_of("--recipe", arguments), _values_of("--config", arguments)
    if recipes and files:
        raise FcnetError("--recipe and --config both say where to start from, give one of them")
    if files:
        from fcnet.runs.training import read_config

        return read_config(Path(files[-1]))
    if not recipes:
        return TrainConfig()
    from fcnet.experiments.recipes import RECIPES

    return look_up(RECIPES, recipes[-1], "--recipe")


def _values_of(option: str, arguments: Sequence[str]) -> list[str]:
    """Every value that the arguments give to an option, as `--option VALUE` or `--option=VALUE`."""
    joined = [word.partition("=")[2] for word in arguments if word.startswith(f"{option}=")]
    return joined + [value for word, value in pairwise(arguments) if word == option]


def fitted_and_told(given: TrainConfig, dataset: Dataset, recipe: Recipe | None) -> TrainConfig:
    """The settings, fitted to a user's own data if it is such; what was changed is printed.

    recipe : what they start from, if it was named

    Raises
    ------
    DataError : as `fitted`
    """
    from fcnet.cli.loading import first_worker
    from fcnet.experiments.recipes import PICTURES_ONLY, RECIPES, fitted

    if not dataset.origin.kind:
        return given
    settings = fitted(given, dataset, None if recipe is None else RECIPES[recipe])
    values = {
        name: getattr(settings, name)
        for name in ("validation", "batch_size", "components", "preprocessing", *PICTURES_ONLY)
        if getattr(settings, name) != getattr(given, name)
    }
    changed = [
        f"--no-{name}" if value is False else f"--{name.replace('_', '-')} {value}"
        for name, value in values.items()
    ]
    if changed and first_worker():
        tell(f"chosen for {len(dataset.train):,} training examples: {' '.join(changed)}", sys.stdout)
    return settings
