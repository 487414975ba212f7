"""Which library multiplies float32 and float64 in this process: NumPy's, or one that an extra brings.

All products of a process use one library, since the thread pools of two libraries compete for the cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from fcnet.net import mkl, openblas
from fcnet.net.cblas import Cblas
from fcnet.registry import look_up

VARIABLE = "FCNET_BLAS"
"""The environment variable that names one of `LIBRARIES`."""

LIBRARIES: dict[str, Callable[[], Cblas | None]] = {
    "numpy": lambda: openblas.library(),
    "mkl": lambda: mkl.library(),
}
"""The libraries by name: each is loaded, or None where NumPy has another BLAS."""

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that the matrix libraries, PyTorch's among them, read when they load."""


@cache
def chosen() -> Cblas | None:
    """The library that `FCNET_BLAS` names, or else NumPy's: another one multiplies where it is asked for.

    The first call decides for the whole process.

    Returns
    -------
    Cblas : the library; None where NumPy has another BLAS, which cannot be called directly

    Raises
    ------
    DataError : `FCNET_BLAS is NAME, choose from ...`, or the library that it names cannot be loaded
    MissingExtraError : the library that it names is not installed
    """
    if asked := os.environ.get(VARIABLE):
        return look_up(LIBRARIES, asked, VARIABLE)()
    return openblas.library()
