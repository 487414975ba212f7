"""Freed memory stays with the process: seen in the page faults, in its own process."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import resource, sys
import numpy as np
from fcnet.torch_net.memory import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == "keep" else False
for step in range(22):
    if step == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(12_000_000, np.float32)
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> tuple[bool, int]:
    result = subprocess.run([sys.executable, "-c", PROBE, how], capture_output=True, text=True, check=True)
    kept, count = result.stdout.split()
    return kept == "1", int(count)


@pytest.mark.slow
def test_an_array_that_is_freed_in_every_step_is_cleared_by_the_kernel_only_once() -> None:
    kept, with_it = faults("keep")
    if not kept:
        pytest.skip("this C library has no mallopt")
    _, without = faults("as it is")
    assert without > 200  # 20 arrays of 48 MB, in pages of at most 2 MB
    assert with_it < without / 10
