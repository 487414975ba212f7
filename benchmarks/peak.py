"""The most float32 operations a second of this machine: multiplications and additions in registers alone.

Twelve independent chains keep both units of a core busy while a result takes four cycles. It takes a C
compiler; without one the peak is unknown.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from machine import cores

SOURCE = """
#if defined(__AVX512F__)
enum { BYTES = 64 };
#elif defined(__AVX__)
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif
enum { CHAINS = 12 };
typedef float vector __attribute__((vector_size(BYTES)));

long operations(long rounds) { return rounds * CHAINS * 2 * (BYTES / sizeof(float)); }

float loop(long rounds, float factor, float term) {
    vector a[CHAINS], x = factor - (vector){}, y = term - (vector){};
    for (int i = 0; i < CHAINS; i++) a[i] = x + (float)i;
    for (long n = 0; n < rounds; n++)
        for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + y;
    vector sum = a[0];
    for (int i = 1; i < CHAINS; i++) sum += a[i];
    return sum[0];
}
"""

ROUNDS = 20_000_000
"""Of the loop: about a tenth of a second."""

REPEATS = 7


def peak(avx512: bool = True) -> float | None:
    """Operations a second on all cores together, the best of several; None without a compiler.

    avx512 : whether vectors of 512 bits may be used where the processor has them
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "peak.c", Path(folder) / "peak.so"
        source.write_text(SOURCE)
        options = ["-O3", "-march=native", "-ffp-contract=fast", "-funroll-loops", "-shared", "-fPIC"]
        options += [] if avx512 else ["-mno-avx512f"]
        done = subprocess.run([compiler, *options, "-o", library, source], capture_output=True, check=False)
        if done.returncode:
            return None
        loaded = ctypes.CDLL(str(library))
    loaded.operations.restype = ctypes.c_long
    loaded.operations.argtypes = (ctypes.c_long,)
    loaded.loop.restype = ctypes.c_float
    loaded.loop.argtypes = (ctypes.c_long, ctypes.c_float, ctypes.c_float)
    return max(cores() * loaded.operations(ROUNDS) / seconds(loaded) for _ in range(REPEATS))


def seconds(loaded: ctypes.CDLL) -> float:
    """Wall clock of the loop on every core at once; ctypes lets go of the interpreter's lock."""

    def run(core: int) -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {core})  # of this thread alone
        loaded.loop(ROUNDS, 0.5, 1.0)

    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(cores())
    threads = [threading.Thread(target=run, args=(core,)) for core in allowed]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start
