"""What `fcnet train` and `fcnet tune` start from: data, and settings of a recipe, a file, or the defaults."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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


@dataclass(frozen=True, kw_only=True)
class Trains:
    """What `fcnet train` and `fcnet tune` ask of their data, and where their settings start."""

    data: Path | None = None
    """Folder with CIFAR-10 ($FCNET_DATA, ./data, ./datasets and the user's cache if not given), a folder of
    pictures by class, perhaps in train/ and test/, an .npz file of X and y, a folder of X.npy and y.npy, or a
    table (.csv, .parquet)."""
    target: Annotated[str | None, "COLUMN"] = None
    """Column of a table that is to be predicted."""
    missing: Missing = "median"
    """What stands for a missing number of a table: the median or the mean of its column. A missing category
    is a category of its own. drop leaves out rows with missing values, and error refuses them."""
    drop_columns: Annotated[tuple[str, ...], "COLUMN"] = ()
    """Columns of a table that are left out."""
    categorical: Annotated[tuple[str, ...], "COLUMN"] = ()
    """Columns of numbers of a table that are categories, such as postal codes."""
    image_size: int | None = None
    """Side of the squares that your own pictures become, in pixels; otherwise small pictures of one size
    stay as they are, and others become 32 x 32."""
    skip_damaged: bool = False
    """Leave out your own pictures that cannot be read; the record names them."""
    stream: bool = False
    """Read the rows of a table, or of a folder of X.npy and y.npy, while training, where they do not fit into
    memory."""
    require_cifar10: bool = False
    """Fail instead of using scikit-learn's digits if CIFAR-10 is not available."""
    recipe: Recipe | None = None
    """Start from the settings of a recipe; further options change them."""
    config: Path | None = None
    """Start from the settings in a TOML file, such as a run's config.toml; further options change them."""
    settings: TrainConfig = field(default_factory=TrainConfig)

    def source(self) -> DataOptions:
        """The data that the options ask for."""
        from fcnet.data.dataset import DataOptions, TableOptions

        return DataOptions(
            self.data,
            self.require_cifar10,
            self.image_size,
            self.skip_damaged,
            self.stream,
            TableOptions(self.target, self.missing, self.drop_columns, self.categorical),
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


def start_of(arguments: Sequence[str], resumes: bool = False) -> TrainConfig:
    """The settings that a command's arguments start from, before others change them.

    Those of the recipe or the file that they name, or else of the run that they resume, or else the defaults.

    Parameters
    ----------
    resumes : whether --resume means the run in the folder --out

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
    if recipes:
        from fcnet.experiments.recipes import RECIPES

        return look_up(RECIPES, recipes[-1], "--recipe")
    if resumes and "--resume" in arguments and (folders := _values_of("--out", arguments)):
        from fcnet.files import exists
        from fcnet.records import RunFolder
        from fcnet.runs.training import read_config

        own = RunFolder(Path(folders[-1])).config
        return read_config(own) if exists(own) else TrainConfig()
    return TrainConfig()


def _values_of(option: str, arguments: Sequence[str]) -> list[str]:
    """The values that the arguments give to an option, in order, as `--option VALUE` or `--option=VALUE`."""
    found: list[str] = []
    for place, word in enumerate(arguments):
        if word == option:
            found += arguments[place + 1 : place + 2]
        elif word.startswith(f"{option}="):
            found.append(word.partition("=")[2])
    return found


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
