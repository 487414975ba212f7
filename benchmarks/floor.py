"""The matrix products that a step cannot do without, on arrays that are there already, and nothing else.

L layers have 3 L - 1 of them: one forward and one for the gradient of the weights each, and one to pass the
error back for all but the first. Two layers make five.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from problem import D, K

Array = NDArray[Any]

SCIPY, NUMPY = "products, SciPy's BLAS", "products, NumPy's BLAS"
"""The libraries that a NumPy program can choose between; the floor is NumPy's, the faster one in a step."""


def numpys(A: Array, B: Array, C: Array) -> None:
    """C <- A B in the library that NumPy brings, which is fcnet's too where its wheel has it."""
    np.matmul(A, B, out=C)


def scipys(A: Array, B: Array, C: Array) -> None:
    """C <- A B in the library that SciPy brings, which counts columns first: C^T = B^T A^T, no copies."""
    from scipy.linalg.blas import sgemm

    first, turned_first = stored(B)
    second, turned_second = stored(A)
    sgemm(1.0, first, second, 0.0, C.T, trans_a=turned_first, trans_b=turned_second, overwrite_c=True)


def stored(A: Array) -> tuple[Array, bool]:
    """For A^T, an array that lies column by column in memory, and whether that is to be transposed."""
    return (A, True) if A.flags.f_contiguous else (A.T, False)


PRODUCTS = {SCIPY: scipys, NUMPY: numpys}


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
    return (D, *(hidden if isinstance(hidden, tuple | list) else (hidden,)), K)
