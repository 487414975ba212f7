"""A small folder of drawn pictures, for a first training: circles, squares and triangles."""

from __future__ import annotations

import tempfile
from math import cos, pi, sin
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fcnet.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

CORNERS = {"circle": 64, "square": 4, "triangle": 3}
"""The classes: corners of a regular polygon."""

EACH, SIDE, FINER = 80, 16, 4
"""Pictures of each class, their side in pixels, and how many times finer they are drawn."""


def write_sample(folder: Path, seed: int = 0) -> int:
    """Draw pictures into FOLDER/circle, FOLDER/square and FOLDER/triangle.

    Parameters
    ----------
    folder : which must not exist yet; it appears when it is complete
    seed : what the pictures follow from

    Returns
    -------
    count : of the pictures

    Raises
    ------
    DataError : the folder exists, or cannot be written
    """
    if folder.exists() or folder.is_symlink():
        raise DataError(f"{folder} exists already, name another folder or delete it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
            count = _draw_all(Path(beside) / folder.name, seed)
            (Path(beside) / folder.name).rename(folder)
    except OSError as error:
        raise DataError(f"cannot write {folder} ({error.strerror or error}), name another folder") from error
    return count


def _draw_all(folder: Path, seed: int) -> int:
    for label, (name, corners) in enumerate(CORNERS.items()):
        (folder / name).mkdir(parents=True)
        for number in range(1, EACH + 1):
            rng = np.random.default_rng([seed, label, number])
            draw_shape(corners, rng).save(folder / name / f"{number}.png", optimize=True)
    return EACH * len(CORNERS)


def draw_shape(corners: int, rng: np.random.Generator) -> Image:
    """A regular polygon of random size, place, angle and colours, (SIDE, SIDE) pixels in RGB."""
    from PIL import Image, ImageDraw

    side = SIDE * FINER
    paper, ink = rng.integers(170, 256, 3), rng.integers(0, 120, 3)
    radius = side * rng.uniform(0.25, 0.4)
    x, y = side * rng.uniform(0.42, 0.58, 2)
    turned = pi / 2 + pi / corners + rng.uniform(-0.4, 0.4)  # upon its lower side, or nearly so
    angles = [turned + 2 * pi * corner / corners for corner in range(corners)]
    image = Image.new("RGB", (side, side), tuple(int(value) for value in paper))
    ImageDraw.Draw(image).polygon(
        [(x + radius * cos(angle), y + radius * sin(angle)) for angle in angles],
        fill=tuple(int(value) for value in ink),
    )
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)
