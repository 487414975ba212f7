"""NumPy's own OpenBLAS, called directly.

`np.matmul` has neither BLAS's alpha nor its beta. SciPy's interface has both, but it brings a second, older
OpenBLAS with its own threads: up to 1,024 units a step's products take 6 to 13 % longer in it, and its import
takes 0.1 s. The wheels of NumPy hold their library in a folder next to the package; this module calls that
file, which the process has loaded already.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Gemm = Callable[[Array, Array, Array, float, float, bool, bool], None]
"""From A, B, C, alpha, beta and whether op transposes A and B: C <- alpha op(A) op(B) + beta C."""
Axpy = Callable[[Array, Array, float], None]
"""From x, y and alpha: y <- y + alpha x."""

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that the matrix libraries, PyTorch's among them, read when they load."""

_LETTERS = {"f": "s", "d": "d"}
_NUMBERS = {"f": ctypes.c_float, "d": ctypes.c_double}
_FLAG, _SIZE, _ADDRESS = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
_AT: Callable[[Any], ctypes.c_char] = ctypes.c_char.from_buffer
_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112
"""Constants of the CBLAS interface."""


@cache
def library() -> ctypes.CDLL | None:
    """The OpenBLAS with 64-bit integers in NumPy's wheel; None if NumPy has another BLAS."""
    package = Path(np.__file__).parent
    for folder in (package.with_name("numpy.libs"), package / ".dylibs"):
        for path in folder.glob("*scipy_openblas64_*"):
            return ctypes.CDLL(str(path))
    return None


def build() -> str | None:
    """What the library says of itself, its version and its processor among it; None without it."""
    function = getattr(library(), "scipy_openblas_get_config64_", None)
    if function is None:
        return None
    function.restype = ctypes.c_char_p
    return str(function().decode(errors="replace"))


def threads() -> int:
    """How many threads the library uses; 0 without it."""
    function = getattr(library(), "scipy_openblas_get_num_threads64_", None)
    return int(function()) if function is not None else 0


def gemm(kind: str) -> Gemm | None:
    """The product of arrays of `dtype.char` f or d, or None without the library or its symbol.

    It takes addresses: the caller makes sure that the arrays are C-contiguous, of this type, and fit.
    """
    number = _NUMBERS[kind]
    function = getattr(library(), f"scipy_cblas_{_LETTERS[kind]}gemm64_", None)
    if function is None:
        return None
    function.restype = None
    function.argtypes = (
        *(_FLAG, _FLAG, _FLAG), *(_SIZE, _SIZE, _SIZE),
        *(number, _ADDRESS, _SIZE, _ADDRESS, _SIZE), *(number, _ADDRESS, _SIZE),
    )  # fmt: skip

    def call(
        A: Array, B: Array, C: Array, alpha: float, beta: float, transpose_A: bool, transpose_B: bool
    ) -> None:
        n, m = C.shape
        k = A.shape[0] if transpose_A else A.shape[1]
        function(
            _ROW_MAJOR, _TRANSPOSED if transpose_A else _PLAIN, _TRANSPOSED if transpose_B else _PLAIN,
            n, m, k,
            alpha, address(A), A.shape[1], address(B), B.shape[1],
            beta, address(C), m,
        )  # fmt: skip

    return call


def prepared_gemm(
    A: Array, B: Array, C: Array, beta: float, transpose_A: bool, transpose_B: bool
) -> Callable[[float], None] | None:
    """The product of these arrays as a function of alpha, its other arguments translated once.

    None without the library or its symbol. It takes addresses, as `gemm`: the arrays must live on.
    """
    kind = C.dtype.char
    symbol = f"scipy_cblas_{_LETTERS[kind]}gemm64_"
    loaded = library()
    if loaded is None or not hasattr(loaded, symbol):
        return None
    function = loaded[symbol]  # another object than the attribute, which converts its arguments
    function.restype = None
    (n, m), k = C.shape, A.shape[0] if transpose_A else A.shape[1]
    changing = _NUMBERS[kind]()
    arguments = (
        *(_FLAG(_ROW_MAJOR), _FLAG(_TRANSPOSED if transpose_A else _PLAIN)),
        *(_FLAG(_TRANSPOSED if transpose_B else _PLAIN), _SIZE(n), _SIZE(m), _SIZE(k), changing),
        *(_ADDRESS(address(A)), _SIZE(A.shape[1]), _ADDRESS(address(B)), _SIZE(B.shape[1])),
        *(_NUMBERS[kind](beta), _ADDRESS(address(C)), _SIZE(m)),
    )

    def run(alpha: float) -> None:
        changing.value = alpha
        function(*arguments)

    return run


def axpy(kind: str) -> Axpy | None:
    """The scaled sum of arrays of `dtype.char` f or d, or None without the library or its symbol.

    It does not check its arguments either.
    """
    number = _NUMBERS[kind]
    function = getattr(library(), f"scipy_cblas_{_LETTERS[kind]}axpy64_", None)
    if function is None:
        return None
    function.restype = None
    function.argtypes = (_SIZE, number, _ADDRESS, _SIZE, _ADDRESS, _SIZE)

    def call(x: Array, y: Array, alpha: float) -> None:
        function(y.size, alpha, address(x), 1, address(y), 1)

    return call


def prepared_axpy(x: Array, y: Array) -> Callable[[float], None] | None:
    """The scaled sum of these arrays as a function of alpha, as `prepared_gemm`."""
    kind = y.dtype.char
    symbol = f"scipy_cblas_{_LETTERS[kind]}axpy64_"
    loaded = library()
    if loaded is None or not hasattr(loaded, symbol):
        return None
    function = loaded[symbol]
    function.restype = None
    changing, one = _NUMBERS[kind](), _SIZE(1)
    arguments = _SIZE(y.size), changing, _ADDRESS(address(x)), one, _ADDRESS(address(y)), one

    def run(alpha: float) -> None:
        changing.value = alpha
        function(*arguments)

    return run


def address(array: Array) -> int:
    """The address of the entries of an array."""
    try:  # saves 0.7 of 1.0 us against the attribute below; a step asks 25 times
        return ctypes.addressof(_AT(array))
    except TypeError:  # for arrays that may only be read
        return array.ctypes.data
