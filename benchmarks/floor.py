"""The matrix products that a step cannot do without, on arrays that are there already, and nothing else.

L layers have 3 L - 1 of them: one forward and one for the gradient of the weights each, and one to pass the
error back for all but the first. Two layers make five.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libraries import PRODUCTS
from problem import D, K

Array = NDArray[Any]


def flops(sizes: tuple[int, ...], batch: int) -> int:
    """Additions and multiplications of the products of a step."""
    layers = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    return 2 * batch * (3 * sum(layers) - layers[0])


def training_products(sizes: tuple[int, ...], batch: int, library: str) -> Any:
    """What does the products of one step, in float32."""
    rng = np.random.default_rng(0)

    def array(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32)

    layers = list(pairwise(sizes))
    A = [array(batch, size) for size in sizes]
    deltas = [array(batch, n_out) for _, n_out in layers]
    W = [array(*shape) / np.float32(np.sqrt(shape[0])) for shape in layers]
    dW = [array(*shape) for shape in layers]

    product = PRODUCTS[library]

    def timed() -> None:
        for layer in range(len(layers)):
            product(A[layer], W[layer], A[layer + 1])
        for layer in reversed(range(len(layers))):
            product(A[layer].T, deltas[layer], dW[layer])
            if layer:
                product(deltas[layer], W[layer].T, deltas[layer - 1])

    return timed


def forward_products(sizes: tuple[int, ...], images: int, chunk: int, library: str) -> Any:
    """A function for the products of evaluating this number of images, `chunk` at once, in float32."""
    rng = np.random.default_rng(0)
    A = [rng.standard_normal((chunk, size), dtype=np.float32) for size in sizes]
    W = [
        rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[0]))
        for shape in pairwise(sizes)
    ]
    product = PRODUCTS[library]

    def timed() -> None:
        for _ in range(0, images, chunk):
            for layer, weights in enumerate(W):
                product(A[layer], weights, A[layer + 1])

    return timed


def sizes_of(case: Any) -> tuple[int, ...]:
    """Units from the input to the classes of a benchmark's case."""
    hidden = case["hidden"]
    units = hidden if isinstance(hidden, tuple | list) else (hidden,)
    return (case.get("inputs", D), *units, case.get("classes", K))
