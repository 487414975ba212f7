"""One matrix product for everything in `net`: C <- alpha op(A) op(B) + beta C, written in place.

BLAS's own alpha and beta make the update of a weight matrix part of the product that computes its
gradient, and an output that exists already costs no allocation. All products go through SciPy's BLAS:
NumPy brings a second thread pool, and two pools in one step fight for the cores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import caxpy, cgemm, daxpy, dgemm, saxpy, sgemm, zaxpy, zgemm

Array = NDArray[Any]

_GEMM = {"f": sgemm, "d": dgemm, "F": cgemm, "D": zgemm}
_AXPY = {"f": saxpy, "d": daxpy, "F": caxpy, "D": zaxpy}


def product(
    A: Array,
    B: Array,
    C: Array,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    transpose_A: bool = False,
    transpose_B: bool = False,
) -> None:
    """Overwrite C (n, m) with alpha op(A) op(B) + beta C, where op(A) is (n, k) and op(B) is (k, m).

    All three are C-contiguous and of one floating-point type. BLAS counts columns first, so the product is
    handed over transposed: C^T = op(B)^T op(A)^T, with no copy of anything.
    """
    _GEMM[C.dtype.char](
        alpha, B.T, A.T, beta, C.T, trans_a=transpose_B, trans_b=transpose_A, overwrite_c=True
    )


def add_scaled(x: Array, y: Array, alpha: float) -> None:
    """Overwrite y with y + alpha x: one pass, no temporary. Both C-contiguous, of one shape and type."""
    _AXPY[y.dtype.char](x.reshape(-1), y.reshape(-1), a=alpha)


def buffer(owner: dict[str, Array], name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An uninitialised array of this shape that is reused from step to step.

    The largest first dimension seen is kept and smaller batches get its first rows, so that a training
    allocates its large arrays in its first step only.
    """
    kept = owner.get(name)
    if kept is None or len(kept) < shape[0] or kept.shape[1:] != shape[1:] or kept.dtype != dtype:
        kept = owner[name] = np.empty(shape, dtype)
    return kept[: shape[0]]
