"""The network and its loss, (1)-(14)."""

from __future__ import annotations

from typing import Any

from sympy import exp, log

from fcnet.derivation.equation import Equation, entries
from fcnet.two_layernet import log_softmax, relu, softmax


class Input(Equation):
    number, name, title = "(3)", "a1", "The first activation is the input"
    left = "a^{(1)}"
    text = "One row of $X$ is one example, $x_i$, with $D$ numbers. There is nothing to compute yet."

    @staticmethod
    def line(X: Any) -> Any:
        return X

    @staticmethod
    def form(X: Any) -> Any:
        return entries(X.shape, lambda i, d: X[i, d])


class HiddenLinear(Equation):
    number, name, title = "(4)", "z2", "The hidden layer adds up"
    left = "z^{(2)}"
    text = r"""
Each hidden unit $h$ has one weight for every input and a bias. It adds up what it sees:

$$ z^{(2)}_{ih} = \sum_{d=1}^{D} a^{(1)}_{id} \, W^{(1)}_{dh} + b^{(1)}_h $$

For all examples and all units at once that sum is a matrix product; the bias is added to every row.
"""

    @staticmethod
    def line(a1: Any, W1: Any, b1: Any) -> Any:
        return a1 @ W1 + b1

    @staticmethod
    def form(a1: Any, W1: Any, b1: Any) -> Any:
        (N, D), H = a1.shape, len(b1)
        return entries((N, H), lambda i, h: sum(a1[i, d] * W1[d, h] for d in range(D)) + b1[h])


class HiddenRelu(Equation):
    number, name, title = "(1), (5)", "a2", "The ReLU keeps what is positive"
    left = "a^{(2)}"
    text = r"""
$$ \phi(u) = \max(0, u) $$

applied to each number alone. A unit whose sum is positive is *on* and passes it unchanged; a unit whose sum
is negative is *off* and passes 0. Without this bend the two layers would be a single linear one.
"""

    @staticmethod
    def line(z2: Any) -> Any:
        return relu(z2)

    @staticmethod
    def form(z2: Any, on2: Any) -> Any:
        return entries(z2.shape, lambda i, h: z2[i, h] if on2[i, h] else 0)


class OutputLinear(Equation):
    number, name, title = "(6)", "z3", "The output layer adds up again"
    left = "z^{(3)}"
    text = r"""
The same as (4), one layer up: each class $k$ weighs the hidden activations.

$$ z^{(3)}_{ik} = \sum_{h=1}^{H} a^{(2)}_{ih} \, W^{(2)}_{hk} + b^{(2)}_k $$

These numbers are called *logits* or scores: the largest one is the network's answer.
"""

    @staticmethod
    def line(a2: Any, W2: Any, b2: Any) -> Any:
        return a2 @ W2 + b2

    @staticmethod
    def form(a2: Any, W2: Any, b2: Any) -> Any:
        (N, H), K = a2.shape, len(b2)
        return entries((N, K), lambda i, k: sum(a2[i, h] * W2[h, k] for h in range(H)) + b2[k])


class Probabilities(Equation):
    number, name, title = "(2), (7)", "f", "The softmax turns scores into probabilities"
    left = r"f_\theta(X) = a^{(3)}"
    text = r"""
$$ \psi(u)_k = \frac{\exp(u_k)}{\sum_{j=1}^{K} \exp(u_j)} $$

applied to each row. The exponential makes every number positive, and dividing by their sum makes a row add
up to 1. Adding one number to all scores of a row changes nothing, since it cancels; the code uses that to
keep $\exp$ from overflowing.
"""

    @staticmethod
    def line(z3: Any) -> Any:
        return softmax(z3)

    @staticmethod
    def form(z3: Any) -> Any:
        K = z3.shape[1]
        return entries(z3.shape, lambda i, k: exp(z3[i, k]) / sum(exp(z3[i, j]) for j in range(K)))


class LossOfOne(Equation):
    number, name, title = "(8)-(11)", "J_i", "The loss of one example"
    left = "J_i"
    text = r"""
Example $i$ has the label $y_i$. The network gave that class the probability $f_\theta^{y_i}(x_i)$, which
should be 1. The loss is the surprise, measured in nats:

$$ J_i = -\log P(Y = y_i, X = x_i) = -\log f_\theta^{y_i}(x_i) = -\log \psi(z^{(3)}_i)_{y_i} $$

It is 0 for a probability of 1 and grows without bound as the probability goes to 0. Written out, the
logarithm of a fraction is a difference, and the logarithm undoes the first exponential:

$$ J_i = -\log \frac{\exp(z^{(3)}_{i y_i})}{\sum_j \exp(z^{(3)}_{ij})}
= -z^{(3)}_{i y_i} + \log \sum_{j=1}^{K} \exp(z^{(3)}_{ij}) $$

Keep this last form in mind: it is the one that we shall differentiate.
"""

    @staticmethod
    def line(z3: Any, example: Any, y: Any) -> Any:
        return -log_softmax(z3)[example, y]

    @staticmethod
    def form(z3: Any, y: Any) -> Any:
        N, K = z3.shape
        return entries((N,), lambda i: -log(exp(z3[i, y[i]]) / sum(exp(z3[i, j]) for j in range(K))))


class Loss(Equation):
    number, name, title = "(12)", "J", "The loss is the mean over the examples"
    left = "J"
    text = r"""
$$ J(\theta) = \frac{1}{N} \sum_{i=1}^{N} -\log \psi(z_i^{(3)})_{y_i} $$

A mean and not a sum, so that the loss, and with it a good learning rate, does not depend on how many
examples there are. This is **where every $1/N$ below comes from**: it stands in front of the sum, and a
derivative leaves a constant factor standing.
"""

    @staticmethod
    def line(J_i: Any, N: Any) -> Any:
        return J_i.sum() / N

    @staticmethod
    def form(J_i: Any, N: Any) -> Any:
        return sum(J_i[i] for i in range(N)) / N


class Norms(Equation):
    number, name, title = "(14)", "norms", "How large the weights are"
    left = r"\lVert W^{(1)} \rVert^2 + \lVert W^{(2)} \rVert^2"
    text = "Every weight squared, and all of them added. Biases are left out."

    @staticmethod
    def line(W1: Any, W2: Any) -> Any:
        return (W1**2).sum() + (W2**2).sum()

    @staticmethod
    def form(W1: Any, W2: Any) -> Any:
        return sum(w * w for W in (W1, W2) for w in W.flat)


class Objective(Equation):
    number, name, title = "(13)", "J_tilde", "What is minimised"
    left = r"\tilde J"
    text = r"""
$$ \tilde J(\theta) = J(\theta) + \lambda \left( \lVert W^{(1)} \rVert_2^2 + \lVert W^{(2)} \rVert_2^2
\right) $$

The second term prefers small weights, the more so the larger $\lambda$. Some books write $\lambda / 2$;
this exercise does not, and the difference will show as a factor 2.
"""

    @staticmethod
    def line(J: Any, reg: Any, norms: Any) -> Any:
        return J + reg * norms

    @staticmethod
    def form(J: Any, reg: Any, norms: Any) -> Any:
        return J + reg * norms


FORWARD = (
    Input, HiddenLinear, HiddenRelu, OutputLinear, Probabilities, LossOfOne, Loss, Norms, Objective,
)  # fmt: skip
"""In the order in which they are computed."""
