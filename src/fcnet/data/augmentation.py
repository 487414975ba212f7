"""The augmentations of minibatches, so that a training hardly ever sees the same one twice.

`AUGMENTATIONS` maps a name to a function that makes an augmentation from its value:
`AUGMENTATIONS["cutout"](8)`. An augmentation is a function of a whole `Batch` and a generator, and changes
the batch. To add one, put it into
the dictionary before the settings are made, and name it there: `TrainConfig(augment=("noise=0.1",))`, or
`--augment noise=0.1`.

A mirror, a shift, a rotation and a zoom only move pixels. They are a `Deformation`, which acts on the uint8
pixels while they are gathered; all others act on the network's inputs.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcnet.arrays import Array
from fcnet.data.deformation import Deformation
from fcnet.errors import DataError, UnknownNameError
from fcnet.extension import broken, called, described, is_own

EXAMPLES = 8
"""Of the minibatch that a user's own augmentation is tried on."""


class MixedLabels(NamedTuple):
    """Targets between two classes: weight on the label, 1 - weight on the partner's label.

    labels, partners : (B,) int64
    weight : (B,) from 0 to 1
    """

    labels: Any
    partners: Any
    weight: Any


class Batch:
    """A minibatch on its way to the network, for augmentations.

    X : (B, D) floating point, (pixel - mean) / scale, before a projection such as whitening: 0 is the mean.
        Change it in place, or put another array of this shape there
    labels : (B,) int64; change them the same way
    image_shape : (channels, height, width); (1, 1, D) of rows that are not images
    spare : (B, D) like X, which `mix` overwrites
    """

    def __init__(
        self, X: Any, labels: NDArray[np.int64], image_shape: tuple[int, int, int], spare: Any = None
    ) -> None:
        self.X, self.labels, self.image_shape = X, labels, image_shape
        self._spare = spare
        self._mixed: MixedLabels | None = None

    @property
    def images(self) -> Any:
        """X as images (B, channels, height, width), without a copy: changing them in place changes X."""
        return self.X.reshape(len(self.X), *self.image_shape)

    @property
    def targets(self) -> NDArray[np.int64] | MixedLabels:
        """The labels, or the mixed targets after `mix`."""
        return self.labels if self._mixed is None else self._mixed

    def array(self, values: Array) -> Any:
        """Drawn numbers for use with X: fractions get its type, and with PyTorch its device."""
        return values.astype(self.X.dtype) if values.dtype.kind == "f" else values

    def mix(self, partners: NDArray[np.int64], weight: Array) -> None:
        """Each example becomes weight times itself plus 1 - weight times its partner, inputs and targets.

        partners : (B,) places in this batch
        weight : (B,) from 0 to 1

        Raises
        ------
        DataError : the targets were mixed already
        """
        if self._mixed is not None:
            raise DataError("two augmentations mix the targets, such as mixup; choose one of them")
        share = self.array(weight)[:, None]
        others = self._rows(partners)
        others *= 1 - share
        self.X *= share
        self.X += others
        self._mixed = MixedLabels(self.labels, self.labels[partners], weight)

    def change(self, step: Augmentation, rng: np.random.Generator) -> None:
        """Let an augmentation change this batch."""
        dtype = self.X.dtype
        step(self, rng)
        self.X = np.ascontiguousarray(self.X, dtype)

    def _rows(self, places: NDArray[np.int64]) -> Any:
        """A copy of these rows of X."""
        # mode="clip" lets NumPy write straight into `out`; every index is in range
        return np.take(self.X, places, axis=0, out=self._spare, mode="clip")


Augmentation = Callable[[Batch, np.random.Generator], None]
"""A function that changes a batch with numbers that it draws from the generator.

It gets the whole minibatch, even if several workers share it, and NumPy arrays in both engines.
It may have:

- `on_device = True`: it gets X as the engine holds it, with PyTorch a tensor. Then it uses only functions
  that both libraries have, and passes its drawn numbers through `Batch.array`.
- `images_only = True`: it is refused for rows of numbers.
- `check(image_shape)`: a method that raises a DataError for images that it does not fit.
"""


class Cutout:
    """A square set to the mean, 0: of `size` pixels, its middle anywhere, so it may stick out.

    DeVries and Taylor (2017). Each image has its own.
    """

    on_device = True
    images_only = True

    def __init__(self, size: int) -> None:
        self.size = size

    def check(self, image_shape: tuple[int, int, int]) -> None:
        """Refuse a square larger than the image."""
        most = min(image_shape[1:])
        if not 1 <= self.size <= most:
            raise DataError(f"cutout is {self.size}, choose from 1 to {most} pixels")

    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        _, height, width = batch.image_shape
        rows = self._inside(rng.integers(height, size=len(batch.labels)), height)
        columns = self._inside(rng.integers(width, size=len(batch.labels)), width)
        kept = ~(rows[:, None, :, None] & columns[:, None, None, :])
        images = batch.images
        images *= batch.array(kept)

    def _inside(self, middles: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
        """Which of `length` places are in the square, (B, length), if its middle is there."""
        first = (middles - self.size // 2)[:, None]
        places = np.arange(length)
        return (first <= places) & (places < first + self.size)


class Mixup:
    """Each example mixed with another of its minibatch, targets too, with a weight from Beta(alpha, alpha).

    Zhang et al. (2018). Each pair has its own weight.
    """

    on_device = True

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        partners = rng.permutation(len(batch.labels))
        batch.mix(partners, rng.beta(self.alpha, self.alpha, size=len(partners)))


AUGMENTATIONS: dict[str, Callable[..., Augmentation | Deformation]] = {
    "mirror": lambda: Deformation(mirror=True),
    "shift": lambda pixels: Deformation(shift=pixels),
    "rotate": lambda degrees: Deformation(rotate=degrees),
    "zoom": lambda fraction: Deformation(zoom=fraction),
    "cutout": Cutout,
    "mixup": Mixup,
}
"""The functions that make an augmentation from its value, or without one, by name."""


def make(name: str, value: float | None) -> Augmentation | Deformation:
    """The augmentation of this name and value; None for no value.

    Raises
    ------
    DataError : an unknown name, whose text lists the known ones; a value that must not be there, or a
        missing value
    ExtensionError : a user's own one is no function
    """
    if name not in AUGMENTATIONS:
        raise UnknownNameError(
            f"{name!r} is not a known augmentation, choose from {', '.join(AUGMENTATIONS)}, "
            f"or add it to AUGMENTATIONS first",
            "augmentation",
            name,
        )
    what, make, values = f"the augmentation {name!r}", AUGMENTATIONS[name], () if value is None else (value,)
    if not callable(make):
        raise broken(what, make, "cannot be called, put a class or a function there that makes one")
    try:
        inspect.signature(make).bind(*values)
    except TypeError:
        raise DataError(
            f"the augmentation {name} takes {'a' if value is None else 'no'} value, "
            f"give {name}{'=VALUE' if value is None else ''}"
        ) from None
    made = make(*values)
    if not callable(made) and not isinstance(made, Deformation):
        raise broken(what, make, f"makes {described(made)}, return a function of (batch, rng)")
    return made


@dataclass(frozen=True)
class Pipeline:
    """All augmentations of a minibatch.

    deformation : of the pixels, while they are gathered
    steps : the other augmentations, in order
    """

    deformation: Deformation
    steps: tuple[Augmentation, ...]

    @classmethod
    def of(
        cls, chosen: Mapping[str, float | None], image_shape: tuple[int, int, int], classes: int = 2
    ) -> Pipeline:
        """The augmentations of these names and values, for images of this shape and this number of classes.

        Raises
        ------
        DataError : as `make`; one that does not fit the images, or is for images where there are none
        ExtensionError : as `make`; a user's own one breaks the minibatch that it is tried on
        """
        deformation, steps = Deformation(), []
        for name, value in chosen.items():
            made = make(name, value)
            if image_shape[1] == 1 and getattr(made, "images_only", False):
                raise DataError(
                    f"{name} is for images, and these are rows of {image_shape[2]} numbers, leave it out"
                )
            if isinstance(made, Deformation):
                deformation = deformation.then(made)
                continue
            if hasattr(made, "check"):
                made.check(image_shape)
            if is_own(AUGMENTATIONS[name]):
                _try(f"the augmentation {name!r}", make(name, value), image_shape, classes)
            steps.append(made)
        return cls(deformation, tuple(steps))

    def __call__(self, batch: Batch, rng: np.random.Generator) -> None:
        """Let every step change the batch."""
        for step in self.steps:
            batch.change(step, rng)


def _try(what: str, step: Any, image_shape: tuple[int, int, int], classes: int) -> None:
    """Let a user's augmentation change a random minibatch.

    Raises
    ------
    ExtensionError : it returns something, or leaves inputs or targets that no network takes
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((EXAMPLES, math.prod(image_shape))).astype(np.float32)
    labels = np.arange(EXAMPLES) % 2 * (classes - 1)  # the lowest and the highest
    batch = Batch(X, labels, image_shape, np.empty_like(X))
    returned = called(what, step, batch, rng, wants="a function of (batch, rng)")
    if returned is not None:
        raise broken(what, step, f"returns {described(returned)}, change batch.X in place instead")
    for name, value, shape, kinds, numbers in (
        ("X", batch.X, X.shape, "f", "floating-point"),
        ("labels", batch.labels, (EXAMPLES,), "iu", "whole"),
    ):
        if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype.kind not in kinds:
            text = f"leaves {described(value)} in batch.{name}, leave {numbers} numbers of shape {shape}"
            raise broken(what, step, text)
    if not np.isfinite(batch.X).all():
        raise broken(what, step, "leaves NaN or infinity in batch.X, leave finite numbers")
    least, most = batch.labels.min(), batch.labels.max()
    if not 0 <= least <= most < classes:
        text = f"leaves labels from {least} to {most} in batch.labels, leave labels from 0 to {classes - 1}"
        raise broken(what, step, text)
