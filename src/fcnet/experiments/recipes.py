"""The settings of every run, each with the reason for what differs from the one before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fcnet.errors import DataError
from fcnet.train.config import TrainConfig

if TYPE_CHECKING:
    from fcnet.data.dataset import Dataset

DEFAULT = TrainConfig(iterations=1000, evaluate_every=20, preprocessing="centred")
"""The exercise's default run: 50 units, N(0, 1e-4), learning rate 1e-4, decay 0.95 an epoch, lambda 0.25."""

QUICK = TrainConfig(
    hidden=(200,),
    initialisation="he",
    preprocessing="standardised",
    epochs=4,
    momentum=0.9,
    learning_rate=0.03,
    schedule="cosine",
    warmup_epochs=0.25,
    reg=1e-4,
)
"""Above 48 % validation in a few seconds: a usable learning rate, and units enough to use it."""

PYTORCH = replace(
    QUICK, hidden=(256,), preprocessing="symmetric", learning_rate=0.06, epochs=6, engine="torch"
)
"""Question 4: pixels from -1 to 1, as the exercise has them; its own units, rate and epochs, docs/log.md."""

TUNED = TrainConfig(
    hidden=(4096,),
    initialisation="pytorch",  # with He's larger weights the loss rises in the warm-up, docs/log.md
    receptive_field=4.0,
    preprocessing="whitened",
    components=400,
    whitening_floor=1110.0,
    batch_size=400,
    epochs=110,
    momentum=0.853,
    learning_rate=0.2,
    schedule="cosine",
    warmup_epochs=5.0,
    reg=6.6e-4,
    label_smoothing=0.0367,
    average="ema=0.998",
    mirror=True,
    shift=3,
    rotate=0.881,
    zoom=0.082,
)
"""The best two-layer net that we know for some minutes on two cores. Most numbers are from `fcnet tune`,
docs/tuning.md; patches, width and the averaged weights came later, docs/log.md."""


DEEP = TrainConfig(
    hidden=(2048, 1024, 1024),
    initialisation="he",
    receptive_field=4.0,
    preprocessing="whitened",
    components=400,
    whitening_floor=1110.0,
    bank=60,
    batch_size=400,
    epochs=150,
    momentum=0.9,
    learning_rate=0.15,
    schedule="cosine",
    warmup_epochs=3.0,
    reg=4e-4,
    label_smoothing=0.05,
    average="ema=0.998",
    mirror=True,
    shift=3,
    rotate=15.0,
    zoom=0.15,
    engine="torch",
)
"""As good as such a net gets in fifteen minutes on a core with bfloat16; docs/log.md says how it was found.
`recipes/any-depth-15.toml` trains two of them side by side."""

DIGITS = replace(QUICK, epochs=40, batch_size=50, shift=1, validation=287)
"""For the 8 x 8 digits of scikit-learn: 1,437 images, a fifth of which validate, so many passes are quick."""

MNIST = replace(
    QUICK,
    hidden=(512, 512),
    epochs=20,
    warmup_epochs=1.0,
    dropout=0.2,
    shift=2,
    rotate=10.0,
    zoom=0.1,
    validation=5000,
)
"""For 28 x 28 grey images, on which it was not measured; clothes, unlike digits, gain by --mirror, too."""

RECIPES = {
    "default": DEFAULT, "quick": QUICK, "tuned": TUNED, "pytorch": PYTORCH, "deep": DEEP, "digits": DIGITS,
    "mnist": MNIST,
}  # fmt: skip
"""The recipes by name, as `fcnet train --recipe` knows them."""


def ladder() -> list[tuple[str, TrainConfig]]:
    """From the default settings to such as the tuned ones, one change at a time, 980 steps (4 epochs) each.

    The numbers of the last rungs are those of a search by hand; the tuned recipe's own, from `fcnet tune`,
    are for trainings that are thirty times as long.
    """
    rung = replace(DEFAULT, iterations=980, evaluate_every=None)
    rungs = [("the exercise's default", rung)]

    def change(what: str, **settings: object) -> None:
        rungs.append((what, replace(rungs[-1][1], **settings)))  # type: ignore[arg-type]

    change("learning rate 1e-4 to 1e-3", learning_rate=1e-3)
    change("50 to 512 hidden units", hidden=(512,))
    change("lambda 0.25 to 1e-4", reg=1e-4)
    change(
        "He initialisation, pixels of unit variance, rate 0.02",
        initialisation="he",
        preprocessing="standardised",
        learning_rate=0.02,
    )
    change("momentum 0.9, cosine schedule", momentum=0.9, schedule="cosine", warmup_epochs=0.25)
    change(
        "inputs whitened, 256 components, rate 0.1",
        preprocessing="whitened",
        components=256,
        learning_rate=0.1,
        warmup_epochs=1.0,
    )
    change("images mirrored and shifted (pays in long trainings)", mirror=True, shift=3)
    return rungs


def suited(config: TrainConfig, dataset: Dataset) -> TrainConfig:
    """These settings for this data set: unchanged for CIFAR-10, reduced for smaller data.

    Scikit-learn's digits are few and small, and a mirrored digit is another sign. For a user's own data, see
    `fitted`.

    Raises
    ------
    DataError : as `fitted`
    """
    if dataset.origin.kind:
        return fitted(config, dataset)
    if dataset.name != "digits":
        return config
    return replace(
        config,
        validation=200,
        batch_size=min(config.batch_size, 100),
        components=min(config.components, 48),
        mirror=False,
        shift=min(config.shift, 1),
    )


PICTURES_ONLY = "receptive_field", "mirror", "shift", "rotate", "zoom"
"""Settings of recipes that rows of features cannot have."""


def fitted(config: TrainConfig, dataset: Dataset, start: TrainConfig | None = None) -> TrainConfig:
    """These settings for a user's own data, where those that they start from do not suit the data.

    What was chosen stays. A usual number of validation examples is at most a fifth of those for training, or
    those that the user set apart; a usual batch leaves ten steps an epoch; whitened inputs have no more
    components than there are numbers in an example; rows of features are neither cut into patches nor
    deformed. Settings that were fitted once stay as they are.

    Parameters
    ----------
    config : the settings
    dataset : a user's own
    start : the recipe that they start from, whose values count as not chosen; the defaults if there is none

    Raises
    ------
    DataError : another number for validation than the user set apart
    """
    usual = start or TrainConfig()
    validation, batch_size = config.validation, config.batch_size
    if dataset.validation is not None:
        if validation not in (usual.validation, dataset.validation):
            raise DataError(
                f"validation is {validation}, and {dataset.validation} examples were set apart for it, "
                f"leave the setting out"
            )
        validation = dataset.validation
    elif validation == usual.validation:
        validation = min(validation, max(1, len(dataset.train) // 5))
    if batch_size == usual.batch_size:
        batch_size = min(batch_size, max(1, (len(dataset.train) - validation) // 10))
    if not dataset.of_images:
        unasked = [name for name in PICTURES_ONLY if getattr(config, name) == getattr(usual, name)]
        if config.preprocessing == usual.preprocessing == "symmetric":  # of pixels
            unasked.append("preprocessing")
        config = replace(config, **{name: getattr(TrainConfig(), name) for name in unasked})
    components = config.components
    if config.whitens:
        components = min(components, dataset.train.images.shape[1])
    return replace(config, validation=validation, batch_size=batch_size, components=components)
