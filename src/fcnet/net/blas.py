"""One matrix product for everything in `net`: C <- alpha op(A) op(B) + beta C, written in place.

BLAS's own alpha and beta make the update of a weight matrix part of the product that computes its
gradient, and an output that exists already costs no allocation. All products of a process use one
library, since the thread pools of two libraries compete for the cores. It is the one that `libraries`
chooses, NumPy's or MKL, called directly. Where it chooses none (NumPy on Apple's Accelerate, or built by a
distribution), it is SciPy's, or `np.matmul` if SciPy is not installed. Only products in bfloat16 go through
oneDNN, see `onednn`.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.net import libraries, onednn

Gemm = Callable[[Array, Array, Array, float, float, bool, bool], None]
"""From A, B, C, alpha, beta and whether op transposes A and B: C <- alpha op(A) op(B) + beta C."""
Axpy = Callable[[Array, Array, float], None]
"""From x, y and alpha: y <- y + alpha x."""


def product(
    A: Array,
    B: Array,
    C: Array,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    transpose_A: bool = False,
    transpose_B: bool = False,
    bfloat16: bool = False,
) -> None:
    """Overwrite C (n, m) with alpha op(A) op(B) + beta C, where op(A) is (n, k) and op(B) is (k, m).

    Parameters
    ----------
    bfloat16 : round A and B, which are float32, to bfloat16 first; see `onednn`

    Raises
    ------
    ValueError : the shapes do not fit or are empty; the three are not C-contiguous and of one
        floating-point type in the machine's byte order; C shares memory with A or B. BLAS gets addresses
        and would write anywhere. Or they are not float32, with bfloat16.
    """
    _prepared(A, B, C, beta, transpose_A, transpose_B, bfloat16)(alpha)


class Product:
    """The same product again and again, as in training: C <- alpha op(A) op(B) + beta C, as `product`.

    The arrays are checked once, and again where one of them is another object. With 8 to 64 units checking
    them and translating the arguments takes longer than the product itself.

    Parameters
    ----------
    beta, transpose_A, transpose_B, bfloat16 : as for `product`
    """

    __slots__ = ("_arrays", "_how", "_run")

    def __init__(
        self,
        *,
        beta: float = 0.0,
        transpose_A: bool = False,
        transpose_B: bool = False,
        bfloat16: bool = False,
    ) -> None:
        self._how = beta, transpose_A, transpose_B, bfloat16
        self._arrays: tuple[Any, Any, Any] = None, None, None

    def __call__(self, A: Array, B: Array, C: Array, alpha: float = 1.0) -> None:
        """Overwrite C.

        Raises
        ------
        ValueError : as `product`
        """
        known = self._arrays
        if A is not known[0] or B is not known[1] or C is not known[2] or not C.flags.writeable:
            self._run = _prepared(A, B, C, *self._how)
            self._arrays = A, B, C
        self._run(alpha)

    def __reduce__(self) -> tuple[Any, ...]:
        names = "beta", "transpose_A", "transpose_B", "bfloat16"
        how: dict[str, Any] = dict(zip(names, self._how, strict=True))
        return partial(Product, **how), ()  # addresses are of no use in a copy


def _prepared(
    A: Array, B: Array, C: Array, beta: float, transpose_A: bool, transpose_B: bool, bfloat16: bool
) -> Callable[[float], None]:
    """A function of alpha that multiplies these arrays; raises the errors of `product`."""
    _check(A, B, C, transpose_A, transpose_B)
    if bfloat16:
        return onednn.prepared_gemm(A, B, C, beta, transpose_A, transpose_B)
    library = libraries.chosen() if C.dtype.char in "fd" else None
    run = library.prepared_gemm(A, B, C, beta, transpose_A, transpose_B) if library else None
    if run is not None:
        return run
    multiply, _, _ = _without_library(C.dtype.char)
    return lambda alpha: multiply(A, B, C, alpha, beta, transpose_A, transpose_B)


def _check(A: Array, B: Array, C: Array, transpose_A: bool, transpose_B: bool) -> None:
    """Raise the error of `product`, if there is one."""
    n, m = C.shape
    k, rows = A.shape if transpose_A else A.shape[::-1]
    if (
        rows != n
        or not (n and m and k)
        or B.shape != ((m, k) if transpose_B else (k, m))
        or not (A.flags.c_contiguous and B.flags.c_contiguous and C.flags.carray)
        or not A.dtype == B.dtype == C.dtype
        or not C.dtype.isnative
        or np.may_share_memory(A, C)
        or np.may_share_memory(B, C)
    ):
        shared = np.may_share_memory(A, C) or np.may_share_memory(B, C)
        where = f"{_described(C)}{', which shares memory with a factor' if shared else ''}"
        raise ValueError(f"no product: {_described(A)} times {_described(B)} into {where}")


def add_scaled(x: Array, y: Array, alpha: float) -> None:
    """Overwrite y with y + alpha x: one pass, no temporary.

    Raises
    ------
    ValueError : the two are not C-contiguous and of one shape and floating-point type in the machine's
        byte order
    """
    _prepared_sum(x, y)(alpha)


class Sum:
    """The same sum again and again: y <- y + alpha x, as `add_scaled`. Checked as a `Product` is."""

    __slots__ = ("_arrays", "_run")

    def __init__(self) -> None:
        self._arrays: tuple[Any, Any] = None, None

    def __call__(self, x: Array, y: Array, alpha: float) -> None:
        """Overwrite y.

        Raises
        ------
        ValueError : as `add_scaled`
        """
        known = self._arrays
        if x is not known[0] or y is not known[1] or not y.flags.writeable:
            self._run = _prepared_sum(x, y)
            self._arrays = x, y
        self._run(alpha)

    def __reduce__(self) -> tuple[Any, ...]:
        return Sum, ()


def _prepared_sum(x: Array, y: Array) -> Callable[[float], None]:
    """A function of alpha that adds these arrays; raises the error of `add_scaled`."""
    _check_sum(x, y)
    library = libraries.chosen() if y.dtype.char in "fd" else None
    run = library.prepared_axpy(x, y) if library else None
    if run is not None:
        return run
    _, add, _ = _without_library(y.dtype.char)
    return lambda alpha: add(x, y, alpha)


def _check_sum(x: Array, y: Array) -> None:
    """Raise the error of `add_scaled`, if there is one."""
    if (
        x.shape != y.shape
        or x.dtype != y.dtype
        or not y.dtype.isnative
        or not (x.flags.c_contiguous and y.flags.carray)
    ):
        raise ValueError(f"no sum: {_described(x)} into {_described(y)}")


def library_used() -> str:
    """Which library multiplies float32 and float64, for people.

    Raises
    ------
    DataError, MissingExtraError : as `libraries.chosen`
    """
    library = libraries.chosen()
    if library is not None and library.functions["sgemm"] is not None:
        return f"{library.name}, called directly"
    return _without_library("f")[2]


@cache
def _without_library(kind: str) -> tuple[Gemm, Axpy, str]:
    """What multiplies and adds arrays of this `dtype.char` where no library is called directly, and its name.

    It is SciPy's BLAS, or NumPy for complex numbers and where SciPy is not installed.
    """
    try:
        letter = {"f": "s", "d": "d"}[kind]
        from scipy.linalg import blas
    except (KeyError, ImportError):
        return _numpys_gemm, _numpys_axpy, "np.matmul, which allocates every product"
    gemm, axpy = getattr(blas, f"{letter}gemm"), getattr(blas, f"{letter}axpy")

    def multiply(
        A: Array, B: Array, C: Array, alpha: float, beta: float, transpose_A: bool, transpose_B: bool
    ) -> None:
        # SciPy counts columns first: C^T = op(B)^T op(A)^T, with no copy of anything
        gemm(alpha, B.T, A.T, beta, C.T, trans_a=transpose_B, trans_b=transpose_A, overwrite_c=True)

    def add(x: Array, y: Array, alpha: float) -> None:
        axpy(x.reshape(-1), y.reshape(-1), a=alpha)

    return multiply, add, "SciPy's BLAS"


def _numpys_gemm(
    A: Array, B: Array, C: Array, alpha: float, beta: float, transpose_A: bool, transpose_B: bool
) -> None:
    """NumPy's own product, which allocates."""
    left, right = A.T if transpose_A else A, B.T if transpose_B else B
    if beta == 0:
        np.matmul(left, right, out=C)
        if alpha != 1:
            C *= alpha
        return
    if beta != 1:
        C *= beta
    added = left @ right
    if alpha != 1:
        added *= alpha
    C += added


def _numpys_axpy(x: Array, y: Array, alpha: float) -> None:
    """The same for a sum."""
    y += alpha * x


def _described(array: Array) -> str:
    layout = "" if array.flags.c_contiguous else ", not C-contiguous"
    order = "" if array.dtype.isnative else ", of foreign byte order"
    return f"{array.shape} of {array.dtype}{layout}{order}"


def buffer(owner: dict[str, Array], name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An uninitialised array of this shape that is reused from step to step.

    The buffer keeps the largest first dimension seen and gives smaller batches its first rows, so that a
    training allocates its large arrays in its first step only.
    """
    first_rows = f"{name}, first rows"
    for kept in (owner.get(name), owner.get(first_rows)):
        if kept is not None and kept.shape == shape and kept.dtype == dtype:
            return kept  # the same object, by which a `Product` knows it
    whole = owner.get(name)
    if whole is None or len(whole) < shape[0] or whole.shape[1:] != shape[1:] or whole.dtype != dtype:
        owner.pop(first_rows, None)  # of the memory that is replaced
        whole = owner[name] = np.empty(shape, dtype)
        return whole
    rows = owner[first_rows] = whole[: shape[0]]
    return rows
