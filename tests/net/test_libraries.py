"""Which library multiplies, that it is the one that is named, and that its products are NumPy's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import fcnet
from fcnet.errors import DataError, MissingExtraError
from fcnet.net import blas, libraries, mkl, openblas
from fcnet.net.blas import Product, Sum, add_scaled, product
from in_bfloat16 import use
from in_library import LIBRARIES, choose_anew, need_mkl, using

Array = NDArray[Any]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Iterator[None]:
    with using(request.param):
        yield


@pytest.fixture
def mkls() -> Iterator[None]:
    with using("MKL"):
        yield


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Libraries are looked for again, now and afterwards; no variable names one."""
    monkeypatch.delenv(libraries.VARIABLE, raising=False)
    choose_anew()
    mkl.library.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    choose_anew()
    mkl.library.cache_clear()


# One product, one sum


def judge(
    multiply: Callable[[Array, Array, Array, float, float], Any],
    sizes: tuple[int, int, int], dtype: Any, alpha: float, beta: float, seed: int = 0,
) -> None:  # fmt: skip
    """Hold `multiply(A, B, C, alpha, beta)` against exact numbers: off by what its sums are rounded."""
    n, k, m = sizes
    rng = np.random.default_rng(seed)
    A, B, C = (rng.standard_normal(shape).astype(dtype) for shape in ((n, k), (k, m), (n, m)))
    wide = np.longdouble
    exact = alpha * (A.astype(wide) @ B.astype(wide)) + beta * C.astype(wide)
    size = abs(alpha) * (np.abs(A).astype(wide) @ np.abs(B).astype(wide)) + np.abs(beta * C.astype(wide))
    multiply(A, B, C, alpha, beta)
    assert (np.abs(C - exact) <= (k + 4) * np.finfo(dtype).eps * size).all()


@pytest.mark.usefixtures("library")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    *[st.integers(1, 90)] * 3, st.sampled_from([np.float32, np.float64]),
    st.sampled_from([1.0, -0.37]), st.sampled_from([0.0, 1.0, -2.0]),
    *[st.booleans()] * 2, st.integers(0, 2**32),
)  # fmt: skip
def test_every_product_is_right_to_rounding(
    n: int, k: int, m: int, dtype: Any, alpha: float, beta: float,
    transpose_A: bool, transpose_B: bool, seed: int,
) -> None:  # fmt: skip
    def multiply(A: Array, B: Array, C: Array, alpha: float, beta: float) -> None:
        how = {"beta": beta, "transpose_A": transpose_A, "transpose_B": transpose_B}
        stored_A = np.ascontiguousarray(A.T) if transpose_A else A
        stored_B = np.ascontiguousarray(B.T) if transpose_B else B
        again, D = Product(**how), C.copy()
        product(stored_A, stored_B, C, alpha=alpha, **how)
        again(stored_A, stored_B, D, alpha=alpha)
        np.testing.assert_array_equal(C, D)

    judge(multiply, (n, k, m), dtype, alpha, beta, seed)


WRONG: dict[str, Callable[[Array, Array, Array, float, float], Array]] = {
    "no alpha": lambda A, B, C, alpha, beta: A @ B + beta * C,
    "no beta": lambda A, B, C, alpha, beta: alpha * (A @ B) + C,
    "less exact": lambda A, B, C, alpha, beta: (alpha * (A @ B) + beta * C).astype(np.float16),
    "one entry": lambda A, B, C, alpha, beta: alpha * (A @ B) + beta * C + 0.01 * (np.arange(C.size) == 0)[0],
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_wrong_product_is_noticed(wrong: Callable[..., Array], dtype: Any) -> None:
    def multiply(A: Array, B: Array, C: Array, alpha: float, beta: float) -> None:
        C[:] = wrong(A, B, C, alpha, beta)

    with pytest.raises(AssertionError):
        judge(multiply, (6, 20, 5), dtype, 0.5, -2.0)


@pytest.mark.usefixtures("library")
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 300), st.sampled_from([np.float32, np.float64]), st.sampled_from([1.0, -0.37]))
def test_every_sum_is_right_to_rounding(size: int, dtype: Any, alpha: float) -> None:
    rng = np.random.default_rng(size)
    x, y = rng.standard_normal(size).astype(dtype), rng.standard_normal(size).astype(dtype)
    exact, again = y + alpha * x.astype(np.longdouble), y.copy()
    most = 2 * np.finfo(dtype).eps * (np.abs(y) + np.abs(alpha * x))
    add_scaled(x, y, alpha)
    Sum()(x, again, alpha)
    np.testing.assert_array_equal(y, again)
    assert (np.abs(y - exact) <= most).all()


# Bits


def placed(array: Array, offset: int) -> Array:
    """A copy that begins this number of bytes after the beginning of a line of the cache."""
    room = np.empty(array.nbytes + 128, np.uint8)
    begin = -room.ctypes.data % 64 + offset
    copy = room[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(200, 300, 50), (1, 200, 50), (50, 200, 10), (37, 91, 17), (200, 10, 1)])
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True)])
def test_bits_do_not_depend_on_where_arrays_lie(
    dtype: Any, sizes: tuple[int, int, int], transposed: tuple[bool, bool]
) -> None:
    """Or a training that is resumed in another process would have other bits."""
    n, k, m = sizes
    rng = np.random.default_rng(0)
    shapes = (k, n) if transposed[0] else (n, k), (m, k) if transposed[1] else (k, m), (n, m)
    A, B, C = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    results = []
    for offsets in ((0, 0, 0), (16, 16, 16), (48, 16, 32), (16, 0, 48), (8, 24, 40)):
        first, second, out = (placed(*pair) for pair in zip((A, B, C), offsets, strict=True))
        how = dict(zip(("transpose_A", "transpose_B"), transposed, strict=True))
        product(first, second, out, alpha=-0.37, beta=1.0, **how)
        add_scaled(placed(C, offsets[0]), out, 0.3)
        results.append(out)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.usefixtures("mkls")
def test_threads_of_a_program_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(0)
    tasks = [(rng.standard_normal((40 + seed % 3, 300)), rng.standard_normal((300, 40))) for seed in range(8)]

    def many(task: tuple[Array, Array]) -> None:
        C = np.empty((len(task[0]), 40))
        for _ in range(30):
            C.fill(0)
            product(*task, C)
            np.testing.assert_allclose(C, task[0] @ task[1], atol=1e-10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(many, tasks))


# In a process of its own

LARGE = """
import os, sys
import numpy as np
from fcnet.net import blas, libraries, mkl
from fcnet.net.blas import Product, Sum, product

rng = np.random.default_rng(0)
A, B = (rng.standard_normal((700, 700)).astype(np.float32) for _ in range(2))
C = np.empty_like(A)
expected = A.astype(float) @ B

def right():
    C.fill(0)
    product(A, B, C)
    return bool(np.abs(C - expected).max() < 1e-2)

def loaded(name):
    with open("/proc/self/maps") as maps:
        return name in maps.read()
"""


def alone(program: str, **variables: str) -> list[str]:
    """What a program prints in a process of its own with two threads; nothing may be said on stderr."""
    removed = (libraries.VARIABLE, *mkl.SETTINGS)
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    given = dict.fromkeys(libraries.THREAD_VARIABLES, "2") | variables
    done = subprocess.run(
        [sys.executable, "-c", LARGE + program], capture_output=True, text=True, check=False, timeout=120,
        env=kept | {"PYTHONPATH": str(Path(fcnet.__file__).parents[1])} | given,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


PRODUCTS = """
print(blas.library_used())
again, total = Product(), Sum()
print(right())
again(A, B, C)
total(A, C, 0.5)
print(loaded("libmkl_core"))
"""


def test_mkl_does_what_is_said_to_be_its_work() -> None:
    """MKL itself lists the calls that it gets."""
    need_mkl()
    said = alone(PRODUCTS, FCNET_BLAS="mkl", MKL_VERBOSE="1")
    assert [line for line in said if "MKL_VERBOSE" not in line] == [
        "Intel's MKL, called directly", "True", "True"
    ]  # fmt: skip
    assert sum("MKL_VERBOSE SGEMM" in line for line in said) == 2
    assert sum("MKL_VERBOSE SAXPY" in line for line in said) == 1


def test_numpys_library_works_without_mkl() -> None:
    if openblas.library() is None:
        pytest.skip("this NumPy has another BLAS")
    said = alone(PRODUCTS, FCNET_BLAS="numpy", MKL_VERBOSE="1")
    assert said == ["NumPy's OpenBLAS, called directly", "True", "False"]


def test_settings_of_mkl_are_its_own_or_the_users() -> None:
    need_mkl()
    program = "right(); print(libraries.chosen().loaded.MKL_CBWR_Get(-1), os.environ['KMP_BLOCKTIME'])"
    assert alone(program, FCNET_BLAS="mkl") == ["2 1"]
    assert alone(program, FCNET_BLAS="mkl", MKL_CBWR="COMPATIBLE", KMP_BLOCKTIME="7") == ["3 7"]


def test_its_threads_are_limited_by_its_variable() -> None:
    need_mkl()
    program = "print(right(), libraries.chosen().threads())"
    assert alone(program, FCNET_BLAS="mkl") == ["True 2"]
    assert alone(program, FCNET_BLAS="mkl", MKL_NUM_THREADS="1") == ["True 1"]


@pytest.mark.parametrize("library", ["numpy", "mkl"])
def test_a_block_of_one_thread_ends_with_the_threads_of_before(library: str) -> None:
    """Whatever ends it, one inside another, and with two threads of a program in it at once."""
    if library == "mkl":
        need_mkl()
    elif openblas.library() is None:
        pytest.skip("this NumPy has another BLAS")
    program = """
import threading

threads = libraries.chosen().threads
entered, go = threading.Event(), threading.Event()

def other():
    with libraries.one_thread():
        entered.set()
        go.wait()

print(threads())
with libraries.one_thread():
    print(threads(), right())
    beside = threading.Thread(target=other)
    beside.start()
    entered.wait()
print(threads())
go.set()
beside.join()
print(threads(), right())
try:
    with libraries.one_thread():
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print(threads())
"""
    assert alone(program, FCNET_BLAS=library) == ["2", "1 True", "1", "2 True", "2"]


@pytest.mark.parametrize("library", ["numpy", "mkl"])
def test_a_fork_multiplies_too(library: str) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("Windows has no fork")
    if library == "mkl":
        need_mkl()
    program = """
print(right(), flush=True)
child = os.fork()
if child == 0:
    print(right(), flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1], right())
"""
    assert alone(program, FCNET_BLAS=library) == ["True", "True", "0 True"]


OTHERS = """
def train():
    import torch

    X = torch.tensor(A, dtype=torch.float64, requires_grad=True)
    (X @ torch.tensor(B, dtype=torch.float64)).square().sum().backward()
    return bool(np.allclose(X.grad.numpy(), 2 * expected @ B.T.astype(float)))

def double():
    D = np.empty((700, 700))
    product(A.astype(float), B.astype(float), D)
    return bool(np.abs(D - expected).max() < 1e-10)

def long_sum():
    x, y = np.ones(2_000_000), np.ones(2_000_000)
    Sum()(x, y, 2.0)
    return bool((y == 3).all())

def forked():
    child = os.fork()
    if child == 0:
        os._exit(0 if right() else 1)
    return os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["right()", "train()"])
def test_pytorch_works_in_the_same_process(first: str) -> None:
    """Both have an OpenMP: both use that of the first, and forks do not wait for its threads."""
    need_mkl()
    pytest.importorskip("torch")
    program = f"{OTHERS}{first}\nprint(right(), train(), right(), double(), long_sum(), train(), forked())"
    program += "\nprint('INTEL' if loaded('libmkl_intel_thread') else 'GNU')"
    expected = "INTEL" if first == "right()" else "GNU"
    assert alone(program, FCNET_BLAS="mkl") == ["True True True True True True True", expected]


@pytest.mark.parametrize("first", ["right()", "rounded()"])
def test_onednn_works_in_the_same_process(first: str) -> None:
    need_mkl()
    use("oneDNN", pytest.MonkeyPatch())
    rounded = """
def rounded():
    C.fill(0)
    product(A, B, C, bfloat16=True)
    return 1e-2 < float(np.abs(C - expected).max()) < 1
"""
    program = f"{OTHERS}{rounded}{first}\nprint(right(), rounded(), double(), long_sum(), rounded(), right())"
    assert alone(program, FCNET_BLAS="mkl") == ["True True True True True True"]


# Which one is chosen


@pytest.mark.parametrize(
    ("faster", "asked", "expected"),
    [
        (True, None, "NumPy's"), (True, "", "NumPy's"), (False, None, "NumPy's"),
        (True, "numpy", "NumPy's"), (False, "mkl", "MKL"),
    ],
)  # fmt: skip
def test_mkl_is_used_where_it_is_asked_for(
    faster: bool, asked: str | None, expected: str, anew: pytest.MonkeyPatch
) -> None:
    need_mkl()
    anew.setattr(mkl, "faster_here", lambda: faster)
    if asked is not None:
        anew.setenv("FCNET_BLAS", asked)
    assert libraries.chosen() is (mkl.library() if expected == "MKL" else openblas.library())
    words = {"MKL": "Intel's MKL, called directly", "NumPy's": "NumPy's OpenBLAS, called directly"}
    assert blas.library_used() == words[expected]


INTEL = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 avx512f avx512bw\n"


@pytest.mark.parametrize(
    ("cpuinfo", "faster"),
    [
        (INTEL, True),
        (INTEL * 200, True),
        (INTEL.replace("GenuineIntel", "AuthenticAMD"), False),
        (INTEL.replace(" avx512f avx512bw", ""), False),
        ("Features : fp asimd", False),
        (None, False),
    ],
)
def test_it_is_faster_on_processors_like_those_it_was_measured_on(
    cpuinfo: str | None, faster: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    monkeypatch.setattr(mkl, "_CPUINFO", path)
    assert mkl.faster_here() == faster


def test_without_mkl_nothing_changes_unless_it_is_asked_for(anew: pytest.MonkeyPatch) -> None:
    anew.setattr(mkl, "faster_here", lambda: True)
    anew.setattr(mkl, "library_file", lambda wheel, pattern: None)
    anew.setattr("platform.machine", lambda: "x86_64")
    anew.setattr("sys.platform", "linux")
    assert libraries.chosen() is openblas.library()
    choose_anew()
    anew.setenv("FCNET_BLAS", "mkl")
    with pytest.raises(MissingExtraError) as caught:
        blas.library_used()
    assert str(caught.value) == ("FCNET_BLAS=mkl needs MKL, which is not installed: pip install 'fcnet[mkl]'")


def test_where_there_is_no_wheel_nothing_is_to_be_installed(anew: pytest.MonkeyPatch) -> None:
    anew.setattr(mkl, "library_file", lambda wheel, pattern: None)
    anew.setattr("platform.machine", lambda: "aarch64")
    anew.setenv("FCNET_BLAS", "mkl")
    with pytest.raises(DataError, match=r"^FCNET_BLAS is 'mkl', which fcnet uses on Linux on x86-64 alone: "):
        libraries.chosen()


def test_a_library_that_does_not_load_is_one_line_where_it_is_asked_for(
    tmp_path: Path, anew: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "libmkl_rt.so.3"
    broken.write_bytes(b"no library")
    anew.setattr(mkl, "faster_here", lambda: True)
    anew.setattr(mkl, "library_file", lambda wheel, pattern: broken)
    assert libraries.chosen() is openblas.library()
    choose_anew()
    anew.setenv("FCNET_BLAS", "mkl")
    with pytest.raises(DataError, match=rf"^MKL cannot be loaded, {broken}: .*, or set FCNET_BLAS=numpy$"):
        libraries.chosen()


def test_an_mkl_of_32_bit_integers_alone_is_refused(anew: pytest.MonkeyPatch, tmp_path: Path) -> None:
    anew.setattr(mkl, "faster_here", lambda: True)
    anew.setattr(mkl, "library_file", lambda wheel, pattern: tmp_path / "libmkl_rt.so.1")
    numpys = openblas.library()
    anew.setattr("ctypes.CDLL", lambda path: object())
    assert libraries.chosen() is numpys
    choose_anew()
    anew.setenv("FCNET_BLAS", "mkl")
    with pytest.raises(DataError, match=r"^this MKL has no 64-bit integers: pip install 'fcnet\[mkl\]', or "):
        libraries.chosen()


def test_an_unknown_library_is_one_line(anew: pytest.MonkeyPatch) -> None:
    anew.setenv("FCNET_BLAS", "blis")
    with pytest.raises(DataError, match=r"^FCNET_BLAS is 'blis', choose from 'numpy', 'mkl'$"):
        product(np.ones((2, 2)), np.ones((2, 2)), np.empty((2, 2)))
