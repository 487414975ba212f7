"""PyTorch with torch.compile, which writes C++ and needs a compiler for it."""

from __future__ import annotations

import shutil
from typing import Any

from problem import Problem

NAME, NEEDS, PRECISION = "PyTorch compiled", ("torch",), "float32"


def lacks() -> str:
    found = any(shutil.which(compiler) for compiler in ("g++", "c++", "clang++"))
    return "" if found else "needs a C++ compiler"


def setup(problem: Problem) -> Any:
    from peers._torch import Loop

    return Loop(problem, compiled=True)
