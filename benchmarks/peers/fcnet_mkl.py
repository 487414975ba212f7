"""Our NumPy network with its products in MKL, which the extra `mkl` brings."""

from __future__ import annotations

import os

from peers.fcnet import Engined
from peers.fcnet import setup as setup_numpy
from problem import Problem

NAME, NEEDS, PRECISION = "fcnet, MKL", (), "float32"


def lacks() -> str:
    from fcnet.net import mkl

    return "" if mkl.file() else "needs mkl"


def setup(problem: Problem) -> Engined:
    from fcnet.net import libraries, mkl

    os.environ[libraries.VARIABLE] = "mkl"  # of this process, which has multiplied nothing yet
    if not isinstance(libraries.chosen(), mkl.Mkl):
        raise RuntimeError("another library was chosen before")
    return setup_numpy(problem)
