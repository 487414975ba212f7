"""The gradients: (16)-(20) verified, and those by b2, W1 and b1 derived (question 2c)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import exp

from fcnet.derivation.equation import Equation, entries
from fcnet.two_layernet import softmax


class Labels(Equation):
    number, name, title = "(17)", "Delta", "The labels as a table"
    left = r"\Delta"
    text = r"""
The right answers, written as the probabilities that a perfect network would give: a 1 in the column of the
label and 0 elsewhere.

$$ \Delta_{ij} = \begin{cases} 1 & \text{if } y_i = j \\ 0 & \text{otherwise} \end{cases} $$
"""

    @staticmethod
    def line(K: Any, y: Any) -> Any:
        return np.eye(K)[y]

    @staticmethod
    def form(K: Any, y: Any) -> Any:
        return entries((len(y), K), lambda i, j: 1 if y[i] == j else 0)


class OutputError(Equation):
    number, name, title = "(16)", "delta3", "Softmax and cross-entropy together"
    left = r"\delta^{(3)} = \frac{\partial J}{\partial z^{(3)}}"
    derivative = ("J", "z3")
    text = r"""
How does the loss change when one score, $z^{(3)}_{ik}$, changes a little? Only the loss of example $i$ sees
it, and (11) says what that loss is:

$$ J_i = -z^{(3)}_{i y_i} + \log \sum_{j=1}^{K} \exp(z^{(3)}_{ij}) $$

Two terms, one after the other. The first one is a single score with a minus sign. Its derivative is $-1$ if
$k$ is the label, and 0 if $k$ is any other class. That is exactly $-\Delta_{ik}$:

$$ \frac{\partial}{\partial z^{(3)}_{ik}} \left( -z^{(3)}_{i y_i} \right) = -\Delta_{ik} $$

For the second one, the derivative of a logarithm is one over what stands inside, times the derivative of
the inside. Of the sum inside only the term $j = k$ contains $z^{(3)}_{ik}$, and an exponential is its own
derivative:

$$ \frac{\partial}{\partial z^{(3)}_{ik}} \log \sum_{j=1}^{K} \exp(z^{(3)}_{ij})
= \frac{1}{\sum_j \exp(z^{(3)}_{ij})} \cdot \exp(z^{(3)}_{ik}) = \psi(z^{(3)}_i)_k $$

The softmax has come back by itself. Together, and with the $1/N$ of the mean (12):

$$ \frac{\partial J}{\partial z^{(3)}_i} = \frac{1}{N} \left( \psi(z^{(3)}_i) - \Delta_i \right) $$

In words: *what was said minus what is true, over N*. A class that got too much probability is pushed down,
the right one is pushed up, and a perfect answer gives 0. A row of it adds up to 0, because both $\psi$ and
$\Delta$ add up to 1.
"""

    @staticmethod
    def line(z3: Any, Delta: Any, N: Any) -> Any:
        return (softmax(z3) - Delta) / N

    @staticmethod
    def form(z3: Any, Delta: Any, N: Any) -> Any:
        def entry(i: int, k: int) -> Any:
            said = exp(z3[i, k]) / sum(exp(z3[i, j]) for j in range(z3.shape[1]))
            return (said - Delta[i, k]) / N

        return entries(z3.shape, entry)


class OutputWeights(Equation):
    number, name, title = "(18), (19)", "dJ_dW2", "The output weights, without the penalty"
    left = r"\frac{\partial J}{\partial W^{(2)}}"
    derivative = ("J", "W2")
    text = r"""
The weight $W^{(2)}_{hk}$ takes part in the score of class $k$ of *every* example, so the chain rule adds up
over the examples. That is (18):

$$ \frac{\partial J}{\partial W^{(2)}_{hk}}
= \sum_{i=1}^{N} \frac{\partial J}{\partial z^{(3)}_{ik}} \, \frac{\partial z^{(3)}_{ik}}{\partial
W^{(2)}_{hk}} $$

The first factor is (16). The second is read off (6): in $z^{(3)}_{ik} = \dots + a^{(2)}_{ih} W^{(2)}_{hk} +
\dots$ the weight stands next to $a^{(2)}_{ih}$, so its derivative is $a^{(2)}_{ih}$. That is (19):

$$ \frac{\partial J}{\partial W^{(2)}_{hk}} = \sum_{i=1}^{N} a^{(2)}_{ih} \, \delta^{(3)}_{ik} $$

A sum over $i$ of $a_{ih}$ times $\delta_{ik}$ is an entry of a matrix product, in which the first factor is
transposed so that the two sums over examples meet in the middle.
"""

    @staticmethod
    def line(a2: Any, delta3: Any) -> Any:
        return a2.T @ delta3

    @staticmethod
    def form(a2: Any, delta3: Any) -> Any:
        (N, H), K = a2.shape, delta3.shape[1]
        return entries((H, K), lambda h, k: sum(a2[i, h] * delta3[i, k] for i in range(N)))


class OutputWeightsPenalised(Equation):
    number, name, title = "(20)", "dW2", "The output weights, with the penalty"
    left = r"\frac{\partial \tilde J}{\partial W^{(2)}}"
    derivative = ("J_tilde", "W2")
    text = r"""
The penalty is $\lambda$ times a sum of squares, and of that sum only the square of $W^{(2)}_{hk}$ contains
$W^{(2)}_{hk}$. The derivative of $w^2$ is $2 w$. This is **where $2 \lambda$ comes from**: the exercise has
no one-half in front of $\lambda$ that would take the 2 away.

$$ \frac{\partial}{\partial W^{(2)}_{hk}} \lambda \left( \lVert W^{(1)} \rVert_2^2 + \lVert W^{(2)}
\rVert_2^2 \right)
= 2 \lambda \, W^{(2)}_{hk} $$
"""

    @staticmethod
    def line(dJ_dW2: Any, reg: Any, W2: Any) -> Any:
        return dJ_dW2 + 2 * reg * W2

    @staticmethod
    def form(dJ_dW2: Any, reg: Any, W2: Any) -> Any:
        return entries(W2.shape, lambda h, k: dJ_dW2[h, k] + 2 * reg * W2[h, k])


class OutputBias(Equation):
    number, name, title = "2c, first", "db2", "The output biases"
    left = r"\frac{\partial \tilde J}{\partial b^{(2)}}"
    derivative = ("J_tilde", "b2")
    text = r"""
The same chain rule. The bias $b^{(2)}_k$ also takes part in the score of class $k$ of every example, but it
stands there alone: $\partial z^{(3)}_{ik} / \partial b^{(2)}_k = 1$. So the error signal is added up over
the examples:

$$ \frac{\partial \tilde J}{\partial b^{(2)}_k} = \sum_{i=1}^{N} \delta^{(3)}_{ik} \cdot 1 $$

There is no $2 \lambda$ here, because (13) does not penalise biases.
"""

    @staticmethod
    def line(delta3: Any) -> Any:
        return delta3.sum(axis=0)

    @staticmethod
    def form(delta3: Any) -> Any:
        N, K = delta3.shape
        return entries((K,), lambda k: sum(delta3[i, k] for i in range(N)))


class HiddenActivations(Equation):
    number, name, title = "on the way", "dJ_da2", "Back through the output weights"
    left = r"\frac{\partial J}{\partial a^{(2)}}"
    derivative = ("J", "a2")
    text = r"""
To go further down we need to know what the loss makes of the hidden activations. The activation
$a^{(2)}_{ih}$ of one unit takes part in the scores of *all classes* of its own example, so now the chain
rule adds up over the classes:

$$ \frac{\partial J}{\partial a^{(2)}_{ih}}
= \sum_{k=1}^{K} \frac{\partial J}{\partial z^{(3)}_{ik}} \, \frac{\partial z^{(3)}_{ik}}{\partial
a^{(2)}_{ih}}
= \sum_{k=1}^{K} \delta^{(3)}_{ik} \, W^{(2)}_{hk} $$

On the way up (6) summed over the units $h$; on the way back we sum over the classes $k$. The same matrix,
read the other way, is its transpose. Forward times $W$, backward times $W$ transposed: this is why the
method is called back-propagation.
"""

    @staticmethod
    def line(delta3: Any, W2: Any) -> Any:
        return delta3 @ W2.T

    @staticmethod
    def form(delta3: Any, W2: Any) -> Any:
        (N, K), H = delta3.shape, len(W2)
        return entries((N, H), lambda i, h: sum(delta3[i, k] * W2[h, k] for k in range(K)))


class ReluSlope(Equation):
    number, name, title = "on the way", "slope2", "The slope of the ReLU, and the kink"
    left = r"\phi'(z^{(2)})"
    derivative = ("a2", "z2")
    text = r"""
Where a unit is on, $\phi(u) = u$ has the slope 1; where it is off, $\phi(u) = 0$ has the slope 0. We write
$[u > 0]$ for the number that is 1 if $u > 0$ and else 0.

**At the kink**, $u = 0$, there is no slope: from the left it is 0, from the right it is 1. Anything between
the two is called a *subgradient*, and the code has to choose one. Ours is 0, because `z2 > 0` is false at
0. It hardly ever matters, since a sum of products of real numbers is exactly 0 almost never. It matters in
two places. A numerical check that steps across the kink compares a slope with the average of two slopes;
the audit finds such places and names them instead of calling them wrong. And a network whose weights are
all exactly 0 sits on the kink with every unit, gets no error signal through it, and never learns: one
reason why weights start at random.
"""

    @staticmethod
    def line(z2: Any) -> Any:
        return z2.real > 0

    @staticmethod
    def form(on2: Any) -> Any:
        return entries(on2.shape, lambda i, h: 1 if on2[i, h] else 0)


class HiddenError(Equation):
    number, name, title = "on the way", "delta2", "Back through the ReLU"
    left = r"\delta^{(2)} = \frac{\partial J}{\partial z^{(2)}}"
    derivative = ("J", "z2")
    text = r"""
The ReLU works on each number alone, so its chain rule has no sum, only a product:

$$ \delta^{(2)}_{ih} = \frac{\partial J}{\partial a^{(2)}_{ih}} \cdot \phi'(z^{(2)}_{ih})
= \Big( \sum_{k=1}^{K} \delta^{(3)}_{ik} \, W^{(2)}_{hk} \Big) \, [z^{(2)}_{ih} > 0] $$

What the ReLU does to the error signal is what it did to the activation: a unit that was on passes it
unchanged, a unit that was off stops it. An example on which a unit is off teaches that unit nothing; a unit
that is off for all examples has a gradient of exactly 0 and is called *dead*. The sign $\odot$ means:
multiply entry by entry.
"""

    @staticmethod
    def line(delta3: Any, W2: Any, z2: Any) -> Any:
        return (delta3 @ W2.T) * (z2.real > 0)

    @staticmethod
    def form(delta3: Any, W2: Any, on2: Any) -> Any:
        K = delta3.shape[1]
        return entries(
            on2.shape,
            lambda i, h: sum(delta3[i, k] * W2[h, k] for k in range(K)) if on2[i, h] else 0,
        )


class HiddenWeights(Equation):
    number, name, title = "2c, second", "dW1", "The hidden weights"
    left = r"\frac{\partial \tilde J}{\partial W^{(1)}}"
    derivative = ("J_tilde", "W1")
    text = r"""
Now everything repeats. The hidden layer is linear, as the output layer is: (4) is (6) with other names. We
know $\delta^{(2)}$ as we knew $\delta^{(3)}$, so the steps of (18), (19) and (20) hold again, with the
input $a^{(1)}$ in the place of $a^{(2)}$:

$$ \frac{\partial \tilde J}{\partial W^{(1)}_{dh}}
= \sum_{i=1}^{N} \frac{\partial J}{\partial z^{(2)}_{ih}} \, \frac{\partial z^{(2)}_{ih}}{\partial
W^{(1)}_{dh}}
+ 2 \lambda \, W^{(1)}_{dh}
= \sum_{i=1}^{N} a^{(1)}_{id} \, \delta^{(2)}_{ih} + 2 \lambda \, W^{(1)}_{dh} $$
"""

    @staticmethod
    def line(a1: Any, delta2: Any, reg: Any, W1: Any) -> Any:
        return a1.T @ delta2 + 2 * reg * W1

    @staticmethod
    def form(a1: Any, delta2: Any, reg: Any, W1: Any) -> Any:
        N = len(a1)
        return entries(
            W1.shape, lambda d, h: sum(a1[i, d] * delta2[i, h] for i in range(N)) + 2 * reg * W1[d, h]
        )


class HiddenBias(Equation):
    number, name, title = "2c, third", "db1", "The hidden biases"
    left = r"\frac{\partial \tilde J}{\partial b^{(1)}}"
    derivative = ("J_tilde", "b1")
    text = r"""
And the bias again stands alone, $\partial z^{(2)}_{ih} / \partial b^{(1)}_h = 1$, and is not penalised:

$$ \frac{\partial \tilde J}{\partial b^{(1)}_h} = \sum_{i=1}^{N} \delta^{(2)}_{ih} $$

These are the four gradients of question 2.
"""

    @staticmethod
    def line(delta2: Any) -> Any:
        return delta2.sum(axis=0)

    @staticmethod
    def form(delta2: Any) -> Any:
        N, H = delta2.shape
        return entries((H,), lambda h: sum(delta2[i, h] for i in range(N)))


BACKWARD = (
    Labels, OutputError, OutputWeights, OutputWeightsPenalised, OutputBias, HiddenActivations, ReluSlope,
    HiddenError, HiddenWeights, HiddenBias,
)  # fmt: skip
"""From the top of the network down."""
