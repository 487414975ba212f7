"""The audit of functions, torch modules and objects: what is right passes, what is wrong is named."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fcnet
from fcnet.audit import audit_gradients
from fcnet.audit.extrapolation import extrapolated
from fcnet.errors import DataError
from fcnet.two_layernet import TwoLayerNet

Arrays = dict[str, Any]

RNG = np.random.default_rng(3)
X = RNG.standard_normal((6, 4))
PARAMS: Arrays = {"W": RNG.standard_normal((4, 3)), "b": RNG.standard_normal(3)}


def smooth(params: Arrays) -> Any:
    return np.log(1 + np.exp(X @ params["W"] + params["b"])).mean()


def smooth_gradients(params: Arrays) -> Arrays:
    delta = 1 / (1 + np.exp(-(X @ params["W"] + params["b"]))) / (6 * 3)
    return {"W": X.T @ delta, "b": delta.sum(axis=0)}


def real_only(params: Arrays) -> Any:
    """The same, but complex parameters are not for it."""
    return smooth({name: np.real(value).astype(np.float64) for name, value in params.items()})


def absolute(params: Arrays) -> Any:
    """Not analytic: at a complex parameter it gives a complex number all the same, and a wrong slope."""
    return np.abs(X @ params["W"] + params["b"]).mean() + 0 * params["b"].sum()


def absolute_gradients(params: Arrays) -> Arrays:
    delta = np.sign(X @ params["W"] + params["b"]) / (6 * 3)
    return {"W": X.T @ delta, "b": delta.sum(axis=0)}


@pytest.mark.parametrize(
    ("function", "gradients", "decided_by"),
    [
        (smooth, smooth_gradients, "complex step"),
        (real_only, smooth_gradients, "extrapolation"),
        (absolute, absolute_gradients, "extrapolation"),
    ],
)
def test_a_function_of_a_dict_of_arrays(
    function: Callable[..., Any], gradients: Callable[..., Any], decided_by: str
) -> None:
    before = {name: value.copy() for name, value in PARAMS.items()}
    for told in (gradients, gradients(PARAMS)):
        audit = audit_gradients(function, PARAMS, told)
        assert audit.passed, audit.table()
        assert audit.decided_by == decided_by
        assert sum(p.entries for p in audit.parameters.values()) == 15
        assert sum(p.no_derivative for p in audit.parameters.values()) == 0
    assert all((PARAMS[name] == before[name]).all() for name in PARAMS)
    assert decided_by in audit.table()
    assert audit.to_record()["passed"]


@pytest.mark.parametrize("function", [smooth, real_only])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda g: {"W": 2 * g["W"], "b": g["b"]}, "W: 2 times the derivative: a factor 2 too many"),
        (lambda g: {"W": g["W"], "b": -g["b"]}, "b: -1 times the derivative: its sign is wrong"),
        (lambda g: {"W": g["W"], "b": g["b"] * [1, 1, 1 + 1e-5]}, "b: 1 of 3 entries are wrong"),
        (lambda g: {"W": g["W"] + PARAMS["W"] / 3, "b": g["b"]}, "W: off by 0.333333 times the parameter"),
        (lambda g: {"W": g["W"]}, "no gradient for b"),
        (lambda g: {"W": g["W"].T, "b": g["b"]}, "has shape (3, 4), the parameter (4, 3)"),
        (lambda g: {"W": g["W"] * np.nan, "b": g["b"]}, "the gradient of W is nan at [0, 0]"),
        (lambda g: {"W": g["W"] + 0j, "b": g["b"]}, "W is complex128, it has to be of real numbers"),
    ],
)
def test_a_wrong_gradient_is_named(function: Any, spoil: Any, words: str) -> None:
    audit = audit_gradients(function, PARAMS, spoil(smooth_gradients(PARAMS)))
    assert not audit.passed
    assert words in audit.reason


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_right_gradient_is_called_wrong_near_a_kink(seed: int, power: float, exactly: bool) -> None:
    """ReLUs whose pre-activations lie anywhere from 0 to far from it."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(5) * 10.0 ** (-6 + power)
    if exactly:
        x[0] = 0.0

    def loss(params: Arrays) -> float:
        return float((np.maximum(0.0, params["x"]) * np.arange(1, 6) + params["x"] ** 2).sum())

    right = (x > 0) * np.arange(1, 6) + 2 * x
    audit = audit_gradients(loss, {"x": x}, {"x": right})
    assert audit.stage in ("", "derivative"), audit.table()
    far = np.abs(x) > 1e-3
    if far.any():
        wrong = right + far
        assert not audit_gradients(loss, {"x": x}, {"x": wrong}).passed


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_scales_do_not_matter(scale: float) -> None:
    def loss(params: Arrays) -> float:
        return float(scale * np.sin(params["x"].real).sum())

    x = {"x": np.linspace(-2, 2, 7)}
    right = {"x": scale * np.cos(x["x"])}
    assert audit_gradients(loss, x, right).passed
    assert not audit_gradients(loss, x, {"x": right["x"] * (1 + 1e-4)}).passed


def test_extrapolation_says_how_far_it_may_be_off() -> None:
    for function, slope in ((math.exp, 1.0), (math.sin, 1.0), (lambda x: 1 / (x + 0.5), -4.0)):
        value, error = extrapolated(function, function(0.0))
        assert abs(value - slope) < 1e-10 + 10 * error
        assert error < 1e-7


def test_a_loss_in_float32_is_not_judged() -> None:
    def loss(params: Arrays) -> float:
        return float(np.sin(params["x"].real.astype(np.float32)).sum())

    audit = audit_gradients(loss, {"x": np.linspace(0.1, 2, 5)}, {"x": np.cos(np.linspace(0.1, 2, 5))})
    assert (audit.passed, audit.stage) == (False, "derivative")
    assert "float32" in audit.reason


def test_two_draws_of_dropout_are_noticed() -> None:
    rng = np.random.default_rng(0)
    audit = audit_gradients(
        lambda p: float(p["x"].sum() * rng.random()), {"x": np.ones(2)}, {"x": np.ones(2)}
    )
    assert "two equal calls give" in audit.reason


def test_a_network_still_goes_the_way_of_networks() -> None:
    net = TwoLayerNet(4, 5, 3, std=0.5)
    audit = audit_gradients(net, X, np.array([0, 1, 2, 0, 1, 2]), reg=0.1)
    assert audit.passed
    assert audit.parameters["W1"].best_h is not None


def test_a_part_of_the_entries_can_be_drawn() -> None:
    audit = audit_gradients(smooth, PARAMS, smooth_gradients, entries=2, rng=np.random.default_rng(0))
    assert [p.entries for p in audit.parameters.values()] == [2, 2]
    with pytest.raises(DataError, match="rng is None"):
        audit_gradients(smooth, PARAMS, smooth_gradients, entries=2)
    with pytest.raises(DataError, match="cannot be audited"):
        audit_gradients(smooth)


# PyTorch ----------------------------------------------------------------------------------------------------
def test_a_torch_module() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    inputs, labels = torch.from_numpy(X), torch.tensor([0, 1, 2, 0, 1, 2])
    audit = audit_gradients(module, lambda m: torch.nn.functional.cross_entropy(m(inputs), labels))
    assert audit.passed, audit.table()
    assert list(audit.parameters) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert all((value == before[name]).all() for name, value in module.state_dict().items())
    assert all(value.grad is None for value in module.parameters())


def test_a_wrong_backward_of_a_torch_function_is_named() -> None:
    torch = pytest.importorskip("torch")

    class Cube(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            context.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(context: Any, grad: Any) -> Any:
            (x,) = context.saved_tensors
            return grad * x**2  # the factor 3 is missing

    module = torch.nn.Linear(4, 2)
    audit = audit_gradients(module, lambda m: Cube.apply(m(torch.from_numpy(X))).mean())
    assert "0.333333 times the derivative" in audit.reason


def test_a_detached_parameter_is_named() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(4, 2)
    loss = audit_gradients(module, lambda m: (torch.from_numpy(X) @ m.weight.T + m.bias.detach()).mean())
    assert loss.reason == "no gradient for bias"


# Objects ----------------------------------------------------------------------------------------------------
class Value:
    """A number that remembers how it was computed, in the style of small autograd libraries."""

    def __init__(self, data: float, parents: tuple[tuple[Value, float], ...] = ()) -> None:
        self.data, self.grad, self._parents = data, 0.0, parents

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Value) -> Value:
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def tanh(self) -> Value:
        value = math.tanh(self.data)
        return Value(value, ((self, 1 - value**2),))

    def wrong_tanh(self) -> Value:
        value = math.tanh(self.data)
        return Value(value, ((self, 1 - value),))

    def backward(self, grad: float = 1.0) -> None:
        self.grad += grad
        for parent, slope in self._parents:
            parent.backward(grad * slope)


class Tensor:
    """The same with arrays, and gradients that are tensors."""

    def __init__(self, data: Any, backward: Callable[[Any], None] | None = None) -> None:
        self.data, self.grad, self._backward = np.asarray(data, dtype=float), None, backward

    def square_sum(self, factor: float) -> Tensor:
        return Tensor((self.data**2).sum(), lambda grad: self._take(grad * factor * self.data))

    def _take(self, grad: Any) -> None:
        self.grad = Tensor(grad) if self.grad is None else Tensor(self.grad.data + grad)  # type: ignore[assignment]

    def __mul__(self, number: float) -> Tensor:
        return Tensor(self.data * number)

    def backward(self) -> None:
        assert self._backward is not None
        self._backward(1.0)


def neuron(values: dict[str, Any], tanh: str) -> Value:
    total = values["b"]
    for weight, x in zip(values["w"], (0.5, -1.5), strict=True):
        total = total + weight * Value(x)
    return getattr(total, tanh)() * values["b"]  # type: ignore[no-any-return]


def test_objects_with_numbers() -> None:
    values = {"w": [Value(0.3), Value(-0.8)], "b": Value(0.1)}
    values["b"].grad = 7.0  # from an earlier backward
    audit = audit_gradients(lambda: neuron(values, "tanh"), values)
    assert audit.passed, audit.table()
    assert list(audit.parameters) == ["w.0", "w.1", "b"]
    assert [value.data for value in values["w"]] == [0.3, -0.8]
    assert not audit_gradients(lambda: neuron(values, "wrong_tanh"), values).passed


@pytest.mark.parametrize(("factor", "passed"), [(2.0, True), (1.0, False)])
def test_objects_with_arrays(factor: float, passed: bool) -> None:
    weights = Tensor(RNG.standard_normal((2, 3)))
    before = weights.data.copy()
    audit = audit_gradients(lambda: weights.square_sum(factor), [weights])
    assert audit.passed == passed
    assert passed or "0.5 times the derivative: a factor 2 is missing" in audit.reason
    assert (weights.data == before).all()


def test_what_are_no_values_is_said() -> None:
    with pytest.raises(DataError, match=r"w\.0 is a float, give objects with data and grad"):
        audit_gradients(lambda: None, {"w": [1.0]})
    with pytest.raises(DataError, match="no values to audit"):
        audit_gradients(lambda: None, [])


# pytest -----------------------------------------------------------------------------------------------------
def test_the_fixture_makes_it_one_line(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import numpy as np\n"
        "def loss(p): return (p['x'] ** 3).sum()\n"
        "x = {'x': np.ones(2)}\n"
        "def test_right(gradient_audit): gradient_audit(loss, x, lambda p: {'x': 3 * p['x'] ** 2})\n"
        "def test_wrong(gradient_audit): gradient_audit(loss, x, lambda p: {'x': p['x'] ** 2})\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "fcnet.pytest_plugin", "-p", "no:cacheprovider"]
    path = {
        "PYTHONPATH": str(Path(fcnet.__file__).resolve().parents[1]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **path}
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "failed at gradient: x: 0.333333 times the derivative" in done.stdout


def test_pytest_finds_the_fixture_where_fcnet_is_installed() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"fcnet.pytest_plugin": "fcnet.pytest_plugin"}


def test_the_plugin_imports_nothing_heavy_into_the_tests_of_others() -> None:
    code = "import sys, fcnet.pytest_plugin; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "numpy" not in loaded
    assert {name for name in loaded if name.startswith("fcnet")} == {"fcnet", "fcnet.pytest_plugin"}
