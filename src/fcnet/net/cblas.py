"""A library with the CBLAS interface, called directly: its products and its sums, in place.

NumPy's OpenBLAS and Intel's MKL both have this interface with 64-bit integers. They differ in their files and
in the form of their symbols, see `openblas` and `mkl`; `libraries` chooses between them.
"""

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from fcnet.arrays import Array

_LETTERS = {"f": "s", "d": "d"}
_NAMES = "sgemm", "dgemm", "saxpy", "daxpy"
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
        self.functions = {name: getattr(loaded, self.symbol.format(name), None) for name in _NAMES}
        """Those used here by name, such as "sgemm"; None where the library lacks it."""
        for function in self.functions.values():
            if function is not None:
                function.restype = None

    @abstractmethod
    def build(self) -> str | None:
        """What the library says of itself, its version among it; None where it says nothing."""

    @abstractmethod
    def threads(self) -> int:
        """How many threads the library uses at most; 0 where it does not say."""

    @abstractmethod
    def limit(self, threads: int) -> None:
        """Let the library use at most this many threads, in the whole process."""

    def prepared_gemm(
        self, A: Array, B: Array, C: Array, beta: float, transpose_A: bool, transpose_B: bool
    ) -> Callable[[float], None] | None:
        """The product of these arrays as a function of alpha, its other arguments translated once.

        None without its symbol. It takes addresses: the caller makes sure that the arrays are C-contiguous,
        all float32 or all float64, fit and live on.
        """
        kind = C.dtype.char
        function = self.functions[_LETTERS[kind] + "gemm"]
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

    def prepared_axpy(self, x: Array, y: Array) -> Callable[[float], None] | None:
        """The scaled sum of these arrays as a function of alpha, as `prepared_gemm`."""
        kind = y.dtype.char
        function = self.functions[_LETTERS[kind] + "axpy"]
        if function is None:
            return None
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
