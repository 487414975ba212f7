"""Which library multiplies float32 and float64 in this process: NumPy's, or one that an extra brings.

All products of a process use one library, since the thread pools of two libraries compete for the cores.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    return look_up(LIBRARIES, os.environ.get(VARIABLE) or "numpy", VARIABLE)()


class _Alone:
    """How many blocks of `one_thread` are open, and how many threads the library had before the first."""

    lock = threading.Lock()
    blocks = 0
    before = 0


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the library use one thread inside this block, in the whole process.

    For work whose products are another library's: the threads of both keep running for a while after each
    call, in wait for the next one, and take the cores from each other. A step in bfloat16 with momentum took
    seven times as long, since it alternates between oneDNN's products and sums of the library here.
    """
    library = chosen()
    if library is None or not library.threads():  # what cannot be read could not be given back
        yield
        return
    with _Alone.lock:
        if _Alone.blocks == 0:
            _Alone.before = library.threads()
            library.limit(1)
        _Alone.blocks += 1
    try:
        yield
    finally:
        with _Alone.lock:
            _Alone.blocks -= 1
            if _Alone.blocks == 0:
                library.limit(_Alone.before)
