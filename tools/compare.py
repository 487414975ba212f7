"""Whether a generated document is up to date, figures included, also on a machine that rounds differently."""

from __future__ import annotations

import base64
import hashlib
import io
import re

import numpy as np


def same(old: str, new: str) -> bool:
    """Whether two documents say the same.

    Figures may differ in how another machine rounds and compresses, so their numbers are compared to a
    hundredth of a point and their pictures pixel by pixel; one drawn by another Matplotlib is not compared.
    """
    if old == new or "<svg" not in new:
        return old == new
    if _creator(old) != _creator(new):
        return True
    (old_text, old_numbers), (new_text, new_numbers) = _skeleton(old), _skeleton(new)
    return old_text == new_text and np.allclose(old_numbers, new_numbers, rtol=0, atol=0.01)


def _creator(figure: str) -> str:
    found = re.search(r"Matplotlib [\w.]+", figure)
    return found[0] if found else ""


def _skeleton(figure: str) -> tuple[str, list[float]]:
    """A figure without its numbers, and these; identifiers, which are hashes of content, are left out."""
    number = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
    figure = re.sub(r"data:image/png;base64,\s*([\w+/=\s]+)", lambda match: _pixels(match[1]), figure)
    figure = re.sub(r'((?:id="|href="#|url\(#)\w*?)[0-9a-f]{10}(?=["\)])', r"\1", figure)
    return re.sub(number, "#", figure), [float(value) for value in re.findall(number, figure)]


def _pixels(encoded: str) -> str:
    """A name for a PNG's pixels, without digits."""
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(base64.b64decode(encoded)), format="png")
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes() + repr(pixels.shape).encode()).hexdigest()
    return digest.translate(str.maketrans("0123456789", "ghijklmnop"))
