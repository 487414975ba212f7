"""Any number of layers: the same four equations, repeated."""

from __future__ import annotations

from typing import Any

from derivation.backward import Labels, OutputError
from derivation.equation import Equation, Step, entries
from derivation.forward import Input, Loss, LossOfOne, Objective, Probabilities
from fcnet.two_layernet import relu


class LayerLinear(Equation):
    name = "z"
    left = "z^{(l+1)}"

    @staticmethod
    def line(a: Any, W: Any, b: Any) -> Any:
        return a @ W + b

    @staticmethod
    def form(a: Any, W: Any, b: Any) -> Any:
        N, inputs = a.shape
        return entries((N, len(b)), lambda i, q: sum(a[i, p] * W[p, q] for p in range(inputs)) + b[q])


class LayerRelu(Equation):
    name = "a"
    left = "a^{(l)}"

    @staticmethod
    def line(z: Any) -> Any:
        return relu(z)

    @staticmethod
    def form(z: Any, on: Any) -> Any:
        return entries(z.shape, lambda i, p: z[i, p] if on[i, p] else 0)


class LayerNorms(Equation):
    name = "norms"
    left = r"\sum_l \lVert W^{(l)} \rVert^2"

    @staticmethod
    def line(all_W: Any) -> Any:
        return sum((W**2).sum() for W in all_W)

    @staticmethod
    def form(all_W: Any) -> Any:
        return sum(w * w for W in all_W for w in W.flat)


class LayerError(Equation):
    name = "delta"
    left = r"\delta^{(l)} = \frac{\partial J}{\partial z^{(l)}}"

    @staticmethod
    def line(delta_above: Any, W: Any, z: Any) -> Any:
        return (delta_above @ W.T) * (z.real > 0)

    @staticmethod
    def form(delta_above: Any, W: Any, on: Any) -> Any:
        outputs = delta_above.shape[1]
        return entries(
            on.shape,
            lambda i, p: sum(delta_above[i, q] * W[p, q] for q in range(outputs)) if on[i, p] else 0,
        )


class LayerWeights(Equation):
    name = "dW"
    left = r"\frac{\partial \tilde J}{\partial W^{(l)}}"

    @staticmethod
    def line(a: Any, delta_above: Any, reg: Any, W: Any) -> Any:
        return a.T @ delta_above + 2 * reg * W

    @staticmethod
    def form(a: Any, delta_above: Any, reg: Any, W: Any) -> Any:
        N = len(a)
        return entries(
            W.shape, lambda p, q: sum(a[i, p] * delta_above[i, q] for i in range(N)) + 2 * reg * W[p, q]
        )


class LayerBias(Equation):
    name = "db"
    left = r"\frac{\partial \tilde J}{\partial b^{(l)}}"

    @staticmethod
    def line(delta_above: Any) -> Any:
        return delta_above.sum(axis=0)

    @staticmethod
    def form(delta_above: Any) -> Any:
        N, outputs = delta_above.shape
        return entries((outputs,), lambda q: sum(delta_above[i, q] for i in range(N)))


DEEP = (LayerLinear, LayerRelu, LayerError, LayerWeights, LayerBias)
"""The recursion, as it is read."""


def deep_chain(layers: int) -> tuple[Step, ...]:
    """A network of `layers` layers (hidden ones plus the output layer) with its loss and gradients.

    Layer l turns a_l into z_(l+1); with two layers all names are those of `FORWARD` and `BACKWARD`.
    """
    top = {"z3": f"z{layers + 1}"}
    steps = [Step(Input, "a1")]
    for layer in range(1, layers + 1):
        names = {"a": f"a{layer}", "W": f"W{layer}", "b": f"b{layer}"}
        steps.append(Step(LayerLinear, f"z{layer + 1}", names))
        if layer < layers:
            here = {"z": f"z{layer + 1}", "on": f"on{layer + 1}"}
            steps.append(Step(LayerRelu, f"a{layer + 1}", here))
    steps += [
        Step(Probabilities, "f", top),
        Step(LossOfOne, "J_i", top),
        Step(Loss, "J"),
        Step(LayerNorms, "norms"),
        Step(Objective, "J_tilde"),
        Step(Labels, "Delta"),
        Step(OutputError, f"delta{layers + 1}", top, ("J", f"z{layers + 1}")),
    ]
    for layer in range(layers, 0, -1):
        names = {"delta_above": f"delta{layer + 1}", "W": f"W{layer}", "a": f"a{layer}", "z": f"z{layer}"}
        steps.append(Step(LayerWeights, f"dW{layer}", names, ("J_tilde", f"W{layer}")))
        steps.append(Step(LayerBias, f"db{layer}", names, ("J_tilde", f"b{layer}")))
        if layer > 1:
            names = names | {"on": f"on{layer}"}
            steps.append(Step(LayerError, f"delta{layer}", names, ("J", f"z{layer}")))
    return tuple(steps)
