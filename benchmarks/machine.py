"""What a time depends on besides the program: the machine, the versions, and who else was using it."""

from __future__ import annotations

import os
import platform
import resource
import threading
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from fcnet.records import environment

SHARED = 0.2
"""Cores in use by others from which on a machine counts as shared."""

PEERS = ("jax", "jaxlib", "keras", "mlx", "tinygrad", "pillow")
"""Packages whose versions are stated besides those of every record."""

SIMD = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve")
"""Names of instruction sets in /proc/cpuinfo."""

KINDS = {
    "amx_bf16": "avx512-amx", "avx512_bf16": "avx512-bf16", "avx512f": "avx512", "avx2": "avx2", "avx": "avx",
    "sve": "sve", "asimd": "neon",
}  # fmt: skip
"""What a machine is called after the first of these instruction sets that it has."""

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Watch:
    """The processor's time so far, everybody's and ours, in seconds; and what `handover` says."""

    wall: float
    busy: float
    ours: float
    load: tuple[float, float, float]
    handover: float | None

    @classmethod
    def now(cls) -> Watch:
        """Read the clocks. Children count once they have ended and been waited for."""
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        ours = sum(usage.ru_utime + usage.ru_stime for usage in own)
        return cls(time.monotonic(), sum(times[:8]) - idle, ours, os.getloadavg(), handover())


def describe(start: Watch, end: Watch) -> dict[str, Any]:
    """The machine, and how busy others kept it between the two readings."""
    others = ((end.busy - start.busy) - (end.ours - start.ours)) / max(end.wall - start.wall, 1e-9)
    found = environment()
    kept = {key: found[key] for key in ("python", "versions", "system", "processor", "cores", "commit")}
    kept["versions"] |= {name: installed(name) for name in PEERS}
    return kept | {
        "physical_cores": psutil.cpu_count(logical=False),
        "kind": kind(),
        "simd": simd(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "thread_variables": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "handover": [start.handover, end.handover],
        "load_average_before": [round(load, 2) for load in start.load],
        "cores_used_by_others": round(max(others, 0.0), 2),
        "shared": others > SHARED,
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def handover() -> float | None:
    """Seconds in which a core overwrites the 2.4 MB of a minibatch that another core has read.

    0.1 ms where the two share a cache and 1 ms where they do not: a virtual machine can change from one to
    the other within minutes, and a step of 50 units then takes twice the time. None with one core, or where
    a thread cannot be bound to a core.
    """
    if cores() < 2 or not hasattr(os, "sched_setaffinity"):
        return None
    X = np.ones((200, 3072), np.float32)
    mine, other, *_ = sorted(allowed := os.sched_getaffinity(0))

    def read() -> None:
        os.sched_setaffinity(0, {other})  # of this thread alone
        X.sum()

    times = []
    os.sched_setaffinity(0, {mine})
    try:
        for _ in range(15):
            reader = threading.Thread(target=read)
            reader.start()
            reader.join()
            start = time.perf_counter()
            np.multiply(X, 1, out=X)
            times.append(time.perf_counter() - start)
    finally:
        os.sched_setaffinity(0, allowed)
    return float(np.median(times))


def installed(package: str) -> str:
    """The version of a package, as records state it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def simd() -> list[str]:
    """Which of the instructions that matter to matrix products the processor has, where the system says."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return [flag for flag in SIMD if flag in flags]


def kind() -> str:
    """What machines whose times may be compared have in common: `avx512-amx-2-cores`.

    Records lie in a folder of this name, so none of another kind is overwritten.
    """
    found = simd()
    name = next((kind for flag, kind in KINDS.items() if flag in found), platform.machine().lower())
    return f"{name}-{cores()}-core{'s' if cores() > 1 else ''}"


def threads() -> list[dict[str, Any]]:
    """The thread pools that this process has loaded, for the record."""
    from threadpoolctl import threadpool_info

    keys = ("internal_api", "version", "architecture", "num_threads")
    return [{key: pool[key] for key in keys if key in pool} for pool in threadpool_info()]
