"""A gallery of wrong gradients: each a typical mistake, and the words in which the audit has to reject it.

Every mutant is a `TwoLayerNet` whose forward pass and loss are right. `WRONG_CONVENTIONS` at the end are
the other way round: their gradients fit their loss, and only the exercise's numbers tell that it is another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fcnet.two_layernet import Array, TwoLayerNet, softmax

Grads = dict[str, Any]


@dataclass(frozen=True)
class Mistake:
    """A wrong gradient.

    Attributes
    ----------
    name, sentence : what it is called and what went wrong
    wrong : (net, X, y, reg, right gradients) -> wrong gradients
    stage, message : where the audit has to stop, and a regular expression for what it has to say
    sizes : (D, H, K) at which the mistake can be made
    """

    name: str
    sentence: str
    wrong: Callable[[TwoLayerNet, Array, Array, float, Grads], Grads]
    message: str
    stage: str = "gradient"
    sizes: tuple[int, int, int] = (4, 10, 3)

    def net(self, right: TwoLayerNet) -> TwoLayerNet:
        """The same network with the wrong gradient."""
        mutant = Mutant(1, 1, 1)
        mutant.params, mutant.mistake = dict(right.params), self
        return mutant


class Mutant(TwoLayerNet):
    """A network that makes a mistake on its way back."""

    mistake: Mistake

    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        objective, grads = super().loss(X, y, reg)
        return objective, self.mistake.wrong(self, X, y, reg, grads)


def backward(net: TwoLayerNet, X: Array, y: Array, reg: float, **instead: Callable[..., Array]) -> Grads:
    """The backward pass of `TwoLayerNet.loss`, with some of its symbols computed in another way."""
    s: dict[str, Any] = {"X": X, "y": y, "N": len(X), "W2": net.params["W2"]}
    _, s["z2"], s["a2"], s["z3"] = net._forward(X)
    s["psi"] = softmax(s["z3"])
    s["Delta"] = np.eye(s["z3"].shape[1])[y]
    right: dict[str, Callable[..., Array]] = {
        "delta3": lambda psi, Delta, N, **_: (psi - Delta) / N,
        "error2": lambda delta3, W2, **_: delta3 @ W2.T,
        "mask": lambda z2, **_: z2.real > 0,
        "delta2": lambda error2, mask, **_: error2 * mask,
        "W2": lambda a2, delta3, **_: a2.T @ delta3,
        "b2": lambda delta3, **_: delta3.sum(axis=0),
        "W1": lambda X, delta2, **_: X.T @ delta2,
        "b1": lambda delta2, **_: delta2.sum(axis=0),
    }
    assert instead.keys() <= right.keys()
    grads = {}
    for symbol, formula in (right | instead).items():
        if symbol in net.params:
            grads[symbol] = formula(**s)
        else:
            s[symbol] = formula(**s)
    for name in ("W1", "W2"):
        grads[name] = grads[name] + 2 * reg * net.params[name]
    return grads


def instead(**formulas: Callable[..., Array]) -> Callable[..., Grads]:
    """A mistake in some of the symbols of the backward pass."""
    return lambda net, X, y, reg, grads: backward(net, X, y, reg, **formulas)


def changed(**formulas: Callable[..., Any]) -> Callable[..., Grads]:
    """A mistake made afterwards, in some of the gradients."""
    return lambda net, X, y, reg, grads: grads | {n: f(grads[n]) for n, f in formulas.items()}


def weight_decay(share: float) -> Callable[..., Grads]:
    """Right gradients but for the regularisation's, which has `share * reg * W` instead of 2."""
    return lambda net, X, y, reg, grads: (
        grads | {n: grads[n] + (share - 2) * reg * net.params[n] for n in ("W1", "W2")}
    )


def regularised_biases(net: TwoLayerNet, X: Array, y: Array, reg: float, grads: Grads) -> Grads:
    return grads | {name: grads[name] + 2 * reg * net.params[name] for name in ("b1", "b2")}


def after_the_update(net: TwoLayerNet, X: Array, y: Array, reg: float, grads: Grads) -> Grads:
    return backward(net.with_params({n: p - 0.1 * grads[n] for n, p in net.params.items()}), X, y, reg)


def remembered(net: TwoLayerNet, X: Array, y: Array, reg: float, grads: Grads) -> Grads:
    """Gradients of the call before, which a copy of the network keeps as well."""
    memory = net.__dict__.setdefault("memory", {})
    previous = memory.get("grads", grads)
    memory["grads"] = grads
    return previous


def scaled_in_place(net: TwoLayerNet, X: Array, y: Array, reg: float, grads: Grads) -> Grads:
    X -= X.mean(axis=0)
    return grads


def updated_in_place(net: TwoLayerNet, X: Array, y: Array, reg: float, grads: Grads) -> Grads:
    net.params["b1"] = net.params["b1"] - 0.1 * grads["b1"].real
    return grads


def squared_error(psi: Array, Delta: Array, N: int, **_: Any) -> Array:
    """The softmax's derivative for another loss, |psi - Delta|^2 / 2."""
    error = psi - Delta
    return psi * (error - (error * psi).sum(axis=1, keepdims=True)) / N


def without_last(delta3: Array, **_: Any) -> Array:
    return np.vstack([delta3[:-1], 0 * delta3[-1:]])


MISTAKES = [
    Mistake(
        "sum_over_examples",
        "1/N of (12) is forgotten: a sum over examples, not their mean",
        instead(delta3=lambda psi, Delta, **_: psi - Delta),
        r"b1: 5 times the derivative: a sum over examples instead of their mean",
    ),
    Mistake(
        "divided_twice",
        "1/N is in delta3, and once more in every sum",
        instead(delta3=lambda psi, Delta, N, **_: (psi - Delta) / N**2),
        r"b2: 0.2 times the derivative: divided by the number of examples twice",
    ),
    Mistake(
        "no_regularisation",
        "2 lambda W of (20) is forgotten",
        weight_decay(0),
        r"W1: off by -0.1 times the parameter: the regularisation's gradient is missing.*W2: off by -0.1",
    ),
    Mistake(
        "half_regularisation",
        "lambda W instead of 2 lambda W, as if (13) had a one-half",
        weight_decay(1),
        r"W1: off by -0.05 times the parameter: the regularisation's gradient lacks its factor 2",
    ),
    Mistake(
        "double_regularisation",
        "4 lambda W: the regularisation is added in two places",
        weight_decay(4),
        r"W2: off by 0.1 times the parameter: regularised though the loss does not, or twice",
    ),
    Mistake(
        "regularised_biases",
        "2 lambda b is added to the gradients of the biases, which (13) leaves out",
        regularised_biases,
        r"b1: off by 0.1 times the parameter: regularised though the loss does not.*b2: off by",
    ),
    Mistake(
        "regularised_by_mean",
        "the regularisation is divided by N with the rest",
        weight_decay(2 / 5),
        r"W1: off by -0.08 times the parameter",
    ),
    Mistake(
        "no_mask",
        "the error passes back through units that were off",
        instead(mask=lambda z2, **_: np.ones(z2.shape)),
        r"b1: 3 entries of dead units are not exactly 0: is the ReLU's mask right\?",
    ),
    Mistake(
        "inverted_mask",
        "the error passes back through exactly the units that were off",
        instead(mask=lambda z2, **_: z2.real <= 0),
        r"b1: 3 entries of dead units are not exactly 0",
    ),
    Mistake(
        "mask_of_the_error",
        "the error's own sign is asked instead of the unit's",
        instead(mask=lambda error2, **_: error2.real > 0),
        r"b1: 3 entries of dead units are not exactly 0",
    ),
    Mistake(
        "mask_as_value",
        "the error is multiplied by a2 instead of by its being positive",
        instead(mask=lambda a2, **_: a2),
        r"b1: 7 of 10 entries are wrong",
    ),
    Mistake(
        "mask_of_the_mean",
        "one mask for all examples, from the mean pre-activation",
        instead(mask=lambda z2, **_: z2.real.mean(axis=0) > 0),
        r"b1: \d of 10 entries are wrong",
    ),
    Mistake(
        "no_one_hot",
        "Delta of (16) is forgotten: probabilities are passed back",
        instead(delta3=lambda psi, N, **_: psi / N),
        r"b2: 3 of 3 entries are wrong",
    ),
    Mistake(
        "wrong_sign",
        "Delta - psi instead of psi - Delta: uphill",
        instead(delta3=lambda psi, Delta, N, **_: (Delta - psi) / N),
        r"b1: -1 times the derivative: its sign is wrong",
    ),
    Mistake(
        "next_class",
        "labels counted from 1: the one-hot row is one class too far",
        instead(delta3=lambda psi, Delta, N, **_: (psi - np.roll(Delta, 1, axis=1)) / N),
        r"b2: 2 of 3 entries are wrong",
    ),
    Mistake(
        "logits_for_probabilities",
        "z3 - Delta: the softmax is left out",
        instead(delta3=lambda z3, Delta, N, **_: (z3 - Delta) / N),
        r"b2: 3 of 3 entries are wrong",
    ),
    Mistake(
        "squared_error",
        "the gradient belongs to the squared error of the probabilities",
        instead(delta3=squared_error),
        r"b2: 3 of 3 entries are wrong",
    ),
    Mistake(
        "mean_of_biases",
        "the bias gradients are means over examples of a delta that has its 1/N already",
        instead(
            b1=lambda delta2, **_: delta2.mean(axis=0),
            b2=lambda delta3, **_: delta3.mean(axis=0),
        ),
        r"b1: 0.2 times the derivative.*b2: 0.2 times the derivative",
    ),
    Mistake(
        "last_example_only",
        "an assignment where a sum belongs: the gradient of the last example alone",
        instead(delta3=lambda psi, Delta, N, **_: (psi - Delta) * (np.arange(N) == N - 1)[:, None] / N),
        r"b2: 3 of 3 entries are wrong",
    ),
    Mistake(
        "one_example_missing",
        "a loop that ends one example too early",
        instead(b2=lambda delta3, **_: without_last(delta3).sum(axis=0)),
        r"^b2: 3 of 3 entries are wrong",
    ),
    Mistake(
        "pre_activation_for_activation",
        "z2 instead of a2 in (19)",
        instead(W2=lambda z2, delta3, **_: z2.T @ delta3),
        r"^W2: 27 of 30 entries are wrong",
    ),
    Mistake(
        "W2_without_transpose",
        "delta3 W2 instead of delta3 W2^T, which fits where H = K",
        instead(error2=lambda delta3, W2, **_: delta3 @ W2),
        r"^W1: .*b1: ",
        sizes=(4, 3, 3),
    ),
    Mistake(
        "transposed_gradient",
        "the transpose of dJ/dW2, which fits where H = K",
        changed(W2=lambda g: g.T.copy()),
        r"^W2: this is the derivative transposed",
        sizes=(4, 3, 3),
    ),
    Mistake(
        "swapped_biases",
        "the bias gradients are stored under each other's names, which fits where H = K",
        lambda net, X, y, reg, grads: grads | {"b1": grads["b2"], "b2": grads["b1"]},
        r"b2: this is the derivative by b1",
        sizes=(4, 3, 3),
    ),
    Mistake(
        "swapped_weights",
        "the weight gradients are stored under each other's names, which fits where D = H = K",
        lambda net, X, y, reg, grads: grads | {"W1": grads["W2"], "W2": grads["W1"]},
        r"W2: this is the derivative by W1",
        sizes=(3, 3, 3),
    ),
    Mistake(
        "zero", "a gradient that was never filled in", changed(b1=np.zeros_like), r"^b1: .* zero everywhere"
    ),
    Mistake(
        "one_entry",
        "a single entry, wrong by a millionth",
        changed(W1=lambda g: g * (1 + 1e-6 * (np.arange(g.size).reshape(g.shape) == 7))),
        r"^W1: 1 of 40 entries are wrong \(at \[0, 7\]",
    ),
    Mistake(
        "after_the_update",
        "the gradient of the point to which the step leads",
        after_the_update,
        r"b2: 3 of 3 entries are wrong",
    ),
    Mistake(
        "remembered",
        "activations are kept between calls, and the gradient is that of the call before",
        remembered,
        r"a second call gives another gradient of W1",
        stage="value",
    ),
    Mistake(
        "changed_examples",
        "X is centred in place",
        scaled_in_place,
        r"loss changed X in place",
        stage="value",
    ),
    Mistake(
        "hidden_update",
        "loss takes the step that `train` is there for",
        updated_in_place,
        r"loss changed the parameter b1 in place",
        stage="value",
    ),
    Mistake(
        "parameter_for_gradient",
        "the parameter is returned in the gradient's place",
        lambda net, X, y, reg, grads: grads | {"W1": net.params["W1"]},
        r"the gradient of W1 shares memory with the parameter W1",
        stage="value",
    ),
    Mistake(
        "nan",
        "a division by the number of units that are on, which may be 0",
        changed(b1=lambda g: np.where(g == 0, np.nan, g)),
        r"the gradient of b1 is nan at \[\d\]",
        stage="value",
    ),
    Mistake(
        "single_precision",
        "a float32 in between",
        changed(W2=lambda g: g.real.astype(np.float32)),
        r"the gradient of W2 is float32, gradients are checked in float64",
        stage="dtype",
    ),
    Mistake(
        "rounded",
        "float32 in between, and float64 again",
        changed(W2=lambda g: g.real.astype(np.float32).astype(np.float64)),
        r"^W2: 30 of 30 entries are wrong",
    ),
    Mistake(
        "kept_dimension",
        "keepdims=True leaves the bias gradient a row (1, H)",
        changed(b1=lambda g: g[None]),
        r"the gradient of b1 has shape \(1, 10\), the parameter \(10,\)",
        stage="shape",
    ),
    Mistake(
        "weights_as_printed",
        "dJ/dW1 as (H, D), as the exercise writes its weights",
        changed(W1=lambda g: g.T),
        r"the gradient of W1 has shape \(10, 4\)",
        stage="shape",
    ),
    Mistake(
        "missing",
        "no gradient for b2",
        lambda net, X, y, reg, grads: {n: g for n, g in grads.items() if n != "b2"},
        r"no gradient for b2",
        stage="name",
    ),
    Mistake(
        "extra",
        "a delta is returned among the gradients",
        lambda net, X, y, reg, grads: grads | {"delta3": grads["b2"]},
        r"a gradient for delta3, which is not a parameter",
        stage="name",
    ),
]


class OneHalf(TwoLayerNet):
    """(13) with lambda/2."""

    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        return super().loss(X, y, reg / 2)


class Unregularised(TwoLayerNet):
    """(12) alone."""

    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        return super().loss(X, y, 0.0)


class FirstLayerOnly(TwoLayerNet):
    """(13) without ||W2||^2."""

    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        objective, grads = super().loss(X, y, reg)
        W2 = self.params["W2"]
        return objective - reg * (W2**2).sum(), grads | {"W2": grads["W2"] - 2 * reg * W2}


WRONG_CONVENTIONS = {OneHalf: 1.28482247172, Unregularised: 1.26585705212, FirstLayerOnly: 1.29046683923}
"""Networks with the objective that each gives on the toy problem, where 1.30378789133 is right."""


class NotStrictMask(Mutant):
    """z2 >= 0 for z2 > 0: the same function wherever there is a derivative, so it has to pass."""

    def loss(self, X: Any, y: Any = None, reg: float = 0.0) -> Any:
        objective, _ = TwoLayerNet.loss(self, X, y, reg)
        return objective, backward(self, X, y, reg, mask=lambda z2, **_: z2.real >= 0)
