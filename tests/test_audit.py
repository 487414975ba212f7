"""The gradient audit passes what is right, rejects the gallery of `mutants`, and names every kink."""

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcnet.audit import STEPS, TOLERANCES, Audit, audit_gradients, relative_error
from fcnet.data.toy import LOSS, REG, toy_data, toy_weights
from fcnet.errors import DataError
from fcnet.two_layernet import TwoLayerNet
from mutants import MISTAKES, WRONG_CONVENTIONS, Mistake, NotStrictMask

PARAMETERS = ["W1", "b1", "W2", "b2"]


def toy_net() -> TwoLayerNet:
    return TwoLayerNet(4, 10, 3).with_params(toy_weights())


def random_net(D: int, H: int, K: int, seed: int) -> TwoLayerNet:
    """Weights and biases of order 1, so that nothing is zero by accident."""
    rng = np.random.default_rng(seed)
    shapes = {"W1": (D, H), "b1": (H,), "W2": (H, K), "b2": (K,)}
    return TwoLayerNet(D, H, K).with_params({n: rng.standard_normal(shape) for n, shape in shapes.items()})


@pytest.fixture(scope="module")
def toy_audit() -> Audit:
    return audit_gradients(toy_net(), *toy_data(), REG)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_exercises_bound_holds_at_1e_5(toy_audit: Audit, name: str) -> None:
    parameter = toy_audit.parameters[name]
    error = parameter.errors[STEPS.index(1e-5)]
    assert error is not None
    assert error < 1e-8
    assert parameter.compared[STEPS.index(1e-5)] == parameter.entries == toy_net().params[name].size


def test_the_complex_step_is_exact_but_for_rounding(toy_audit: Audit) -> None:
    assert toy_audit.passed, toy_audit.table()
    assert max(p.complex_error for p in toy_audit.parameters.values()) < 1e-12


def test_the_error_falls_with_truncation_and_rises_with_rounding(toy_audit: Audit) -> None:
    worst = {h: max(p.errors[i] or 0.0 for p in toy_audit.parameters.values()) for i, h in enumerate(STEPS)}
    assert 1e-6 < worst[1e-3] < 1e-5
    assert worst[1e-5] < 1e-8 < worst[1e-7] < 1e-5
    assert all(p.best_h is not None and 1e-6 < p.best_h < 1e-3 for p in toy_audit.parameters.values())


def test_three_biases_are_dead_and_exactly_zero(toy_audit: Audit) -> None:
    assert {name: p.dead for name, p in toy_audit.parameters.items()} == {"W1": 0, "b1": 3, "W2": 0, "b2": 0}
    _, grads = toy_net().loss(*toy_data(), REG)
    assert (grads["b1"] == 0).sum() == 3


def test_a_kink_inside_a_step_is_named_and_not_failed(toy_audit: Audit) -> None:
    W1 = toy_audit.parameters["W1"]
    assert W1.passed
    assert W1.kinks, "the toy problem has pre-activations within 1e-2 of 0"
    X, _ = toy_data()
    for kink in W1.kinks:
        z2 = toy_net().preactivations(X)[kink.layer][kink.example, kink.unit]
        assert abs(z2) <= kink.h * abs(X[kink.example, kink.index[0]])
        assert kink.unit == kink.index[1]
        assert W1.compared[STEPS.index(kink.h)] < W1.entries


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_wrong_gradient_is_rejected_with_its_message(mistake: Mistake) -> None:
    X, y = toy_data()
    right = toy_net() if mistake.sizes == (4, 10, 3) else random_net(*mistake.sizes, seed=3)
    if mistake.name == "regularised_biases":
        right = random_net(*mistake.sizes, seed=3)  # the toy problem's biases are 0 and cannot tell
    X = X[:, : mistake.sizes[0]].copy()
    assert audit_gradients(right, X, y, REG, steps=(1e-5,)).passed
    audit = audit_gradients(mistake.net(right), X, y, REG, steps=(1e-5,))
    assert not audit.passed
    assert audit.stage == mistake.stage, audit.reason
    assert re.search(mistake.message, audit.reason), audit.reason
    assert audit.reason in audit.table()


def test_the_gallery_is_large_and_its_names_are_unique() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 16
    assert len({mistake.sentence for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize(("convention", "fingerprint"), WRONG_CONVENTIONS.items())
def test_another_loss_fits_its_gradients_and_is_caught_by_its_number(
    convention: type[TwoLayerNet], fingerprint: float
) -> None:
    net = convention(4, 10, 3)
    net.params = dict(toy_weights())
    loss, _ = net.loss(*toy_data(), REG)
    assert loss == pytest.approx(fingerprint, abs=1e-10)
    assert abs(loss - LOSS) > 1e-3
    assert audit_gradients(net, *toy_data(), REG, steps=(1e-5,)).passed


@settings(max_examples=40, deadline=None)
@given(
    N=st.integers(1, 6),
    D=st.integers(1, 5),
    H=st.integers(1, 5),
    K=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    size=st.sampled_from([1e-3, 1.0, 100.0]),
    reg=st.sampled_from([0.0, 0.05, 10.0]),
)
def test_the_right_gradient_passes_at_any_shape(
    N: int, D: int, H: int, K: int, seed: int, size: float, reg: float
) -> None:
    rng = np.random.default_rng(seed)
    X, y = size * rng.standard_normal((N, D)), rng.integers(K, size=N)
    audit = audit_gradients(random_net(D, H, K, seed), X, y, reg, steps=(1e-4, 1e-5, 1e-6))
    assert audit.passed, audit.table()


def test_at_the_kink_itself_no_derivative_is_asked_for() -> None:
    """With z2 = 0 both z2 > 0 and z2 >= 0 are fair: the place is named, and the rest is still checked."""
    X, y = toy_data()
    X[2] = 0
    for net in (toy_net(), NotStrictMask(1, 1, 1).with_params(toy_weights())):
        audit = audit_gradients(net, X, y, REG, steps=(1e-5,))
        assert audit.passed, audit.reason
        assert audit.at_zero == tuple((0, 2, unit) for unit in range(10))
        assert audit.parameters["b1"].no_derivative == 10
        assert audit.parameters["W1"].no_derivative == 0
        assert "layer 0 example 2 unit 4 is exactly 0: no derivative\nand 5 more" in audit.table()
        assert "passed (10 entries have no derivative)" in audit.table()


def test_away_from_the_kink_a_mask_of_not_negative_is_no_mistake() -> None:
    assert audit_gradients(NotStrictMask(1, 1, 1).with_params(toy_weights()), *toy_data(), REG).passed


def test_nothing_that_was_handed_in_changes() -> None:
    net, (X, y) = toy_net(), toy_data()
    for array in (X, y, *net.params.values()):
        array.flags.writeable = False
    assert audit_gradients(net, X, y, REG, steps=(1e-5,)).passed


def test_a_drawn_part_of_the_entries_says_so() -> None:
    def draw(seed: int) -> Audit:
        return audit_gradients(
            toy_net(), *toy_data(), REG, steps=(1e-5,), entries=7, rng=np.random.default_rng(seed)
        )

    audit = draw(0)
    assert audit.passed
    assert {n: p.entries for n, p in audit.parameters.items()} == {"W1": 7, "b1": 7, "W2": 7, "b2": 3}
    assert audit.to_record()["entries"] == 7
    assert audit.to_record() == draw(0).to_record() != draw(1).to_record()
    with pytest.raises(DataError, match=r"rng is None, give a numpy.random.Generator"):
        audit_gradients(toy_net(), *toy_data(), entries=7)
    with pytest.raises(DataError, match=r"entries is 0"):
        audit_gradients(toy_net(), *toy_data(), entries=0, rng=np.random.default_rng(0))


def test_a_further_reference_is_compared() -> None:
    X, y = toy_data()
    _, grads = toy_net().loss(X, y, REG)
    audit = audit_gradients(toy_net(), X, y, REG, steps=(1e-5,), references={"a friend": grads})
    assert audit.passed
    assert audit.to_record()["parameters"]["W2"]["references"] == {"a friend": 0.0}
    liar = grads | {"W2": grads["W2"] + 1e-6}
    audit = audit_gradients(toy_net(), X, y, REG, steps=(1e-5,), references={"a liar": liar})
    assert not audit.passed
    assert "W2: a liar disagrees" in audit.reason
    with pytest.raises(
        DataError, match=r"reference a stranger has W1 of shape None, give one of shape \(4, 10\)"
    ):
        audit_gradients(toy_net(), X, y, REG, references={"a stranger": {}})


class DropsImaginary(TwoLayerNet):
    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        objective, grads = super().loss(X, y, reg)
        return objective.real, grads


class NotAnalytic(TwoLayerNet):
    """|W| for W^2 ** 0.5: right for real weights, another derivative for complex ones."""

    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        objective, grads = super().loss(X, y, reg)
        b2 = self.params["b2"]
        objective = objective + (np.conj(b2) * b2).real.sum() + 0j * b2.sum()
        return (objective if np.iscomplexobj(b2) else objective.real), grads


def test_an_arbiter_that_cannot_be_trusted_is_found_out() -> None:
    X, y = toy_data()
    net = DropsImaginary(1, 1, 1).with_params(toy_weights())
    with pytest.raises(DataError, match=r"real at a complex W1, keep the imaginary part"):
        audit_gradients(net, X, y, REG)
    net = NotAnalytic(1, 1, 1).with_params(toy_weights() | {"b2": np.array([0.3, -0.2, 0.1])})
    audit = audit_gradients(net, X, y, REG, steps=(1e-4, 1e-5))
    assert "b2: complex step and central differences contradict each other" in audit.reason


def test_single_precision_parameters_are_named() -> None:
    net = toy_net().with_params({n: p.astype(np.float32) for n, p in toy_weights().items()})
    audit = audit_gradients(net, *toy_data(), REG)
    assert (audit.stage, audit.reason) == (
        "dtype",
        "the parameter W1 is float32, gradients are checked in float64",
    )


def test_the_record_is_json_and_holds_what_the_figure_draws(toy_audit: Audit) -> None:
    record = json.loads(json.dumps(toy_audit.to_record(), allow_nan=False))
    assert record["passed"]
    assert record["steps"] == list(STEPS)
    assert record["tolerances"] == TOLERANCES
    for name in PARAMETERS:
        parameter = record["parameters"][name]
        assert parameter["errors"] == list(toy_audit.parameters[name].errors)
        assert parameter["complex_error"] == toy_audit.parameters[name].complex_error
        assert parameter["kink_count"] == len(parameter["kinks"])
    broken = audit_gradients(MISTAKES[0].net(toy_net()), *toy_data(), REG, steps=(1e-5,)).to_record()
    assert not broken["passed"]
    assert not json.loads(json.dumps(broken, allow_nan=False))["parameters"]["W1"]["passed"]


def test_the_table_has_a_row_for_each_parameter(toy_audit: Audit) -> None:
    lines = toy_audit.table().splitlines()
    assert [line.split()[0] for line in lines] == ["parameter", *PARAMETERS, "passed"]
    assert lines[1].split()[1] == "40/40"


def test_relative_error_is_the_exercises() -> None:
    a, n = np.array([1.0, 0.0, 1e-9]), np.array([1.0 + 2e-8, 0.0, 0.0])
    np.testing.assert_allclose(relative_error(a, n), [1e-8, 0.0, 0.1], rtol=1e-6)
