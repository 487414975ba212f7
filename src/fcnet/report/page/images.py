"""Images of the data set and confident mistakes, for a user's own report."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.dataset import Dataset, Part, split
from fcnet.report.pictures import mosaic
from fcnet.report.reading import Records
from fcnet.report.story import Picture
from fcnet.train.model import Model
from fcnet.two_layernet import softmax
from fcnet.wording import percent

EACH, MISTAKES = 8, 20
"""Images shown of each class, and mistakes shown."""


@dataclass(frozen=True)
class Mistakes:
    """The most confident of them, how many there are, of how many images, of which part."""

    pictures: tuple[Picture, ...]
    wrong: int
    images: int
    part: str


def pixels(images: NDArray[np.uint8], image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Images (n, D) as (n, height, width, 3); a single channel is grey."""
    shaped = np.moveaxis(images.reshape(-1, *image_shape), 1, 3)
    if image_shape[0] != 3:
        shaped = np.rint(shaped.mean(axis=3, keepdims=True)).astype(np.uint8).repeat(3, axis=3)
    return np.ascontiguousarray(shaped)


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture (height, width, 3 or 4) as a PNG file."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, picture, format="png")
    return buffer.getvalue()


def samples(dataset: Dataset) -> tuple[Picture, ...]:
    """For each class a strip of its first training images."""
    strips = []
    for label, name in enumerate(dataset.classes):
        of_class = np.flatnonzero(dataset.train.labels == label)[:EACH]
        pictures = pixels(np.asarray(dataset.train.images[of_class]), dataset.image_shape)
        if len(pictures):
            strip = np.concatenate([mosaic(pictures[n : n + 1], 1) for n in range(len(pictures))], axis=1)
            strips.append(Picture(png(strip), f"{len(pictures)} images of class {name}", name))
    return tuple(strips)


def mistakes(records: Records, record: dict[str, Any]) -> Mistakes | None:
    """The network's most confident mistakes; None where model or data are missing, or other data are given.

    Of the test set where the run used it, else of the images held out, so that a report never uses the
    test set by itself.
    """
    dataset = records.dataset
    if dataset is None or not (records.run / "model.safetensors").exists():
        return None
    if record["data"]["sha256"] != dataset.origin.sha256:
        return None
    part, name = dataset.test, "test"
    if records.test is None:
        part, name = split(dataset.train, record["config"]["validation"])[1], "validation"
    logits = Model.load(records.run).logits(part.images)
    said = logits.argmax(axis=1)
    confidence = softmax(logits).max(axis=1)
    wrong = np.flatnonzero(said != part.labels)
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    shown = shown if dataset.of_images else shown[:0]
    pictures = tuple(_mistake(dataset, part, n, int(said[n]), float(confidence[n])) for n in shown)
    return Mistakes(pictures, len(wrong), len(part), name)


def _mistake(dataset: Dataset, part: Part, number: int, said: int, confidence: float) -> Picture:
    picture = pixels(np.asarray(part.images[number : number + 1]), dataset.image_shape)[0]
    true, guess = dataset.classes[int(part.labels[number])], dataset.classes[said]
    caption = f"{true}, predicted {guess} ({percent(confidence)})"
    return Picture(png(picture), f"image of class {caption}", caption)
