"""The page's numbers in NumPy: the derivation's lines and `TwoLayerNet`, and what mistakes make of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from derivation.backward import BACKWARD
from derivation.forward import FORWARD
from fcnet.data.toy import REG, SCORES, toy_data, toy_weights
from fcnet.two_layernet import TwoLayerNet, log_softmax, softmax

X, Y = toy_data()
H = 10**-0.5
"""Where the slider of the central difference's h stands at first."""

Params = dict[str, Any]
Rules = dict[str, Callable[[dict[str, Any]], Any]]


def _penalty(factor: float) -> Rules:
    return {
        "dW2": lambda v: v["dJ_dW2"] + factor * v["reg"] * v["W2"],
        "dW1": lambda v: v["a1"].T @ v["delta2"] + factor * v["reg"] * v["W1"],
    }


def _of_labels(v: dict[str, Any]) -> Any:
    return -np.log(v["f"][np.arange(v["N"]), v["y"]])


def _from_f(v: dict[str, Any]) -> Any:
    return (v["f"] - v["Delta"]) / v["N"]


MISTAKES: dict[str, Rules] = {
    "RELU_MASK_MISSING": {"delta2": lambda v: v["delta3"] @ v["W2"].T},
    "MEAN_MISSING": {"delta3": lambda v: softmax(v["z3"]) - v["Delta"]},
    "BIAS_GRAD_DIV_N_TWICE": {
        "db1": lambda v: v["delta2"].mean(axis=0), "db2": lambda v: v["delta3"].mean(axis=0),
    },
    "REG_HALF_BUG": {"J_tilde": lambda v: v["J"] + 0.5 * v["reg"] * v["norms"], **_penalty(1)},
    "REG_GRAD_FACTOR": _penalty(1),
    "REG_GRAD_MISSING": _penalty(0),
    "SOFTMAX_AXIS": {"f": lambda v: softmax(v["z3"].T).T, "J_i": _of_labels, "delta3": _from_f},
    "SOFTMAX_TWICE": {"f": lambda v: softmax(softmax(v["z3"])), "J_i": _of_labels, "delta3": _from_f},
    "LOSS_ALL_CLASSES": {"J_i": lambda v: -log_softmax(v["z3"]).sum(axis=1)},
    "BIASES_NOT_UPDATED": {},
}  # fmt: skip


def chain(params: Params, x: Any, y: Any, reg: float, mistake: str = "") -> dict[str, Any]:
    """Every value of a pass by the derivation's NumPy lines, some of them by a mistake's."""
    rules = MISTAKES.get(mistake, {})
    values: dict[str, Any] = {
        "X": x,
        "y": y,
        "N": len(x),
        "K": 3,
        "reg": reg,
        "example": np.arange(len(x)),
    } | params
    for equation in (*FORWARD, *BACKWARD):
        if equation.name in rules:
            values[equation.name] = rules[equation.name](values)
            continue
        wanted = inspect.signature(equation.line).parameters
        values[equation.name] = equation.line(**{name: values[name] for name in wanted})
    return values


class Reference:
    """Evaluates the expressions that the page's numbers name."""

    def __init__(self, params: Params | None = None, reg: float = REG, mistake: str = "") -> None:
        self.params = {name: np.array(value) for name, value in (params or toy_weights()).items()}
        self.velocity = {name: np.zeros_like(value) for name, value in self.params.items()}
        self.reg, self.mistake = reg, mistake
        self.h, self.learning_rate, self.momentum = H, 0.1, 0.0
        self.loss_history: list[float] = []
        self.rng = np.random.RandomState(0)
        self.rng.standard_normal(70)  # the weights

    def net(self) -> TwoLayerNet:
        return TwoLayerNet(4, 10, 3).with_params(self.params)

    def moved(self, entry: str, by: float) -> Params:
        name, *places = re.findall(r"\w+", entry)
        params = {one: value.copy() for one, value in self.params.items()}
        params[name][tuple(map(int, places))] += by
        return params

    def objective_at(self, entry: str, by: float) -> float:
        return float(chain(self.moved(entry, by), X, Y, self.reg, self.mistake)["J_tilde"])

    def difference(self, entry: str, h: float) -> float:
        return (self.objective_at(entry, h) - self.objective_at(entry, -h)) / (2 * h)

    def step(self, rate: float, momentum: float) -> None:
        """One iteration of Algorithm 1 on 200 draws."""
        batch = self.rng.choice(5, 200)
        values = chain(self.params, X[batch], Y[batch], self.reg, self.mistake)
        self.loss_history.append(float(values["J_tilde"]))
        for name in self.params:
            self.velocity[name] = momentum * self.velocity[name] - rate * values[f"d{name}"]
            self.params[name] = self.params[name] + self.velocity[name]
        if self.mistake == "BIASES_NOT_UPDATED":
            self.params |= {"b1": np.zeros(10), "b2": np.zeros(3)}

    def namespace(self) -> dict[str, Any]:
        values = chain(self.params, X, Y, self.reg, self.mistake)
        right = chain(self.params, X, Y, self.reg)
        for these in (values, right):
            for name in self.params:
                these[f"v_{name}"] = (
                    self.momentum * self.velocity[name] - self.learning_rate * these[f"d{name}"]
                )
                these[f"new_{name}"] = self.params[name] + these[f"v_{name}"]
        if self.mistake == "BIASES_NOT_UPDATED":
            values |= {"new_b1": self.params["b1"], "new_b2": self.params["b2"]}
        names = [name for name in right if name not in ("X", "y", "N", "K", "reg", "example")]
        apart = {name: np.abs(np.asarray(values[name], float) - right[name]) for name in names}
        return values | {
            "exp": np.exp, "log": np.log, "max": max, "h": self.h, "iteration": len(self.loss_history),
            "learning_rate": self.learning_rate, "momentum": self.momentum, "loss_history": self.loss_history,
            "predict": self.net().predict,
            **{f"old_{name}": value for name, value in self.velocity.items()},
            "J_tilde_at": self.objective_at, "difference": self.difference,
            "relative_error": lambda entry, h: relative(
                eval(re.sub(r"^", "d", entry), {}, values), self.difference(entry, h)
            ),
            "wrong_count": {name: int((table > 1e-12).sum()) for name, table in apart.items()},
            "wrong_by": {name: float(table.max()) for name, table in apart.items()},
        }  # fmt: skip


def relative(a: float, n: float) -> float:
    return abs(a - n) / max(1e-8, abs(a) + abs(n))


def exercise_checks(mistake: str) -> dict[str, Any]:
    """The exercise's own checks of a code with a mistake, at its weights and lambda."""
    one = Reference(mistake=mistake)
    values = chain(one.params, X, Y, REG, mistake)
    worst = {}
    for name, value in one.params.items():
        entries = [f"{name}[{', '.join(map(str, place))}]" for place in np.ndindex(value.shape)]
        worst[name] = max(
            relative(values[f"d{name}"].flat[n], one.difference(entry, 1e-5))
            for n, entry in enumerate(entries)
        )
    trained = Reference(reg=5e-6, mistake=mistake)
    with np.errstate(all="ignore"):
        for n in range(100):
            before = len(trained.loss_history)
            trained.step(0.1 * 0.95**n, 0.0)
            if not (
                np.isfinite(trained.loss_history[-1])
                and all(np.isfinite(p).all() for p in trained.params.values())
            ):
                del trained.loss_history[before:]
                break
    return {
        "scores_difference": float(np.abs(values["f"] - SCORES).sum()),
        "exercise_loss": float(values["J_tilde"]),
        "gradient_check": worst,
        "final_loss": trained.loss_history[-1],
    }  # fmt: skip
