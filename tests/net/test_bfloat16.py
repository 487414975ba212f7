"""Products in bfloat16: rounded as bfloat16 is, added up as float32 is, and networks made of them."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fcnet.net import onednn
from fcnet.net.architecture import Architecture
from fcnet.net.blas import Product, product
from fcnet.net.network import Network
from in_bfloat16 import TWO_FACTORS, need_wheel, rounded, use

Array = NDArray[Any]


@pytest.fixture(params=["oneDNN", "NumPy"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    use(request.param, monkeypatch)


both = pytest.mark.usefixtures("library")


def drawn(seed: int, *shapes: tuple[int, int]) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


# One product


def judge(multiply: Callable[..., Any], n: int, k: int, m: int, alpha: float, beta: float, seed: int) -> None:
    """Hold `multiply(A, B, C, alpha, beta)` against float64: once with A and B as they are, once rounded."""
    A, B, C = drawn(seed, (n, k), (k, m), (n, m))
    exact = alpha * (A.astype(float) @ B) + beta * C
    of_rounded = alpha * (rounded(A) @ rounded(B)) + beta * C
    size = abs(alpha) * (np.abs(A).astype(float) @ np.abs(B))
    # a rounding of float32 for each number that is added
    summed = (k + 4) * 2.0**-24 * (1.01 * size + np.abs(beta * C))
    multiply(A, B, C, alpha, beta)
    assert (np.abs(C - exact) <= TWO_FACTORS * size + summed).all(), "further off than bfloat16 explains"
    assert (np.abs(C - of_rounded) <= summed).all(), "not the product of the rounded factors"


@both
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    *[st.integers(1, 70)] * 3, st.sampled_from([1.0, -0.37]), st.sampled_from([0.0, 1.0, -2.0]),
    *[st.booleans()] * 2, st.integers(0, 2**32),
)  # fmt: skip
def test_both_factors_are_rounded_and_float32_adds_up(
    n: int, k: int, m: int, alpha: float, beta: float, transpose_A: bool, transpose_B: bool, seed: int
) -> None:
    def multiply(A: Array, B: Array, C: Array, alpha: float, beta: float) -> None:
        how = {"beta": beta, "transpose_A": transpose_A, "transpose_B": transpose_B, "bfloat16": True}
        stored = [
            np.ascontiguousarray(X.T if turned else X) for X, turned in ((A, transpose_A), (B, transpose_B))
        ]
        for array in stored:
            array.flags.writeable = False
        again, D = Product(**how), C.copy()
        product(*stored, C, alpha=alpha, **how)
        again(*stored, D, alpha=alpha)
        np.testing.assert_array_equal(C, D)

    judge(multiply, n, k, m, alpha, beta, seed)


def cut(X: Array) -> Array:
    """Towards zero instead of to the nearest."""
    return (X.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


WRONG: dict[str, Callable[[Array, Array, Array, float, float], Array]] = {
    "float32": lambda A, B, C, alpha, beta: alpha * (A @ B) + beta * C,
    "the left factor alone": lambda A, B, C, alpha, beta: alpha * (rounded(A) @ B) + beta * C,
    "the right factor alone": lambda A, B, C, alpha, beta: alpha * (A @ rounded(B)) + beta * C,
    "cut instead of rounded": lambda A, B, C, alpha, beta: alpha * (cut(A) @ cut(B)) + beta * C,
    "the result rounded too": lambda A, B, C, alpha, beta: rounded(
        (alpha * (rounded(A) @ rounded(B)) + beta * C).astype(np.float32)
    ),
    "no alpha": lambda A, B, C, alpha, beta: rounded(A) @ rounded(B) + beta * C,
    "no beta": lambda A, B, C, alpha, beta: alpha * (rounded(A) @ rounded(B)) + C,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("shape", [(20, 30, 10), (7, 200, 3)])
def test_another_arithmetic_is_noticed(wrong: Callable[..., Array], shape: tuple[int, int, int]) -> None:
    def multiply(A: Array, B: Array, C: Array, alpha: float, beta: float) -> None:
        C[:] = wrong(A, B, C, alpha, beta)

    with pytest.raises(AssertionError):
        judge(multiply, *shape, alpha=0.5, beta=-2.0, seed=0)


@both
def test_a_repeated_product_follows_its_arrays() -> None:
    """Other numbers in the same arrays, larger and smaller arrays, another alpha; and copies start anew."""
    A, B, C = drawn(0, (40, 30), (30, 50), (40, 50))
    again = Product(bfloat16=True)
    for multiply in (again, copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        for first, second, out in ((A[:2], B, C[:2]), (A, B, C), (A[:2], B.copy(), C[:2])):
            for alpha in (1.0, 0.5):
                multiply(first, second, out, alpha=alpha)
                np.testing.assert_allclose(out, alpha * rounded(first) @ rounded(second), atol=1e-4)
                first *= 0.9


@both
def test_what_beta_0_discards_is_not_read_and_nan_and_infinity_pass() -> None:
    A, B, C = np.eye(2, dtype=np.float32), np.ones((2, 2), np.float32), np.full((2, 2), np.nan, np.float32)
    product(A, B, C, bfloat16=True)
    np.testing.assert_array_equal(C, 1)
    A[0, 0], A[1, 1] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        product(A, B, C, bfloat16=True)
    np.testing.assert_array_equal(C, [[np.nan, np.nan], [np.inf, np.inf]])


def test_arrays_that_do_not_fit_are_refused() -> None:
    A, B, C = drawn(0, (2, 3), (3, 5), (2, 5))
    for first, second, out in ((A, B.T, C), (B, B, C), (A, B, C.T), (A, B.astype(float), C)):
        with pytest.raises(ValueError, match=r"^no product: "):
            product(first, second, out, bfloat16=True)
    wide = [array.astype(np.float64) for array in (A, B, C)]
    with pytest.raises(ValueError, match=r"^no product in bfloat16: the arrays are float64, not float32$"):
        product(*wide, bfloat16=True)
    with pytest.raises(ValueError, match=r"^no product in bfloat16: "):
        Product(bfloat16=True)(*wide)


@both
def test_threads_do_not_disturb_each_other() -> None:
    tasks = [(drawn(seed, (size, 300), (300, 40)), np.empty((size, 40), np.float32))
             for seed, size in enumerate([30, 70, 30, 50] * 4)]  # fmt: skip
    expected = []
    for (A, B), C in tasks:
        product(A, B, C, bfloat16=True)
        expected.append(C.copy())

    def many(task: Any) -> None:
        (A, B), C = task
        for _ in range(30):
            C.fill(0)
            product(A, B, C, bfloat16=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(many, tasks))
    for (_, C), one in zip(tasks, expected, strict=True):
        np.testing.assert_array_equal(C, one)


# A network of them


def gradients(seed: int, bfloat16: bool) -> tuple[dict[str, Array], dict[str, Array], Array, Array]:
    """Those of 20 inputs, 40 units, 5 classes; also the parameters, the examples and the labels."""
    rng = np.random.default_rng(seed)
    dtype = np.float32 if bfloat16 else np.float64
    net = Network.plain((20, 40, 5), rng, dtype=np.float32)
    params = {name: value + 0.1 * rng.standard_normal(value.shape) for name, value in net.params.items()}
    params = {name: value.astype(np.float32) for name, value in params.items()}
    X, y = rng.standard_normal((60, 20), dtype=np.float32), rng.integers(5, size=60)
    net = Network(
        Architecture.plain((20, 40, 5)), rng, dtype=dtype, bfloat16=bfloat16,
        params={name: value.astype(dtype) for name, value in params.items()},
    )  # fmt: skip
    _, grads = net.loss(X, y)
    return grads, params, X, y


def explained(params: dict[str, Array], X: Array, y: Array) -> dict[str, Array]:
    """How far each entry of a gradient may be off, from the rounding of the factors in each product.

    A product of A, known to within `off_A`, and B, known to within `off_B`, is off by what follows from
    these, and by `TWO_FACTORS` of the sizes of all products added.
    """
    W1, b1, W2, b2 = (params[name].astype(float) for name in ("W1", "b1", "W2", "b2"))

    def off(A: Array, off_A: Any, B: Array, off_B: Any) -> Array:
        A, B = np.abs(A), np.abs(B)
        largest = (A + off_A) @ (B + off_B)
        return np.asarray((largest - A @ B) + (TWO_FACTORS + 1e-5) * largest)  # 1e-5: float32's own rounding

    N = len(y)
    Z1 = X @ W1 + b1
    off_Z1 = off(X, 0, W1, 0)
    A1, off_A1 = np.maximum(Z1, 0), np.where(-off_Z1 < Z1, off_Z1, 0)
    Z2 = A1 @ W2 + b2
    off_Z2 = off(A1, off_A1, W2, 0).max(axis=1, keepdims=True)
    P = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    # each exponential is off by a factor of at most exp(off), and so is their sum
    off_delta2 = P * np.expm1(2 * off_Z2) / N
    delta2 = (P - np.eye(5)[y]) / N
    back, off_back = delta2 @ W2.T, off(delta2, off_delta2, W2.T, 0)
    # a unit so close to its kink may be on in one of the two and off in the other
    unsure = np.abs(Z1) <= off_Z1
    delta1 = back * (Z1 > 0)
    off_delta1 = np.where(unsure, np.abs(back) + off_back, off_back * (Z1 > 0))
    return {
        "W1": off(X.T, 0, delta1, off_delta1), "b1": off_delta1.sum(axis=0),
        "W2": off(A1.T, off_A1.T, delta2, off_delta2), "b2": off_delta2.sum(axis=0),
    }  # fmt: skip


@both
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_off_by_what_bfloat16_explains_and_not_by_less(seed: int) -> None:
    grads, params, X, y = gradients(seed, bfloat16=True)
    exact, *_ = gradients(seed, bfloat16=False)
    allowed = explained(params, X, y)
    for name, gradient in grads.items():
        assert gradient.dtype == np.float32
        away = np.abs(gradient - exact[name])
        assert (away <= allowed[name] + 1e-7).all(), name
        # float32 would be off by 1e-7 of it
        assert np.linalg.norm(away) > 2.0**-11 * np.linalg.norm(exact[name]), name


PRODUCTS = ("ahead 1", "ahead 2", "of W2", "back", "of W1")


def written_out(params: dict[str, Array], X: Array, y: Array, exact: str = "") -> dict[str, Array]:
    """The gradients once more, each product on a line of its own; one of them may be left exact."""

    def multiply(name: str, A: Array, B: Array) -> Array:
        return np.asarray(A @ B if name == exact else rounded(A) @ rounded(B), np.float32)

    Z1 = multiply("ahead 1", X, params["W1"]) + params["b1"]
    A1 = np.maximum(Z1, 0)
    Z2 = multiply("ahead 2", A1, params["W2"]) + params["b2"]
    P = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    delta2 = (P - np.eye(5, dtype=np.float32)[y]) / np.float32(len(y))
    delta1 = multiply("back", delta2, params["W2"].T) * (Z1 > 0)
    return {
        "W1": multiply("of W1", X.T, delta1), "b1": delta1.sum(axis=0),
        "W2": multiply("of W2", A1.T, delta2), "b2": delta2.sum(axis=0),
    }  # fmt: skip


def apart(grads: dict[str, Array], others: dict[str, Array]) -> float:
    """The largest distance of two gradients of a parameter, as a part of the second one's size."""
    return max(
        float(np.linalg.norm(grads[name] - other) / np.linalg.norm(other)) for name, other in others.items()
    )


@both
def test_every_product_of_both_passes_is_rounded_and_nothing_else() -> None:
    grads, *given = gradients(0, bfloat16=True)
    # float32 adds up in another order, and a number in 30,000 is rounded to its other neighbour
    assert apart(grads, written_out(*given)) < 2e-4
    for one in PRODUCTS:
        assert apart(grads, written_out(*given, exact=one)) > 1e-3, one


@both
def test_training_and_prediction_multiply_alike() -> None:
    """The way through preallocated arrays, the one that threads may take, and a copy of the network."""
    rng = np.random.default_rng(0)
    net = Network.plain((20, 40, 5), rng, bfloat16=True)
    X = rng.standard_normal((60, 20), dtype=np.float32)
    scores = net.forward(X).copy()
    np.testing.assert_array_equal(net.logits(X), scores)
    np.testing.assert_array_equal(net.with_params(net.params).logits(X), scores)
    in_float32 = Network(net.architecture, rng, params=net.params).logits(X)
    assert 0 < np.abs(in_float32 - scores).max() < 0.1
    exact = net.with_params({name: value.astype(float) for name, value in net.params.items()})
    np.testing.assert_allclose(exact.logits(X), in_float32, atol=1e-5)  # float64 is not rounded


# Where it cannot be


def test_a_processor_without_it_is_named_with_what_works_instead() -> None:
    """The library is told to use no more than AVX2, as if the processor had no more."""
    need_wheel()
    program = "from fcnet.net import onednn; print([onednn.hardware()]); onednn.require()"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for most in ("AVX2", "AVX512_CORE"):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment | {"ONEDNN_MAX_CPU_ISA": most},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout == "['']\n"
        assert done.stderr.splitlines()[-1] == (
            "fcnet.errors.DataError: precision is 'bfloat16', and this processor has neither AMX nor "
            "AVX512-BF16: give precision float32, or the engine torch"
        )


# oneDNN's numbers of AVX2, AVX512-VNNI, AVX512-BF16, AVX10.1, AVX10.1 with AMX, AVX10.2, AVX10.2 with AMX
@pytest.mark.parametrize(
    ("bits", "expected"),
    [(0x7, ""), (0x67, ""), (0xE7, "AVX512-BF16"), (0x1EF, "AVX512-BF16"), (0xFEF, "AMX"),
     (0x201FF, "AVX512-BF16"), (0x22FFF, "AMX")],
)  # fmt: skip
def test_the_processor_is_judged_by_the_bits_of_the_library(
    bits: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        @staticmethod
        def dnnl_get_effective_cpu_isa() -> int:
            return bits

    monkeypatch.setattr(onednn, "library", Library)
    assert onednn.hardware() == expected


def test_this_processor_is_judged_as_its_flags_say() -> None:
    need_wheel()
    flags = set(Path("/proc/cpuinfo").read_text().split())
    assert bool(onednn.hardware()) == bool({"avx512_bf16", "amx_bf16"} & flags)
    assert (onednn.hardware() == "AMX") == ("amx_bf16" in flags)
