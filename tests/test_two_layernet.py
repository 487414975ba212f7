"""`TwoLayerNet` against the exercise: its numbers, its interface, and what it must survive or refuse."""

import copy
import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcnet.data.toy import LOSS, REG, SCORES, toy_data, toy_weights
from fcnet.errors import DataError, DivergedError, FcnetError
from fcnet.two_layernet import TrainingHistory, TwoLayerNet, log_softmax, relu, softmax

HISTORIES = ["loss_history", "train_acc_history", "val_acc_history"]


def toy_net() -> TwoLayerNet:
    np.random.seed(0)
    return TwoLayerNet(4, 10, 3, std=0.1)


def train_toy(net: TwoLayerNet, **options: Any) -> TrainingHistory:
    X, y = toy_data()
    return net.train(X, y, X, y, **({"learning_rate": 0.1, "reg": 5e-6, "num_iters": 100} | options))


# The exercise's numbers


def test_the_toy_problem_is_the_exercises() -> None:
    net = toy_net()
    np.random.seed(1)
    np.testing.assert_array_equal(toy_data()[0], 10 * np.random.randn(5, 4))
    for name, value in toy_weights().items():
        np.testing.assert_array_equal(net.params[name], value)


def test_scores() -> None:
    assert np.abs(toy_net().loss(toy_data()[0]) - SCORES).sum() < 1e-7


def test_regularised_loss() -> None:
    loss, _ = toy_net().loss(*toy_data(), reg=REG)
    assert LOSS == 1.30378789133
    assert abs(loss - LOSS) < 1e-10


def test_toy_training_reaches_the_exercises_loss() -> None:
    history = train_toy(toy_net())
    assert history["loss_history"][-1] <= 0.02
    assert history["train_acc_history"][-1] == history["val_acc_history"][-1] == 1


# The interface


def test_parameters_have_the_exercises_names_shapes_and_start() -> None:
    np.random.seed(0)
    net = TwoLayerNet(5, 400, 7)
    shapes = {name: value.shape for name, value in net.params.items()}
    assert shapes == {"W1": (5, 400), "b1": (400,), "W2": (400, 7), "b2": (7,)}
    assert all(value.dtype == np.float64 for value in net.params.values())
    assert not net.params["b1"].any()
    assert not net.params["b2"].any()
    assert net.params["W2"].std() == pytest.approx(1e-4, rel=0.1)


def test_predictions_are_the_most_probable_classes() -> None:
    labels = toy_net().predict(toy_data()[0])
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, SCORES.argmax(axis=1))


@pytest.mark.parametrize(
    ("N", "B", "T", "epochs"), [(5, 200, 7, 7), (10, 5, 7, 4), (10, 3, 6, 2), (1, 1, 1, 1)]
)
def test_histories_have_one_loss_an_iteration_and_one_accuracy_an_epoch(
    N: int, B: int, T: int, epochs: int
) -> None:
    X, y = np.random.default_rng(0).standard_normal((N, 4)), np.zeros(N, int)
    history = toy_net().train(X, y, X, y, num_iters=T, batch_size=B)
    assert list(history) == HISTORIES
    assert [len(history[name]) for name in HISTORIES] == [T, epochs, epochs]  # type: ignore[literal-required]
    assert all(type(number) is float for numbers in history.values() for number in numbers)  # type: ignore
    assert all(0 <= accuracy <= 1 for accuracy in history["train_acc_history"] + history["val_acc_history"])


def test_verbose_prints_every_hundredth_iteration(capsys: pytest.CaptureFixture[str]) -> None:
    train_toy(toy_net(), num_iters=201, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"iteration {t} / 201" for t in (0, 100, 200)]
    train_toy(toy_net())
    assert capsys.readouterr().out == ""


def test_the_global_seed_decides_as_in_the_exercise() -> None:
    losses = [train_toy(toy_net())["loss_history"] for _ in range(2)]
    assert losses[0] == losses[1]


def test_an_own_generator_decides_alone() -> None:
    def losses(global_seed: int) -> list[float]:
        np.random.seed(global_seed)
        return train_toy(TwoLayerNet(4, 10, 3, rng=np.random.default_rng(7)), num_iters=5)["loss_history"]

    state = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    train_toy(TwoLayerNet(4, 10, 3, rng=np.random.default_rng(7)), num_iters=5)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # type: ignore[index]
    assert losses(0) == losses(1)


def test_learning_rate_decays_once_an_epoch() -> None:
    """Two iterations an epoch: rates 1, 1, 1/2, 1/2, seen in steps so short that the gradient stays."""
    X, y = toy_data()
    X, y = X[[0, 0]], y[[0, 0]]
    seen: list[float] = []
    before = np.zeros(3)
    for T in range(1, 5):
        run = TwoLayerNet(4, 3, 3, std=0, rng=np.random.default_rng(0))
        run.train(X, y, X, y, learning_rate=1e-6, learning_rate_decay=0.5, num_iters=T, batch_size=1)
        seen.append(float(np.abs(run.params["b2"] - before).max()))
        before = run.params["b2"]
    np.testing.assert_allclose(np.array(seen) / seen[0], [1, 1, 0.5, 0.5], rtol=1e-4)


def test_one_step_is_the_plain_step() -> None:
    net, (X, y) = toy_net(), toy_data()
    X, y = X[:1], y[:1]
    _, grads = net.loss(X, y, 0.1)
    expected = {name: value - 0.3 * grads[name] for name, value in net.params.items()}
    net.train(X, y, X, y, learning_rate=0.3, reg=0.1, num_iters=1, batch_size=1)
    for name, value in net.params.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-14)


def test_a_network_can_be_copied_and_pickled() -> None:
    net, (X, _) = toy_net(), toy_data()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(twin.loss(X), net.loss(X))


# Numerical safety


@pytest.mark.parametrize("size", [1e4, 1e300])
def test_huge_logits_are_as_good_as_any(size: float) -> None:
    net = TwoLayerNet(2, 2, 2)
    net.params = {"W1": np.eye(2), "b1": np.zeros(2), "W2": np.eye(2), "b2": np.zeros(2)}
    X, y = np.array([[size, 0.0], [0.0, size], [size, size]]), np.array([0, 0, 1])
    np.testing.assert_array_equal(net.loss(X), [[1, 0], [0, 1], [0.5, 0.5]])
    loss, grads = net.loss(X, y)
    assert loss == pytest.approx((0 + size + np.log(2)) / 3, rel=1e-15)
    np.testing.assert_allclose(grads["b2"], [-0.5 / 3, 0.5 / 3], rtol=1e-15)
    assert all(np.isfinite(grad).all() for grad in grads.values())


def test_a_far_from_certain_class_has_no_infinite_loss() -> None:
    assert log_softmax(np.array([[0.0, 1e4]]))[0, 0] == -1e4
    assert softmax(np.array([[0.0, 1e4]]))[0, 0] == 0


@settings(max_examples=50, deadline=None)
@given(
    N=st.integers(1, 5),
    K=st.integers(1, 5),
    seed=st.integers(0, 10**6),
    shift=st.floats(-1e6, 1e6),
    size=st.sampled_from([1e-3, 1.0, 1e4]),
)
def test_softmax_is_a_distribution_and_does_not_see_a_shift(
    N: int, K: int, seed: int, shift: float, size: float
) -> None:
    u = size * np.random.default_rng(seed).standard_normal((N, K))
    psi = softmax(u)
    assert (psi >= 0).all()
    np.testing.assert_allclose(psi.sum(axis=1), 1, rtol=1e-14)
    tolerance = 1e-14 + 8 * np.finfo(float).eps * (abs(shift) + abs(u).max())
    np.testing.assert_allclose(softmax(u + shift), psi, rtol=tolerance, atol=1e-300)
    np.testing.assert_allclose(np.exp(log_softmax(u)), psi, rtol=1e-13 + tolerance, atol=1e-300)


def test_relu_lets_no_nan_pass_for_a_zero() -> None:
    np.testing.assert_array_equal(
        relu(np.array([-np.inf, -1, 0, 2, np.inf, np.nan])), [0, 0, 0, 2, np.inf, np.nan]
    )


# Properties


@settings(max_examples=30, deadline=None)
@given(
    N=st.integers(1, 8),
    D=st.integers(1, 5),
    H=st.integers(1, 5),
    K=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_the_order_of_the_examples_does_not_matter(N: int, D: int, H: int, K: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = TwoLayerNet(D, H, K, std=1.0, rng=rng)
    X, y, order = rng.standard_normal((N, D)), rng.integers(K, size=N), rng.permutation(N)
    np.testing.assert_allclose(net.loss(X[order]), net.loss(X)[order], rtol=1e-13)
    (loss, grads), (other_loss, other_grads) = net.loss(X, y, 0.1), net.loss(X[order], y[order], 0.1)
    assert other_loss == pytest.approx(loss, rel=1e-13)
    for name, grad in grads.items():
        np.testing.assert_allclose(other_grads[name], grad, rtol=1e-10, atol=1e-14)


def test_the_loss_is_the_mean_over_examples() -> None:
    net, (X, y) = toy_net(), toy_data()
    single = [net.loss(X[i : i + 1], y[i : i + 1])[0] for i in range(5)]
    assert net.loss(X, y)[0] == pytest.approx(np.mean(single), rel=1e-14)


def test_a_uniform_guess_costs_log_K() -> None:
    X, y = toy_data()
    assert TwoLayerNet(4, 10, 3, std=0).loss(X, y)[0] == pytest.approx(np.log(3), rel=1e-15)


def test_integer_pixels_give_what_floats_give() -> None:
    X = np.random.default_rng(0).integers(256, size=(5, 4), dtype=np.uint8)
    np.testing.assert_array_equal(toy_net().loss(X), toy_net().loss(X.astype(float)))


def test_nothing_of_the_callers_changes() -> None:
    net, (X, y) = toy_net(), toy_data()
    arrays = [X, y, *net.params.values()]
    before = [array.tobytes() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    net.loss(X)
    net.loss(X, y, REG)
    net.predict(X)
    train_toy(net)
    net.train(X, y, X, y, num_iters=3)
    assert [array.tobytes() for array in arrays] == before
    assert not any(np.shares_memory(value, array) for value in net.params.values() for array in arrays)


def test_a_copy_with_other_parameters_leaves_the_first_alone() -> None:
    net = toy_net()
    other = net.with_params({name: 0 * value for name, value in net.params.items()})
    assert other.loss(toy_data()[0]) == pytest.approx(np.full((5, 3), 1 / 3))
    assert np.abs(net.loss(toy_data()[0]) - SCORES).sum() < 1e-7


def python_steps(run: Callable[[], object]) -> int:
    """How many lines and calls of Python a function takes."""
    steps = 0

    def count(frame: Any, event: str, arg: Any) -> Any:
        nonlocal steps
        steps += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        run()
    finally:
        sys.settrace(before)
    return steps


def test_no_python_loop_over_examples_units_or_classes() -> None:
    def steps(N: int, D: int, H: int, K: int) -> int:
        rng = np.random.default_rng(0)
        net, X, y = TwoLayerNet(D, H, K, rng=rng), rng.standard_normal((N, D)), rng.integers(K, size=N)
        return python_steps(lambda: (net.loss(X), net.loss(X, y, 0.1), net.predict(X)))

    steps(1, 1, 1, 1)  # the first products of a process look for their library
    assert steps(1, 1, 1, 1) == steps(1000, 30, 50, 20)


# What is refused, each with its line

X_, y_ = toy_data()
NAN, INF = X_.copy(), X_.copy()
NAN[3, 1], INF[2, 0] = np.nan, -np.inf


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X_[:, :3], y_, r"^X has shape \(5, 3\), give examples as rows: \(N, 4\)$"),
        (X_[0], y_, r"^X has shape \(4,\), give examples as rows"),
        (X_[:0], y_[:0], r"^X has no rows, give at least one example$"),
        (NAN, y_, r"^X holds NaN or infinity, the first in row 3, clean or drop such rows$"),
        (INF, y_, r"^X holds NaN or infinity, the first in row 2"),
        (X_ + 0j, y_, r"^X has dtype complex128, give real numbers$"),
        (X_.astype(str), y_, r"^X has dtype <U\d+, give real numbers$"),
        ([[1, 2, 3, 4], [1]], y_, r"^X is not an array, give rows of equal length$"),
        (X_, y_[:4], r"^y has shape \(4,\), give one label for each of the 5 rows of X$"),
        (X_, y_[:, None], r"^y has shape \(5, 1\), give one label"),
        (X_, np.eye(3)[y_], r"^y has shape \(5, 3\), give one label"),
        (X_, y_.astype(float), r"^y has dtype float64, give integer labels from 0 to 2$"),
        (X_, y_ == 1, r"^y has dtype bool, give integer labels"),
        (X_, y_ + 1, r"^label 3 in row 2 of y is out of range, labels run from 0 to 2$"),
        (X_, y_ - 1, r"^label -1 in row 0 of y is out of range"),
        (
            X_,
            y_.astype(np.uint64) + np.uint64(2**63),
            r"^label 9223372036854775808 in row 0 of y is out of range",
        ),
    ],
)
def test_bad_examples_and_labels_are_refused(X: Any, y: Any, message: str) -> None:
    net = toy_net()
    before = copy.deepcopy(net.params)
    with pytest.raises(DataError, match=message):
        net.loss(X, y)
    with pytest.raises(DataError, match=message):
        net.train(X, y, X_, y_)
    for name, value in net.params.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"X_val": X_[:, :2]}, r"^X_val has shape \(5, 2\)"),
        ({"X_val": X_[:0]}, r"^X_val has no rows"),
        ({"y_val": y_[:2]}, r"^y_val has shape \(2,\), give one label for each of the 5 rows of X_val$"),
        ({"y_val": y_ + 1}, r"^label 3 in row 2 of y_val is out of range"),
        ({"batch_size": 0}, r"^batch_size is 0, give a whole number of at least 1$"),
        ({"num_iters": 0}, r"^num_iters is 0, give"),
        ({"num_iters": 1.5}, r"^num_iters is 1.5, give"),
        ({"batch_size": True}, r"^batch_size is True, give"),
        ({"learning_rate": -0.1}, r"^learning_rate is -0.1, give a finite number of at least 0$"),
        ({"learning_rate": float("nan")}, r"^learning_rate is nan, give a finite number"),
        ({"learning_rate_decay": float("inf")}, r"^learning_rate_decay is inf, give a finite number"),
        ({"reg": -1}, r"^reg is -1, give a finite number"),
        ({"reg": "big"}, r"^reg is 'big', give a finite number"),
    ],
)
def test_bad_options_of_training_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        toy_net().train(**({"X": X_, "y": y_, "X_val": X_, "y_val": y_} | options))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 10, 3), r"^input_size is 0"),
        ((4, -1, 3), r"^hidden_size is -1"),
        ((4, 10, 2.5), r"^output_size is 2.5"),
        ((4, 10, 3, -1.0), r"^std is -1.0"),
    ],
)
def test_bad_sizes_are_refused(sizes: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TwoLayerNet(*sizes)


def test_every_refusal_is_one_line_for_the_user() -> None:
    assert issubclass(DataError, FcnetError)
    assert issubclass(DataError, ValueError)
    assert issubclass(DivergedError, FcnetError)


# Divergence


@pytest.mark.parametrize("learning_rate", [1e5, 1e200, 1e308])
def test_a_diverged_training_says_where_and_keeps_finite_weights(learning_rate: float) -> None:
    net, (X, y) = toy_net(), toy_data()
    what = r"^the (loss became (nan|inf)|weights became infinite) at iteration \d+ with learning rate "
    with pytest.raises(DivergedError, match=what + re.escape(f"{learning_rate:g}") + ", lower it$"):
        net.train(X, y, X, y, learning_rate=learning_rate, learning_rate_decay=1.0, reg=1.0, num_iters=500)
    with np.errstate(all="ignore"):
        loss, _ = net.loss(X, y, 1.0)
    assert np.isfinite(loss)
    assert all(np.isfinite(value).all() for value in net.params.values())


def test_a_loss_that_is_nan_from_the_start_leaves_the_start() -> None:
    net = toy_net()
    net.params["W2"] = np.full((10, 3), np.nan)
    start = net.params
    with pytest.raises(DivergedError, match=r"^the loss became nan at iteration 0 with learning rate 0.1"):
        train_toy(net)
    for name, value in net.params.items():
        np.testing.assert_array_equal(value, start[name])
