"""The matrix product of each BLAS that installs as a wheel: C <- A B in float32, on arrays that are there.

A and B lie row by row or, as transposed views, column by column; C lies row by row.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcnet.net import mkl
from fcnet.net.onednn import file_of

Array = NDArray[Any]

Multiply = Callable[[Array, Array, Array], object]

SCIPY, NUMPY = "products, SciPy's BLAS", "products, NumPy's BLAS"
"""The libraries that a NumPy program can choose between; the floor is NumPy's, the faster one in a step."""

MKL, ONEDNN, BLIS = "products, MKL", "products, oneDNN", "products, BLIS"
"""Those of the wheels `mkl`, `onednn` and `blis`."""


def numpys(A: Array, B: Array, C: Array) -> None:
    """In the library that NumPy brings, which is fcnet's too where its wheel has it."""
    np.matmul(A, B, out=C)


def scipys(A: Array, B: Array, C: Array) -> None:
    """In the library that SciPy brings, which counts columns first: C^T = B^T A^T, no copies."""
    from scipy.linalg.blas import sgemm

    (first, first_turned), (second, second_turned) = stored(B), stored(A)
    sgemm(1.0, first.T, second.T, 0.0, C.T, trans_a=first_turned, trans_b=second_turned, overwrite_c=True)


def stored(A: Array) -> tuple[Array, bool]:
    """The array that lies in memory row by row, and whether A is its transpose."""
    return (A, False) if A.flags.c_contiguous else (A.T, True)


def mkls(A: Array, B: Array, C: Array) -> None:
    """As fcnet calls it, with the settings of its threads."""
    (first, first_turned), (second, second_turned) = stored(A), stored(B)
    multiply = mkl.library().prepared_gemm(first, second, C, 0.0, first_turned, second_turned)
    assert multiply is not None
    multiply(1.0)


def onednns(A: Array, B: Array, C: Array) -> None:
    """Through oneDNN's own BLAS interface, which counts rows first."""
    (first, first_turned), (second, second_turned) = stored(A), stored(B)
    (n, m), k = C.shape, A.shape[1]
    status = _onednn()(
        b"T" if first_turned else b"N", b"T" if second_turned else b"N", n, m, k,
        1.0, first.ctypes.data, first.shape[1], second.ctypes.data, second.shape[1],
        0.0, C.ctypes.data, m,
    )  # fmt: skip
    if status:
        raise RuntimeError(f"dnnl_sgemm returned {status}")


def blises(A: Array, B: Array, C: Array) -> None:
    """Through the wheel's own module."""
    from blis.py import gemm

    (first, first_turned), (second, second_turned) = stored(A), stored(B)
    gemm(first, second, out=C, trans1=first_turned, trans2=second_turned, beta=0.0)


PRODUCTS: dict[str, Multiply] = {
    NUMPY: numpys, SCIPY: scipys, MKL: mkls, ONEDNN: onednns, BLIS: blises
}  # fmt: skip
"""The products by the names that the tables show."""


def lacking(name: str) -> str:
    """Why a library is left out; empty if it is not."""
    if name == MKL:
        return "" if mkl.file() else "needs mkl"
    if name == ONEDNN:
        return "" if file_of("onednn") else "needs onednn"
    return "" if name != BLIS or find_spec("blis") else "needs blis"


def _file(name: str) -> Path | None:
    """A library that a wheel has put into the environment's lib folder."""
    return next(iter(sorted((Path(sys.prefix) / "lib").glob(f"lib{name}.so.*"))), None)


@cache
def _onednn() -> Any:
    for needed in (
        "tbb",
        "imf",
        "svml",
        "intlc",
        "ur_loader",
        "sycl",
    ):  # the wheel does not say where they are
        found = _file(needed)
        if found is not None:
            ctypes.CDLL(str(found), ctypes.RTLD_GLOBAL)
    function = ctypes.CDLL(str(file_of("onednn"))).dnnl_sgemm
    letter, size, number, address = ctypes.c_char, ctypes.c_int64, ctypes.c_float, ctypes.c_void_p
    function.restype = ctypes.c_int
    function.argtypes = (
        letter, letter, size, size, size, number, address, size, address, size, number, address, size
    )  # fmt: skip
    return function
