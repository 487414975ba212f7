"""A library with the CBLAS interface, called directly: its products and its sums, in place.

NumPy's OpenBLAS and Intel's MKL both have this interface with 64-bit integers. They differ in their files and
in the form of their symbols, see `openblas` and `mkl`; `libraries` chooses between them.
"""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from numpy.typing import NDArray

Array = NDArray[Any]
Gemm = Callable[[Array, Array, Array, float, float, bool, bool], None]
"""From A, B, C, alpha, beta and whether op transposes A and B: C <- alpha op(A) op(B) + beta C."""
Axpy = Callable[[Array, Array, float], None]
"""From x, y and alpha: y <- y + alpha x."""

_LETTERS = {"f": "s", "d": "d"}
_NUMBERS = {"f": ctypes.c_float, "d": ctypes.c_double}
_FLAG, _SIZE, _ADDRESS = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
_AT: Callable[[Any], ctypes.c_char] = ctypes.c_char.from_buffer
_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112
"""Constants of the CBLAS interface."""


class Cblas(ABC):
    """A library that is loaded.

    Parameters
    ----------
    loaded : the library, as `ctypes.CDLL` has it
    """

    name: ClassVar[str]
    """What people call it."""

    symbol: ClassVar[str]
    """The form of its functions with 64-bit integers, such as "cblas_{}_64" for "cblas_sgemm_64"."""

    variable: ClassVar[str]
    """The environment variable that limits its threads, and those of no other library."""

    def __init__(self, loaded: Any) -> None:
        self.loaded = loaded

    @abstractmethod
    def build(self) -> str | None:
        """What the library says of itself, its version among it; None where it says nothing."""

    @abstractmethod
    def threads(self) -> int:
        """How many threads the library uses at most; 0 where it does not say."""

    @abstractmethod
    def limit(self, threads: int) -> None:
        """Let the library use at most this many threads, in the whole process."""

    def gemm(self, kind: str) -> Gemm | None:
        """The product of arrays of `dtype.char` f or d, or None without its symbol.

        It takes addresses: the caller makes sure that the arrays are C-contiguous, of this type, and fit.
        """
        number = _NUMBERS[kind]
        function = self._function(f"{_LETTERS[kind]}gemm")
        if function is None:
            return None
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
        self, A: Array, B: Array, C: Array, beta: float, transpose_A: bool, transpose_B: bool
    ) -> Callable[[float], None] | None:
        """The product of these arrays as a function of alpha, its other arguments translated once.

        None without its symbol. It takes addresses, as `gemm`: the arrays must live on.
        """
        kind = C.dtype.char
        function = self._function(f"{_LETTERS[kind]}gemm")
        if function is None:
            return None
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

    def axpy(self, kind: str) -> Axpy | None:
        """The scaled sum of arrays of `dtype.char` f or d, or None without its symbol.

        It does not check its arguments either.
        """
        function = self._function(f"{_LETTERS[kind]}axpy")
        if function is None:
            return None
        function.argtypes = (_SIZE, _NUMBERS[kind], _ADDRESS, _SIZE, _ADDRESS, _SIZE)

        def call(x: Array, y: Array, alpha: float) -> None:
            function(y.size, alpha, address(x), 1, address(y), 1)

        return call

    def prepared_axpy(self, x: Array, y: Array) -> Callable[[float], None] | None:
        """The scaled sum of these arrays as a function of alpha, as `prepared_gemm`."""
        kind = y.dtype.char
        function = self._function(f"{_LETTERS[kind]}axpy")
        if function is None:
            return None
        changing, one = _NUMBERS[kind](), _SIZE(1)
        arguments = _SIZE(y.size), changing, _ADDRESS(address(x)), one, _ADDRESS(address(y)), one

        def run(alpha: float) -> None:
            changing.value = alpha
            function(*arguments)

        return run

    def _function(self, name: str) -> Any:
        """A function of the library, an object of its own in each call; None if the library lacks it."""
        symbol = self.symbol.format(name)
        if not hasattr(self.loaded, symbol):
            return None
        function = self.loaded[symbol]  # unlike the attribute, which all callers share with its argtypes
        function.restype = None
        return function


def address(array: Array) -> int:
    """The address of the entries of an array."""
    try:  # saves 0.7 of 1.0 us against the attribute below; a step asks 25 times
        return ctypes.addressof(_AT(array))
    except TypeError:  # for arrays that may only be read
        return array.ctypes.data
