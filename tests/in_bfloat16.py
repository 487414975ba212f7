"""bfloat16 in NumPy: what a product in it has to be, and what takes oneDNN's place where the CPU lacks it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fcnet.net import onednn

Array = NDArray[Any]

UNIT = 2.0**-8
"""How much a number may change when it is rounded to eight binary digits, as a part of it."""

TWO_FACTORS = 2 * UNIT + UNIT**2
"""The same for the product of two such numbers."""


def rounded(X: Array) -> NDArray[np.float64]:
    """The nearest numbers of bfloat16, the upper halves of float32; ties go to the even one."""
    bits = np.ascontiguousarray(X, np.float32).view(np.uint32).astype(np.uint64)
    upper = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return upper.astype(np.uint32).view(np.float32).astype(np.float64)


def with_numpy(
    A: Array, B: Array, C: Array, beta: float, transpose_A: bool, transpose_B: bool
) -> Callable[[float], None]:
    """In place of `onednn.prepared_gemm`."""

    def run(alpha: float) -> None:
        left, right = (X.T if turned else X for X, turned in ((A, transpose_A), (B, transpose_B)))
        product = alpha * (rounded(left) @ rounded(right))
        C[:] = product + beta * C if beta else product

    return run


def use(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let products in bfloat16 go through oneDNN, if this processor has them, or through NumPy."""
    if library == "NumPy":
        monkeypatch.setattr(onednn, "prepared_gemm", with_numpy)
        monkeypatch.setattr(onednn, "require", lambda: None)
        return
    need_wheel()
    if not onednn.hardware():
        pytest.skip("this processor has no bfloat16")


def need_wheel() -> None:
    """Skip where there is no wheel; where there is one, it has to be installed."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("only Linux has the wheel of oneDNN, on x86-64")
