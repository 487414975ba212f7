"""Intel's MKL, which the extra `mkl` brings.

Its products are the same as OpenBLAS's to rounding. On Intel processors with AVX-512 they take less time, and
most of the difference is in how the work is divided among threads.
"""

import ctypes
import os
import platform
import sys
from functools import cache
from pathlib import Path

from fcnet.errors import DataError, MissingExtraError
from fcnet.extras import library_file, sentence
from fcnet.net.cblas import Cblas

EXTRA, WHEEL = "mkl", "mkl"
"""The extra, and its package."""

SETTINGS = {
    # its threads spin while they wait for the next product, 200 ms by default: longer than a step, so they
    # would hold all cores during a whole training, whatever else runs there
    "KMP_BLOCKTIME": "1",
    # equal bits in each run of the same work with as many threads, which resuming a training needs; without
    # it MKL does not promise them
    "MKL_CBWR": "AUTO",
}
"""Environment variables that MKL and its threads read when they start; those of the user come first."""

_CPUINFO = Path("/proc/cpuinfo")

_FIRST_PROCESSOR = 1 << 13
"""Characters of that file that are more than it says of one processor, and soon read."""

_VERSION_SIZE = 200
"""Bytes that the text of the version fits into."""


class Mkl(Cblas):
    """MKL with its 64-bit integers, which lie beside the 32-bit ones in the same file."""

    name = "Intel's MKL"
    symbol = "cblas_{}_64"
    variable = "MKL_NUM_THREADS"

    def build(self) -> str:
        text = ctypes.create_string_buffer(_VERSION_SIZE)
        self.loaded.MKL_Get_Version_String(text, _VERSION_SIZE)
        return " ".join(text.value.decode(errors="replace").split())

    def threads(self) -> int:
        return int(self.loaded.MKL_Get_Max_Threads())

    def limit(self, threads: int) -> None:
        self.loaded.MKL_Set_Num_Threads(threads)


def faster_here() -> bool:
    """Whether the processor is of the kind on which MKL was measured to be faster: Intel's, with AVX-512."""
    try:
        with _CPUINFO.open() as file:
            words = set(file.read(_FIRST_PROCESSOR).split())
    except OSError:
        return False
    return {"GenuineIntel", "avx512f"} <= words


def file() -> Path | None:
    """The library's file; None where the wheel is not installed."""
    return library_file(WHEEL, r"libmkl_rt\.so\.\d+")


@cache
def library() -> Mkl:
    """The library.

    Raises
    ------
    MissingExtraError : `FCNET_BLAS=mkl needs MKL, which is not installed: pip install 'fcnet[mkl]'`
    DataError : it cannot be loaded, is too old, or there is no wheel for this system
    """
    path = file()
    if path is None:
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise DataError("FCNET_BLAS is 'mkl', which fcnet uses on Linux on x86-64 alone: unset it")
        raise MissingExtraError(sentence("MKL", EXTRA))
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise DataError(
            f"MKL cannot be loaded, {error}: install it again (pip install --force-reinstall mkl), or set "
            "FCNET_BLAS=numpy"
        ) from None
    found = Mkl(loaded)
    if found.functions["sgemm"] is None:
        raise DataError("this MKL has no 64-bit integers: pip install 'fcnet[mkl]', or set FCNET_BLAS=numpy")
    # a fork multiplies in one thread: the others do not survive it, and a product could wait for them
    os.register_at_fork(after_in_child=lambda: loaded.MKL_Set_Num_Threads(1))
    return found
