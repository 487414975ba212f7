"""NumPy's own OpenBLAS.

`np.matmul` has neither BLAS's alpha nor its beta. SciPy's interface has both, but it brings a second, older
OpenBLAS with its own threads: up to 1,024 units a step's products take 6 to 13 % longer in it, and its import
takes 0.1 s. The wheels of NumPy hold their library in a folder next to the package, and the process has
loaded it already.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np

from fcnet.net.cblas import Cblas


class OpenBlas(Cblas):
    """The OpenBLAS with 64-bit integers in NumPy's wheel."""

    name = "NumPy's OpenBLAS"
    symbol = "scipy_cblas_{}64_"
    variable = "OPENBLAS_NUM_THREADS"

    def build(self) -> str | None:
        function = getattr(self.loaded, "scipy_openblas_get_config64_", None)
        if function is None:
            return None
        function.restype = ctypes.c_char_p
        return str(function().decode(errors="replace"))

    def threads(self) -> int:
        function = getattr(self.loaded, "scipy_openblas_get_num_threads64_", None)
        return int(function()) if function is not None else 0

    def limit(self, threads: int) -> None:
        function = getattr(self.loaded, "scipy_openblas_set_num_threads64_", None)
        if function is not None:
            function(ctypes.c_int(threads))


@cache
def library() -> OpenBlas | None:
    """The library; None if NumPy has another BLAS."""
    package = Path(np.__file__).parent
    for folder in (package.with_name("numpy.libs"), package / ".dylibs"):
        for path in folder.glob("*scipy_openblas64_*"):
            return OpenBlas(ctypes.CDLL(str(path)))
    return None
