"""The settings of a training, checked when they are made.

The defaults are the exercise's poor ones, so that a run without options is the run that the exercise asks to
improve; recipes that work are in `fcnet.experiments.recipes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from math import prod
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from fcnet.data.kinds import WHITENINGS
from fcnet.errors import DataError
from fcnet.registry import in_file, similar, unknown
from fcnet.train.averaging import check_average
from fcnet.train.ranges import check_settings, name_and_value, require

if TYPE_CHECKING:
    from fcnet.net.architecture import Architecture

OWN_SETTING = ("mirror", "shift", "rotate", "zoom", "cutout", "mixup")
"""Augmentations that have a setting of their name."""


@dataclass(frozen=True)
class TrainConfig:
    """All settings of a training, apart from the data."""

    hidden: tuple[int, ...] = (50,)
    """Units of each hidden layer."""
    activation: str = "relu"
    """Activation function between the layers: "relu", "gelu" or "tanh"."""
    norm: str = "none"
    """Normalisation: "layernorm" normalises the input of each activation, or of each residual block; "none"
    does nothing."""
    blocks: int = 0
    """Residual blocks after each hidden layer, each linear, activation, linear; 0 for a plain network."""
    expansion: int = 4
    """Width inside a residual block, as a multiple of its layer's width."""
    initialisation: str = "1e-4"
    """Initial weights: "he", "pytorch" for PyTorch's default, or the standard deviation of all weights."""
    receptive_field: float = 0.0
    """Width in pixels of the patch that each unit of the first layer starts from; 0 for the whole image."""
    preprocessing: Literal["auto", "centred", "standardised", "whitened", "zca", "symmetric"] = "auto"
    """Inputs of the network. centred: pixels or features minus their means. standardised: also divided by
    their spread, one number for all pixels or one for each feature. whitened: whitened principal components.
    zca: these turned back into pixels, where neighbours stay neighbours. symmetric: pixels from -1 to 1, as
    in question 4. auto: centred images, standardised features."""
    components: int = 800
    """Number of principal components to keep, for whitened inputs."""
    whitening_floor: float = 1e5
    """Variance added to that of each component of whitened inputs, in squared pixel units, or in those of a
    standardised feature."""
    batch_size: int = 200
    """Examples per step."""
    epochs: int = 10
    """Passes over the training split."""
    iterations: int | None = None
    """Steps in all; overrides the number of epochs."""
    optimiser: str = "sgd"
    """Optimiser: "sgd", "nesterov", "adam" or "adamw"; momentum applies to sgd and nesterov."""
    momentum: float = 0.0
    """Momentum, mu of Algorithm 1."""
    learning_rate: float = 1e-4
    """The highest learning rate, alpha of Algorithm 1."""
    schedule: str = "decay"
    """How the learning rate changes. decay: multiplied by `decay` after each epoch. cosine: a linear rise,
    then half a cosine down to zero. constant: no change."""
    decay: float = 0.95
    """Factor on the learning rate after each epoch (schedule decay); 1 keeps it constant."""
    warmup_epochs: float = 0.0
    """Epochs over which the learning rate rises from zero (schedule cosine)."""
    reg: float = 0.25
    """lambda, the factor on the squared norms of the weights, without one-half."""
    lasso: float = 0.0
    """Factor on the absolute values of the weights: those that the loss does not need become zero, with sgd
    and nesterov. With adam and adamw hardly any does, since small gradients move a weight as far as large
    ones."""
    dropout: float = 0.0
    """Probability of switching a hidden unit off."""
    label_smoothing: float = 0.0
    """Probability mass moved from the label to all classes."""
    average: str = "none"
    """Average of the weights that is validated and saved. ema or ema=DECAY: a moving average, in which
    weights count DECAY (0.999) times as much as those one step later. last or last=EPOCHS: the mean over the
    last EPOCHS (5). none: the weights of the last step."""
    mirror: bool = False
    """Mirror half of the images, chosen at random in each epoch."""
    shift: int = 0
    """Shift each image at random by up to this number of pixels, in each epoch."""
    rotate: float = 0.0
    """Turn each image at random by up to this number of degrees, in each epoch."""
    zoom: float = 0.0
    """Enlarge or shrink each image at random by up to this fraction, in each epoch."""
    cutout: int = 0
    """Side in pixels of a square that is set to the mean, at a random place in each image; 0 for none."""
    augment: tuple[str, ...] = ()
    """Further augmentations, each NAME or NAME=VALUE: those above, mixup, and those that your own code adds
    to AUGMENTATIONS."""
    mixup: float = 0.0
    """Mix each example and its target with another of its minibatch, with a weight from Beta(alpha, alpha)
    for this alpha; 0 for none."""
    bank: int = 0
    """Epochs whose deformed and projected images are kept in memory and used again in turn, so that later
    epochs are cheaper; 0 deforms them again in every epoch. For whitened inputs."""
    validation: int = 1000
    """Images held out for validation, from the end of the training files."""
    evaluate_every: int | None = None
    """Steps between two evaluations; once an epoch if not given."""
    seed: int = 0
    """Seed of the initial weights, the order of examples, the augmentations and the dropout masks."""
    engine: Literal["numpy", "torch"] = "numpy"
    """numpy is this package's own network; torch is PyTorch's, which also runs on GPUs and under torchrun."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device that computes; auto is a GPU if there is one. NumPy uses the CPU only."""
    precision: Literal["auto", "float32", "float64", "bfloat16"] = "auto"
    """Precision of the arithmetic. auto is float32 with NumPy, and bfloat16 with PyTorch where the hardware
    has it. With bfloat16 the factors of each product are rounded; weights, updates and losses stay float32.
    NumPy needs the extra bfloat16 for it, and a CPU with AMX or AVX512-BF16."""
    compile: bool = False
    """Let torch.compile fuse the step; the first step then takes a minute. Meant for CUDA."""

    def __post_init__(self) -> None:
        listed = isinstance(self.hidden, Iterable) and not isinstance(self.hidden, str | bytes)
        require("hidden", self.hidden, listed, "a list of whole numbers, such as [50]")
        object.__setattr__(self, "hidden", tuple(self.hidden))
        self._sort_augment()
        for name, kind in get_type_hints(type(self)).items():
            _check_kind(name, getattr(self, name), kind)
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in check_settings(given, optional=("iterations", "evaluate_every")).items():
            object.__setattr__(self, name, value)
        check_average(self.average)
        if self.optimiser == "nesterov":
            require("momentum", self.momentum, self.momentum > 0, "above 0 with nesterov, such as 0.9")
        if self.bank:
            require("bank", self.bank, self.whitens, "0, or choose the preprocessing whitened")
            moved = {"mirror", "shift", "rotate", "zoom"}
            others = [name for name in self.augmentations if name not in moved]
            require("bank", self.bank, not others, f"0 with {', '.join(others)}, which changes minibatches")
        if self.engine == "numpy":
            with_torch = "with the engine numpy, or choose the engine torch"
            require("device", self.device, self.device in ("auto", "cpu"), f"'cpu' {with_torch}")
            require("compile", self.compile, not self.compile, f"False {with_torch}")

    def architecture(self, inputs: int, classes: int) -> Architecture:
        """The network that these settings describe, for this number of inputs and classes."""
        from fcnet.net.architecture import Architecture

        return Architecture.of(
            inputs, self.hidden, classes, activation=self.activation, norm=self.norm, blocks=self.blocks,
            expansion=self.expansion, dropout=self.dropout,
        )  # fmt: skip

    def step_products(self, inputs: int, classes: int) -> int:
        """Multiplications, each with an addition, in the matrix products of a training step.

        Every weight matrix has a product forward, one for its gradient, and one that passes the error back,
        which the first matrix does not need. Whitened inputs have one more, the projection of the minibatch.
        With a bank only some epochs have it, and this is the mean over all of them.

        Parameters
        ----------
        inputs : numbers of an example, before whitening
        classes : K
        """
        seen = min(self.components, inputs) if self.preprocessing == "whitened" else inputs
        architecture = self.architecture(seen, classes)
        matrices = {one.name: prod(one.shape) for one in architecture.parameters if len(one.shape) == 2}
        first = sum(matrices[weight] for weight, _ in architecture.first_layers)
        projection = self.whitens * inputs * seen
        if self.bank:
            projection = projection * min(self.bank, self.epochs) // self.epochs
        return self.batch_size * (3 * sum(matrices.values()) - first + projection)

    @property
    def whitens(self) -> bool:
        """Whether the inputs are whitened, as components or as pixels."""
        return self.preprocessing in WHITENINGS

    @property
    def augmentations(self) -> dict[str, float | None]:
        """The augmentations in order: names of `AUGMENTATIONS`, and their values or None."""
        own = dict(name_and_value("augment", text) for text in self.augment)
        before: dict[str, float | None] = {"mirror": None} if self.mirror else {}
        before |= {name: getattr(self, name) for name in ("shift", "rotate", "zoom", "cutout")}
        chosen = before | own | {"mixup": self.mixup}
        return {name: value for name, value in chosen.items() if name in own or value is None or value}

    def _sort_augment(self) -> None:
        """Move the entries of `augment` that have a setting of their own there, and check the others.

        So the same augmentations are equal settings, and `replace` changes each of them in one place.
        """
        given, others = self.augment, {}
        listed = isinstance(given, list | tuple) and all(isinstance(text, str) for text in given)
        require("augment", given, listed, "a list of NAME or NAME=VALUE")
        if given:  # otherwise NumPy is not imported for settings
            from fcnet.data.augmentation import make
        for text in given:
            name, value = name_and_value("augment", text)
            if name in OWN_SETTING:
                setting: Any = True if value is None else value
                unset = getattr(self, name) in (getattr(type(self), name), setting)
                require("augment", text, unset, f"{name} once, it is {getattr(self, name)!r} already")
                object.__setattr__(self, name, setting)
                continue
            require("augment", text, name not in others, f"{name} once")
            others[name] = text if value is None else f"{name}={value!r}"
            make(name, value)
        object.__setattr__(self, "augment", tuple(others.values()))

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values for TOML and JSON, without those that are None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {"hidden": list(self.hidden), "augment": list(self.augment)}
        return {name: value for name, value in values.items() if value is not None}

    def changed(self, base: TrainConfig) -> dict[str, Any]:
        """The settings that are not those of `base`, as plain values."""
        usual = base.to_dict()
        return {name: value for name, value in self.to_dict().items() if value != usual.get(name)}

    @classmethod
    def from_dict(
        cls, values: dict[str, Any], where: str, decided: Mapping[str, Any] | None = None
    ) -> TrainConfig:
        """The inverse of `to_dict`.

        Parameters
        ----------
        values : the settings that somebody chose
        where : the file, for errors
        decided : settings that are not to be chosen, with their values

        Raises
        ------
        DataError : an unknown setting, or an invalid value
        """
        decided = decided or {}
        known = {field.name for field in fields(cls)} - decided.keys()
        for name in values:
            if name not in known:
                advice = f"known are {', '.join(sorted(known))}"
                if close := similar(name, known):
                    advice = f"do you mean {close}? (fcnet train --help explains all)"
                newer = "which a newer version of fcnet may know"
                raise DataError(f"{where} has the unknown setting {name!r}, {newer}; {advice}")
        try:
            return cls(**values, **decided)
        except TypeError as error:
            raise DataError(f"{where} has a value of the wrong type: {error}") from error
        except DataError as error:
            raise in_file(where, error) from error


def _check_kind(name: str, value: Any, kind: Any) -> None:
    """Check a value against the annotation of its setting: a choice, a name or a switch."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise unknown(get_args(kind), value, name)
    elif kind is str:
        require(name, value, isinstance(value, str), "a name")
    elif kind is bool:
        require(name, value, isinstance(value, bool), "true or false")
