"""One picture file, of any size and of any format that Pillow opens, as the pixels that a network is given.

Training and prediction both come through here, so that a network sees its pictures alike. What is done to a
picture is said in words, so that a user knows what the network really saw.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fcnet.data.damage import naming
from fcnet.errors import DataError
from fcnet.extras import require
from fcnet.files import open_plain

if TYPE_CHECKING:
    from PIL.Image import Image

REFUSED = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "FPX", "MIC", "PDF"}
"""Formats that Pillow hands to other programs, or names without being able to read them."""

PIXELS = 80_000_000
"""The most pixels that are decoded: four bytes each, and up to five copies, 1.6 GB. A large JPEG is decoded
at a fraction of its size, which then counts."""

LARGE = 10_000_000
"""Pixels from which on one picture is decoded at a time; several threads decode smaller ones."""

FILE = 1 << 30
"""The most bytes of a file."""

METADATA = 1 << 26
"""Bytes of a comment or profile in a PNG that are read; Pillow's own limit, 1 MB, refuses good pictures."""

ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""

SIDEWAYS = (5, 6, 7, 8)
"""Its values that exchange width and height."""

KINDS = {
    "1": "black and white", "L": "grey", "LA": "grey with transparency", "I": "16-bit grey",
    "I;16": "16-bit grey", "I;16B": "16-bit grey", "P": "with a palette", "RGBA": "RGB with transparency",
}  # fmt: skip
"""Pillow's modes in words, where they are not words already."""


_large = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A picture as a network is given it.

    pixels : (3, height, width) uint8
    grey : whether the file has no colours, so that the three channels are equal
    steps : what was done to it, in words, the file's own size and kind first
    highest : the largest value of a picture of 16 bits, -1 of others
    """

    pixels: NDArray[np.uint8]
    grey: bool
    steps: tuple[str, ...]
    highest: int = -1

    def row(self, channels: int) -> NDArray[np.uint8]:
        """Its numbers (D,) channel by channel, in colour (3) or grey (1)."""
        if channels == 3:
            return self.pixels.reshape(-1)
        if self.grey:
            return np.ascontiguousarray(self.pixels[0]).reshape(-1)
        from PIL import Image

        grey: NDArray[np.uint8] = np.asarray(Image.fromarray(self.pixels.transpose(1, 2, 0)).convert("L"))
        return grey.reshape(-1)


@cache
def formats() -> tuple[str, ...]:
    """The formats that are opened.

    Raises
    ------
    MissingExtraError : Pillow is not installed
    """
    Image = require("PIL.Image", "images")
    Image.init()
    from PIL import PngImagePlugin

    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, METADATA)
    return tuple(sorted(set(Image.OPEN) - REFUSED))


@cache
def suffixes() -> frozenset[str]:
    """Endings of their files' names, with the dot and in lower case."""
    known = set(formats())
    from PIL import Image

    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in known)


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture, turned as its EXIF says, from the head of its file where possible.

    Raises
    ------
    DataError : as `read_picture`
    """
    with _opened(path) as image:
        # a PNG has its EXIF behind the pixels, which are not worth reading for this; TIFFs are turned already
        turned = image.format not in ("PNG", "TIFF") and image.getexif().get(ORIENTATION) in SIDEWAYS
        return image.size[::-1] if turned else image.size


def read_picture(path: Path, height: int, width: int) -> Picture:
    """Read a picture: turned upright, its middle cut out in the proportions wanted, and that resized.

    Transparent parts become white, 16 bits become 8, of several frames the first is taken.

    Parameters
    ----------
    path : the file
    height, width : wanted, in pixels

    Raises
    ------
    DataError : as `naming`, or `PATH is damaged, or not a picture that Pillow can open`
    """
    with _opened(path) as image:
        from PIL import ImageOps

        own = image.size
        steps = [f"{own[0]} x {own[1]} {KINDS.get(image.mode, image.mode)}"]
        if getattr(image, "n_frames", 1) > 1:
            steps.append("first frame")
        drafted = image.draft(None, (2 * width, 2 * height))  # a JPEG is decoded at a fraction of its size
        with _room(image, own):
            orientation = image.getexif().get(ORIENTATION, 1)  # which decodes a PNG
            if orientation in (2, 3, 4, *SIDEWAYS):
                steps.append("turned as its EXIF says")
            image.load()
            upright = ImageOps.exif_transpose(image)
            if drafted is None:
                own = upright.size
            elif orientation in SIDEWAYS:
                own = own[::-1]
            grey = upright.mode.startswith(("1", "L", "I", "F")) and upright.mode != "LAB"
            colours, highest = _colours(upright, steps)
            pixels = _fitted(colours, own, (width, height), steps)
        return Picture(pixels, grey, tuple(steps), highest)


@contextmanager
def _room(image: Image, own: tuple[int, int]) -> Iterator[None]:
    """Decode a picture within it: few enough pixels, and a large one at a time.

    Raises
    ------
    DataError : it has too many
    """
    pixels = math.prod(image.size)
    if pixels > PIXELS:
        raise DataError(f"it has {math.prod(own):,} pixels, at most {PIXELS:,} are decoded; make it smaller")
    with _large if pixels > LARGE else nullcontext():
        yield


def _fitted(
    colours: Image, own: tuple[int, int], wanted: tuple[int, int], steps: list[str]
) -> NDArray[np.uint8]:
    """The middle of a picture that had the size `own`, in the size that is wanted: (3, height, width)."""
    from PIL.Image import Resampling

    width, height = wanted
    box, cut = _middle(colours.size, own, height, width)
    if cut != own:
        steps.append(f"middle {cut[0]} x {cut[1]} cut out")
    if cut != wanted:
        steps.append(f"resized to {width} x {height}")
        colours = colours.resize(wanted, Resampling.LANCZOS, box=box)
    elif colours.size != wanted:
        colours = colours.crop(tuple(round(side) for side in box))  # type: ignore[arg-type]
    return np.ascontiguousarray(np.asarray(colours).transpose(2, 0, 1))


def _middle(
    size: tuple[int, int], own: tuple[int, int], height: int, width: int
) -> tuple[tuple[float, float, float, float], tuple[int, int]]:
    """The largest box in the wanted proportions in the middle of `size`, and its size in pixels of `own`."""
    scale = min(own[0] / width, own[1] / height)
    cut = max(round(width * scale), 1), max(round(height * scale), 1)
    w, h = cut[0] * size[0] / own[0], cut[1] * size[1] / own[1]
    left, top = (size[0] - w) / 2, (size[1] - h) / 2
    if size == own:
        left, top = float(int(left)), float(int(top))
    return (left, top, left + w, top + h), cut


def _colours(image: Image, steps: list[str]) -> tuple[Image, int]:
    """The picture as RGB of 8 bits, and the largest value of one of 16 bits, else -1."""
    from PIL import Image as Images

    highest = -1
    if image.mode.startswith("I"):
        values: NDArray[Any] = np.asarray(image)
        if values.size and not 0 <= values.min() <= values.max() < 2**16:
            raise DataError("its numbers do not fit 16 bits, save it with 8")
        highest = int(values.max())
        steps.append(f"16 bits cut to 8, values up to {highest}")
        image = Images.fromarray((values >> 8).astype(np.uint8))
    elif image.mode == "F":
        raise DataError("its pixels are floating-point numbers, save it with 8 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            steps.append("transparent parts made white")
        image = Images.alpha_composite(Images.new("RGBA", image.size, "white"), image)
    return image.convert("RGB"), highest


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """The picture file; whatever goes wrong within is an error that names it."""
    known = formats()
    from PIL import Image, UnidentifiedImageError

    with naming(path, "a picture", "make it smaller"):
        try:
            with open_plain(path, FILE) as file, Image.open(file, formats=known) as image:
                yield image
        except UnidentifiedImageError as error:
            raise DataError(f"{path} is damaged, or not a picture that Pillow can open") from error
        except Image.DecompressionBombError as error:
            raise DataError(f"{path} is too large ({error}); make it smaller") from error
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Within it Pillow keeps its remarks on odd but readable files to itself; not for several threads."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\..*")
        yield
