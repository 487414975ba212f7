"""NumPy, the libraries that multiply its matrices, threads, and PyTorch."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fcnet.doctor.finding import Finding

PATIENCE = 120.0
"""Seconds that PyTorch may take to start and to find its device; with a broken driver it may hang."""

NVIDIA = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"))
"""Files that exist if the driver of an NVIDIA GPU is loaded."""


def numpy() -> Iterator[Finding]:
    """NumPy and the BLAS that it was built with."""
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    yield Finding(
        "NumPy", "ok", f"{np.__version__}, BLAS {blas.get('name')} {blas.get('version', '')}".rstrip()
    )


def products() -> Iterator[Finding]:
    """The library that `fcnet.net` multiplies with, and its threads."""
    from fcnet.errors import FcnetError
    from fcnet.net import blas, libraries

    try:
        library, used = libraries.chosen(), blas.library_used()
    except FcnetError as error:
        yield Finding("products", "problem", str(error), f"or unset {libraries.VARIABLE}")
        return
    build = library.build() if library else None
    if library is None or not used.startswith(library.name) or build is None:
        advice = "a NumPy from PyPI (pip install --force-reinstall numpy) brings a faster way to OpenBLAS"
        yield Finding("products", "note", used, advice)
        return
    yield Finding("products", "ok", f"{used}: {build}")
    threads, usable = library.threads(), processors()
    found = f"{threads} of {library.name}, {usable} processors usable"
    given = [name for name in (library.variable, "OMP_NUM_THREADS") if name in os.environ]
    if threads > usable:
        advice = f"more threads than processors are slow, set {library.variable}={usable}"
        yield Finding("threads", "note", found, advice)
    elif threads < usable and given:
        yield Finding("threads", "note", found, f"large networks are faster with more, unset {given[0]}")
    else:
        yield Finding("threads", "ok", found)


def mkl() -> Iterator[Finding]:
    """MKL, where something can be done about it; `products` names it where it is used."""
    from fcnet.errors import DataError
    from fcnet.net import libraries, mkl

    if mkl.file() is None:
        if mkl.faster_here():
            advice = f"for faster products here: pip install 'fcnet[{mkl.EXTRA}]', {libraries.VARIABLE}=mkl"
            yield Finding("MKL", "note", "not installed", advice)
        return
    try:
        mkl.library()
    except DataError as error:
        yield Finding("MKL", "note", str(error))
        return
    if libraries.VARIABLE not in os.environ:
        expected = "faster on such a processor" if mkl.faster_here() else "not measured on such a processor"
        yield Finding("MKL", "note", f"installed, not used: {expected}", f"{libraries.VARIABLE}=mkl uses it")


def bfloat16() -> Iterator[Finding]:
    """The library with which the engine numpy multiplies bfloat16, and whether the processor does."""
    from fcnet.errors import DataError, MissingExtraError
    from fcnet.net import onednn

    try:
        version, hardware = onednn.version(), onednn.hardware()
    except MissingExtraError:
        advice = f"for --precision bfloat16 without PyTorch: pip install 'fcnet[{onednn.EXTRA}]'"
        yield Finding("oneDNN", "note", "not installed", advice)
    except DataError as error:
        yield Finding("oneDNN", "note", str(error))
    else:
        found = f"bfloat16 in hardware, {hardware}" if hardware else "this processor has no bfloat16"
        advice = "without AMX, products in float32 are faster" if hardware == "AVX512-BF16" else ""
        yield Finding("oneDNN", "note" if advice else "ok", f"{version}, {found}", advice)


def processors() -> int:
    """Processors that this process may use: those that it is bound to, or fewer if a quota limits them."""
    from fcnet.records import cores

    bound = cores()
    return max(1, min(bound, round(quota() or bound)))


def quota() -> float | None:
    """Processors' worth of time that a container may use; None without a limit."""
    try:
        allowed, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            folder = Path("/sys/fs/cgroup/cpu")
            allowed, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        except OSError:
            return None
    try:
        return int(allowed) / int(period) if int(allowed) > 0 else None
    except (ValueError, ZeroDivisionError):  # "max"
        return None


def pytorch() -> Iterator[Finding]:
    """PyTorch, its device and its arithmetic, asked in another process: a broken one can crash or hang."""
    from fcnet.extras import missing

    if missing("torch"):
        yield Finding("PyTorch", "note", "not installed", "for --engine torch: pip install 'fcnet[torch]'")
        return
    program = (
        f"import json, sys; sys.path[:] = {sys.path!r}\n"
        "from fcnet.torch_net.hardware import described\nprint(json.dumps(described()))"
    )
    repair = "install it again: pip install --force-reinstall torch"
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            cwd=Path(sys.executable).parent,  # the current folder may be gone
        )
    except subprocess.TimeoutExpired:
        advice = "is the driver of the GPU in order? CUDA_VISIBLE_DEVICES= makes PyTorch leave it alone"
        yield Finding("PyTorch", "problem", f"does not answer within {PATIENCE:.0f} s", advice)
        return
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        yield Finding("PyTorch", "problem", f"cannot be imported: {said[-1]}", repair)
        return
    facts = json.loads(done.stdout.splitlines()[-1])
    found = "{version}, device {device}, {threads} threads, precision {precision}".format(**facts)
    if facts["kind"] == "cpu" and any(map(Path.exists, NVIDIA)):
        advice = "there is an NVIDIA GPU: install a PyTorch for CUDA, see https://pytorch.org/get-started"
        yield Finding("PyTorch", "note", found, advice)
        return
    yield Finding("PyTorch", "ok", found)
    yield Finding(
        "bfloat16", "ok", "in hardware" if facts["bfloat16"] else "not in hardware, float32 is used"
    )
