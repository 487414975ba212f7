"""The libraries that products may go through: one chosen for a test, as if those before it were not there."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fcnet.net import blas, libraries, mkl, openblas

LIBRARIES = ("NumPy's", "MKL", "SciPy's", "no")


@contextmanager
def using(library: str) -> Iterator[None]:
    """Let all products go through one of `LIBRARIES`, and choose anew afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(libraries.VARIABLE, "mkl" if library == "MKL" else "numpy")
        if library == "MKL":
            need_mkl()
        elif library != "NumPy's":
            patch.setattr(openblas, "library", lambda: None)
        elif openblas.library() is None:
            pytest.skip("this NumPy has another BLAS")
        if library == "no":
            patch.setitem(sys.modules, "scipy.linalg", None)
        choose_anew()
        yield
    choose_anew()


def choose_anew() -> None:
    """Forget which library was chosen."""
    for cached in (libraries.chosen, blas._without_library):
        cached.cache_clear()


def need_mkl() -> None:
    """Skip where MKL is not installed: an extra of 1 GB, which continuous integration leaves out too."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("only Linux has a wheel of MKL that fcnet uses, on x86-64")
    if mkl.file() is None:
        pytest.skip("MKL is not installed: pip install 'fcnet[mkl]'")
