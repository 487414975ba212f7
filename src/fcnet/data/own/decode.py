"""Many pictures as rows of one array, read by several threads: Pillow lets go of Python while it decodes."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fcnet.data.own.picture import quiet_pillow, read_picture, size_of
from fcnet.data.published import Progress
from fcnet.errors import DataError

KEPT_SIZE = 64
"""Pictures that all have one size, of at most so many pixels a side, stay as they are."""

USUAL_SIZE = 32
"""Side of the squares that others become, as in CIFAR-10, unless a side is asked for."""

AHEAD = 256
"""Pictures that are handed to the threads at once, so that few wait in memory."""

SHALLOW = 2**12 - 1
"""16-bit pictures that go no further have fewer bits, of which cutting to 8 would leave almost nothing."""

T = TypeVar("T")


class UnreadableError(DataError):
    """Some pictures cannot be read; `paths` says which."""

    def __init__(self, text: str, paths: Sequence[Path]) -> None:
        super().__init__(text)
        self.paths = tuple(paths)


def common_size(paths: Sequence[Path], progress: Progress) -> tuple[int, int]:
    """Height and width that suit these pictures: their own if it is one and small, else a square.

    Raises
    ------
    UnreadableError : some cannot be read
    """
    sizes = list(_each(size_of, paths, "looking at pictures", progress))
    if len(set(sizes)) == 1 and max(sizes[0]) <= KEPT_SIZE:
        return sizes[0][1], sizes[0][0]
    side = min(USUAL_SIZE, round(median(min(size) for size in sizes)))
    return side, side


def decode(
    paths: Sequence[Path], height: int, width: int, progress: Progress
) -> tuple[NDArray[np.uint8], int]:
    """Read all pictures.

    Returns
    -------
    images : (N, channels * height * width) uint8
    channels : 1 where no picture has colours, else 3

    Raises
    ------
    UnreadableError : some cannot be read
    DataError : all 16-bit pictures are nearly black
    """
    images = np.empty((len(paths), 3, height, width), np.uint8)
    grey, highest = True, -1

    def one(path: Path) -> tuple[NDArray[np.uint8], bool, int]:
        picture = read_picture(path, height, width)
        return picture.pixels, picture.grey, picture.highest

    for row, (pixels, own, top) in enumerate(_each(one, paths, "reading pictures", progress)):
        images[row] = pixels
        grey, highest = grey and own, max(highest, top)
    if 0 <= highest <= SHALLOW:
        raise DataError(
            f"the 16-bit pictures go from 0 to {highest} of 65535, and black is all that 8 bits would keep; "
            f"multiply their values by {65535 // max(highest, 1)}, or save them with 8 bits"
        )
    if grey:
        return np.ascontiguousarray(images[:, 0]).reshape(len(paths), -1), 1
    return images.reshape(len(paths), -1), 3


def _each(work: Callable[[Path], T], paths: Sequence[Path], what: str, progress: Progress) -> Iterator[T]:
    """The results for all paths, in their order; those that fail are told of together at the end.

    Raises
    ------
    UnreadableError : names the first that failed, and says how many others did
    """
    failed: list[tuple[Path, str]] = []

    def safe(path: Path) -> T | None:
        try:
            return work(path)
        except DataError as error:
            failed.append((path, str(error)))
            return None

    with quiet_pillow(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(paths), AHEAD):
            results = pool.map(safe, paths[start : start + AHEAD])
            for done, result in enumerate(results, start=start + 1):
                if result is not None:
                    yield result
                progress(what, done, len(paths))
    if failed:
        others = f", and {len(failed) - 1} others cannot be read either" if len(failed) > 1 else ""
        raise UnreadableError(f"{min(failed)[1]}{others}", [path for path, _ in failed])
