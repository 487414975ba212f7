"""Layers, loss and initialisation: formulas, extremes and distributions."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from fcnet.net import blas, openblas
from fcnet.net.architecture import Architecture
from fcnet.net.blas import Product, Sum, add_scaled, product
from fcnet.net.initialisation import initial_parameters
from fcnet.net.layers import Activation, Dropout
from fcnet.net.losses import SoftmaxCrossEntropy
from fcnet.net.network import Network
from fcnet.net.openblas import OpenBlas
from fcnet.two_layernet import log_softmax, softmax
from in_library import LIBRARIES, choose_anew, using

# The product


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Iterator[None]:
    with using(request.param):
        yield


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (5, 1, 3), (1, 4, 2), (6, 7, 1), (3, 4, 5)])
@pytest.mark.parametrize(("transpose_A", "transpose_B"), [(False, False), (True, False), (False, True)])
def test_the_product_scales_adds_and_writes_in_place(
    dtype: Any, n: int, k: int, m: int, transpose_A: bool, transpose_B: bool
) -> None:
    rng = np.random.default_rng(0)
    A, B, C = (rng.standard_normal(shape).astype(dtype) for shape in [(n, k), (k, m), (n, m)])
    if np.iscomplexobj(C):
        A, B = A * (1 + 2j), B * (3 - 1j)
    expected = 0.5 * A @ B + 2 * C
    stored_A = np.ascontiguousarray(A.T) if transpose_A else A
    stored_B = np.ascontiguousarray(B.T) if transpose_B else B
    for array in (stored_A, stored_B):
        array.flags.writeable = False
    again, D = Product(beta=2.0, transpose_A=transpose_A, transpose_B=transpose_B), C.copy()
    product(stored_A, stored_B, C, alpha=0.5, beta=2.0, transpose_A=transpose_A, transpose_B=transpose_B)
    tolerance = 1e-5 if C.real.dtype == np.float32 else 1e-13
    np.testing.assert_allclose(C, expected, rtol=tolerance)
    E = D.copy()
    for _ in range(3):  # translated once, with the numbers that the arrays hold by then
        again(stored_A, stored_B, D, alpha=0.5)
        product(stored_A, stored_B, E, alpha=0.5, beta=2.0, transpose_A=transpose_A, transpose_B=transpose_B)
    np.testing.assert_array_equal(D, E)


@pytest.mark.usefixtures("library")
def test_a_repeated_product_follows_its_arrays() -> None:
    """Other numbers in the same arrays, other arrays, smaller ones, another alpha; and copies start anew."""
    rng = np.random.default_rng(0)
    A, B, C = rng.standard_normal((4, 3)), rng.standard_normal((3, 5)), np.empty((4, 5))
    again = Product()
    for multiply in (again, copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        for first, second, out in ((A, B, C), (A[:2], B, C[:2]), (A, B.copy(), C), (A, B, np.empty((4, 5)))):
            for alpha in (1.0, 0.5):
                multiply(first, second, out, alpha=alpha)
                np.testing.assert_allclose(out, alpha * first @ second, rtol=1e-13)
                first *= 1.5


def test_a_repeated_product_refuses_what_a_single_one_does() -> None:
    again, A, B, C = Product(), zeros(2, 3), zeros(3, 5), zeros(2, 5)
    again(A, B, C)
    for first, second, out in ((A, B.T, C), (B, B, C), (A, B.astype(float), C)):
        with pytest.raises(ValueError, match="no product"):
            again(first, second, out)
    C.flags.writeable = False
    with pytest.raises(ValueError, match="no product"):
        again(A, B, C)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_the_product_does_not_read_what_beta_0_discards(dtype: Any) -> None:
    C = np.full((2, 2), np.nan, dtype)
    product(np.eye(2, dtype=dtype), np.ones((2, 2), dtype), C)
    np.testing.assert_array_equal(C, 1)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_scaled_addition_writes_in_place(dtype: Any) -> None:
    x, y = np.arange(6, dtype=dtype).reshape(2, 3), np.ones((2, 3), dtype)
    x.flags.writeable = False
    add_scaled(x, y, -2.0)
    np.testing.assert_array_equal(y, 1 - 2 * x)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_repeated_sum_follows_its_arrays(dtype: Any) -> None:
    """As a repeated product: the same bits as a single sum, whatever it was called with before."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3)).astype(dtype), rng.standard_normal((4, 3)).astype(dtype)
    again = Sum()
    for add in (again, copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        for first, second in ((x, y), (x[:2], y[:2]), (x.copy(), y), (x, y.copy())):
            for alpha in (1.0, -0.3):
                expected = second.copy()
                add_scaled(first, expected, alpha)
                add(first, second, alpha)
                np.testing.assert_array_equal(second, expected)
                first *= 1.5


def test_a_repeated_sum_refuses_what_a_single_one_does() -> None:
    again, x, y = Sum(), zeros(2, 3), zeros(2, 3)
    again(x, y, 1.0)
    for first, second in ((x[:1], y), (x, y.astype(float)), (zeros(3, 2).T, y)):
        with pytest.raises(ValueError, match="no sum"):
            again(first, second, 1.0)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="no sum"):
        again(x, y, 1.0)


def read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


def zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("A", "B", "C"),
    [
        (zeros(2, 3), zeros(4, 5), zeros(2, 5)),
        (zeros(2, 3), zeros(3, 5), zeros(3, 5)),
        (zeros(2, 3), zeros(3, 5), zeros(2, 4)),
        (zeros(3, 2).T, zeros(3, 5), zeros(2, 5)),
        (zeros(2, 6)[:, ::2], zeros(3, 5), zeros(2, 5)),
        (zeros(2, 3), zeros(5, 3).T, zeros(2, 5)),
        (zeros(2, 3), zeros(3, 5), zeros(5, 2).T),
        (zeros(2, 3), zeros(3, 5), read_only(zeros(2, 5))),
        (zeros(2, 3), zeros(3, 0), zeros(2, 0)),
        (zeros(2, 3), zeros(3, 5).astype(float), zeros(2, 5)),
        (zeros(2, 3), zeros(3, 5), zeros(2, 5).astype(float)),
        (zeros(2, 3).astype(">f4"), zeros(3, 5).astype(">f4"), zeros(2, 5).astype(">f4")),
    ],
)
def test_what_blas_would_read_or_write_wrongly_is_refused(A: Any, B: Any, C: Any) -> None:
    with pytest.raises(ValueError, match=r"no product: \(2, 3\) of"):
        product(A, B, C)
    np.testing.assert_array_equal(C, 0)


@pytest.mark.parametrize("factor", ["A", "B"])
def test_an_output_that_shares_memory_with_a_factor_is_refused(factor: str) -> None:
    A, B, shared = zeros(4, 4), zeros(4, 4), zeros(6, 4)
    factors = (shared[2:], B) if factor == "A" else (A, shared[2:])
    with pytest.raises(ValueError, match="shares memory with a factor"):
        product(*factors, shared[:4])


def test_a_library_without_a_symbol_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stripped:
        """A library that has none of the functions."""

    stripped = OpenBlas(Stripped())
    monkeypatch.setattr(openblas, "library", lambda: stripped)
    x, y = zeros(2, 2), zeros(2, 2)
    assert stripped.functions["sgemm"] is None
    assert stripped.prepared_gemm(x, x, y, 0.0, False, False) is None
    assert stripped.prepared_axpy(x, y) is None
    choose_anew()
    try:
        assert blas.library_used() == "SciPy's BLAS"
        product(x, x, y)
        Product()(x, x, y)
    finally:
        choose_anew()


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (zeros(2, 3), zeros(3, 2)),
        (zeros(2, 3), zeros(2, 3).astype(float)),
        (zeros(3, 2).T, zeros(2, 3)),
        (zeros(2, 3), zeros(3, 2).T),
        (zeros(2, 3), read_only(zeros(2, 3))),
        (zeros(2, 3).astype(">f4"), zeros(2, 3).astype(">f4")),
    ],
)
def test_a_sum_that_blas_would_do_wrongly_is_refused(x: Any, y: Any) -> None:
    with pytest.raises(ValueError, match=r"no sum: \(2, 3\) of"):
        add_scaled(x, y, 1.0)


def test_numpys_own_library_is_found_where_its_wheel_has_brought_one() -> None:
    built: Any = np.show_config(mode="dicts")
    found = openblas.library()
    assert (found is not None) == (built["Build Dependencies"]["blas"]["name"] == "scipy-openblas")
    if found is not None:
        loaded = {Path(pool["filepath"]).resolve() for pool in threadpool_info()}
        assert Path(found.loaded._name).resolve() in loaded


@pytest.mark.usefixtures("library")
def test_no_library_allocates_for_a_sum(request: pytest.FixtureRequest) -> None:
    if "no" in request.node.callspec.params.values():
        return  # without one, NumPy's own sum has a temporary array
    x, y = np.ones((300, 300), np.float32), np.ones((300, 300), np.float32)
    add_scaled(x, y, 1.0)
    tracemalloc.start()
    try:
        add_scaled(x, y, 2.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 10
    np.testing.assert_array_equal(y, 4)


# ReLU


def test_a_nan_passes_no_relu_unnoticed() -> None:
    assert np.isnan(Activation(2, "relu").forward(np.array([[np.nan, -1.0]]), False)[0, 0])


def test_at_exactly_zero_the_relu_passes_no_error() -> None:
    layer = Activation(3, "relu")
    np.testing.assert_array_equal(layer.forward(np.array([[-1.0, 0.0, 2.0]]), True), [[0, 0, 2]])
    np.testing.assert_array_equal(layer.backward(np.array([[5.0, 6.0, 7.0]]), True), [[0, 0, 7]])


# Softmax and cross-entropy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_large_logits_neither_overflow_nor_warn(dtype: Any, size: float) -> None:
    criterion = SoftmaxCrossEntropy()
    Z = (size * np.array([[1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])).astype(dtype)
    right = criterion.forward(Z, np.array([0, 1]))
    np.testing.assert_array_equal(criterion.probabilities, [[1, 0, 0], [0, 1, 0]])
    assert right == 0
    assert criterion.forward(Z, np.array([1, 1])) == pytest.approx(size / 2)
    np.testing.assert_array_equal(criterion.backward(), [[0.5, -0.5, 0], [0, 0, 0]])


def test_equal_large_logits_are_a_uniform_distribution() -> None:
    criterion = SoftmaxCrossEntropy()
    assert criterion.forward(np.full((3, 4), 1e4, np.float32), np.array([0, 1, 2])) == pytest.approx(
        np.log(4)
    )
    np.testing.assert_array_equal(criterion.probabilities, 0.25)


def test_logits_are_left_as_they_are() -> None:
    Z = np.random.default_rng(0).standard_normal((4, 3))
    before = Z.copy()
    criterion = SoftmaxCrossEntropy(0.1)
    criterion.forward(Z, np.array([0, 1, 2, 0]))
    criterion.backward()
    np.testing.assert_array_equal(Z, before)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.9])
def test_label_smoothing_is_cross_entropy_with_a_softened_target(epsilon: float) -> None:
    rng = np.random.default_rng(0)
    Z, y = rng.standard_normal((7, 5)), rng.integers(5, size=7)
    target = (1 - epsilon) * np.eye(5)[y] + epsilon / 5
    criterion = SoftmaxCrossEntropy(epsilon)
    assert criterion.forward(Z, y) == pytest.approx(-(target * log_softmax(Z)).sum() / 7, rel=1e-14)
    np.testing.assert_allclose(criterion.backward(), (softmax(Z) - target) / 7, atol=1e-16)


# Dropout


def dropout(units: int, p: float) -> Dropout:
    layer = Dropout(units, p)
    layer.bind([], np.random.default_rng(0))
    return layer


def test_dropout_keeps_the_expectation_and_has_its_rate() -> None:
    """200,000 units: the rate's standard deviation is 0.001, so five of them are allowed."""
    layer = dropout(500, 0.3)
    A = layer.forward(np.ones((400, 500), np.float32), training=True)
    assert (A == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert A.mean() == pytest.approx(1, abs=0.007)
    np.testing.assert_allclose(np.unique(A), [0, 1 / 0.7], rtol=1e-6)


def test_dropout_draws_anew_each_time_and_does_nothing_at_prediction() -> None:
    layer = dropout(20, 0.5)
    first, second = (layer.forward(np.ones((20, 20)), training=True).copy() for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(layer.forward(np.ones((20, 20)), training=False), 1)
    np.testing.assert_array_equal(layer.backward(np.ones((20, 20)), True), 1)


def test_the_error_meets_the_mask_that_the_activation_met() -> None:
    layer = dropout(20, 0.5)
    A = layer.forward(np.ones((20, 20)), training=True)
    np.testing.assert_array_equal(layer.backward(np.ones((20, 20)), True), A)


def test_a_networks_dropout_follows_from_its_generator() -> None:
    X, y = np.ones((4, 5)), np.array([0, 1, 2, 0])
    nets = [
        Network.plain((5, 50, 3), np.random.default_rng(s), dropout=0.5, dtype=np.float64) for s in (1, 1, 2)
    ]
    losses = [net.loss(X, y, training=True)[0] for net in nets]
    assert losses[0] == losses[1] != losses[2]


# Initialisation


@pytest.mark.parametrize(
    ("scheme", "std"), [("he", np.sqrt(2 / 300)), ("pytorch", np.sqrt(1 / 900)), ("1e-4", 1e-4), ("0.5", 0.5)]
)
def test_initial_weights_have_their_mean_and_variance(scheme: str, std: float) -> None:
    """120,000 weights: the standard error of the standard deviation is 0.2 %, so five of them are allowed."""
    W = initial_parameters(scheme, Architecture.plain((300, 400)), np.random.default_rng(0))["W1"]
    assert W.shape == (300, 400)
    assert W.std() == pytest.approx(std, rel=0.01)
    assert abs(W.mean()) < 5 * std / np.sqrt(W.size)


def test_he_initialisation_passes_a_signal_through_a_deep_net_and_the_exercises_does_not() -> None:
    X = np.random.default_rng(1).standard_normal((100, 256))
    sizes = (*[256] * 11, 10)
    he, small = (
        Network.plain(sizes, np.random.default_rng(0), initialisation=scheme, dtype=np.float64)
        for scheme in ("he", "1e-3")
    )
    assert 0.3 < he.preactivations(X)[-1].std() / np.sqrt(2) < 3
    assert small.preactivations(X)[-1].std() < 1e-12


def test_biases_start_at_zero_and_weights_differ_between_layers() -> None:
    net = Network.plain((6, 6, 6), np.random.default_rng(0))
    assert not net.params["b1"].any()
    assert not net.params["b2"].any()
    assert (net.params["W1"] != net.params["W2"]).all()
