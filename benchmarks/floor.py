"""The matrix products that a step cannot do without, on arrays that are there already, and nothing else.

L layers have 3 L - 1 of them: one forward and one for the gradient of the weights each, and one to pass the
error back for all but the first. Two layers make five.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from fcnet.net.blas import product
from problem import D, K

SCIPY, NUMPY = "products, SciPy's BLAS", "products, NumPy's BLAS"
"""The two libraries that a NumPy program can choose between; the floor is the faster one."""


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

    def scipys() -> None:
        for layer in range(len(layers)):
            product(A[layer], W[layer], A[layer + 1])
        for layer in reversed(range(len(layers))):
            product(A[layer], deltas[layer], dW[layer], transpose_A=True)
            if layer:
                product(deltas[layer], W[layer], deltas[layer - 1], transpose_B=True)

    def numpys() -> None:
        for layer in range(len(layers)):
            np.matmul(A[layer], W[layer], out=A[layer + 1])
        for layer in reversed(range(len(layers))):
            np.matmul(A[layer].T, deltas[layer], out=dW[layer])
            if layer:
                np.matmul(deltas[layer], W[layer].T, out=deltas[layer - 1])

    return scipys if library == SCIPY else numpys


def forward_products(sizes: tuple[int, ...], images: int, chunk: int, library: str) -> Any:
    """What does the products of evaluating so many images, `chunk` at once, in float32."""
    rng = np.random.default_rng(0)
    A = [rng.standard_normal((chunk, size), dtype=np.float32) for size in sizes]
    W = [
        rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[0]))
        for shape in pairwise(sizes)
    ]

    def timed() -> None:
        for _ in range(0, images, chunk):
            for layer, weights in enumerate(W):
                if library == SCIPY:
                    product(A[layer], weights, A[layer + 1])
                else:
                    np.matmul(A[layer], weights, out=A[layer + 1])

    return timed


def sizes_of(case: Any) -> tuple[int, ...]:
    """Units from the input to the classes of a benchmark's case."""
    hidden = case["hidden"]
    return (D, *(hidden if isinstance(hidden, tuple | list) else (hidden,)), K)
