"""What stands between the equations, and the order in which a reader meets them."""

from __future__ import annotations

from dataclasses import dataclass

from fcnet.derivation.backward import BACKWARD
from fcnet.derivation.deep import DEEP
from fcnet.derivation.equation import Equation
from fcnet.derivation.forward import FORWARD


@dataclass(frozen=True)
class Chapter:
    """A heading, an introduction in Markdown, and the equations that follow."""

    title: str
    text: str
    equations: tuple[type[Equation], ...] = ()


READ_FIRST = r"""
We have $N$ examples with $D$ numbers each, $H$ hidden units and $K$ classes. Examples are **rows**: $X$ is
$N \times D$, and every layer turns one row for each example into another. (The exercise writes an example
as a column and puts the weights on its left, $W x$; transposing everything gives what stands here, $X W$,
with $W^{(1)}$ as $D \times H$ and $W^{(2)}$ as $H \times K$.) A small number in brackets counts layers as
the exercise does: the input is $a^{(1)}$, the hidden layer makes $z^{(2)}$ and $a^{(2)}$, the output layer
makes $z^{(3)}$.

The gradient $\partial J / \partial W$ is a table of the same shape as $W$. Its entries answer one question
each: if I increase this weight a little, by how much does the loss go up, for each unit that I increase it?
Nothing else is meant by it. A shape beneath a factor is the best check that there is: in a matrix product
the inner two numbers must be equal and vanish, and what is left must be the shape of the left side.

Beside each equation stands the line of NumPy that computes it. The row formula with its shapes is made from
that line by a program, and both are proved right: how is said at the end.
"""

DOWNWARD = r"""
There is one tool, the **chain rule**: if the loss depends on a weight through several numbers, then

$$ \frac{\partial J}{\partial w} = \sum_{\text{all numbers } z \text{ that } w \text{ changes}}
\frac{\partial J}{\partial z} \cdot \frac{\partial z}{\partial w} $$

So we ask each time: *which* numbers does it change, and *how much* does it change them? The loss sits at
the top, so we start there and go down, and keep what we have found: the derivative by the sums of layer $l$
is called the **error signal** of that layer,

$$ \delta^{(l)} = \frac{\partial J}{\partial z^{(l)}} $$

and has the shape of $z^{(l)}$. Once an error signal is known, everything in its layer follows in one step.
"""

DEEPER = r"""
Nothing above used that there are two layers. Let there be $L$ of them, hidden ones plus the output layer.
Layer $l$ has $W^{(l)}$ of shape $P \times Q$: $P$ numbers go in, $Q$ come out, and the $Q$ of one layer is
the $P$ of the next. It starts from $a^{(1)} = X$.
"""

HOW_PROVED = r"""
**Exactly.** A small network is written in symbols, every input, weight and bias a letter, and SymPy
differentiates its loss, from the quantity in question upwards. The formula, written entry by entry, is
subtracted, and the difference has to simplify to exactly 0, for every entry, and for every way in which the
hidden units can be on and off: on each of these branches the ReLU is linear and can be differentiated. At
the kink between two branches no derivative exists, and none is claimed.

**In the code.** The NumPy line is run on networks of random sizes and compared with the formula and with
the *complex step*: the loss is computed at $w + i h$ with $h = 10^{-30}$, and its imaginary part divided by
$h$ is the derivative, with no subtraction in it that could lose digits. The lines are those of
`fcnet.two_layernet`, in which a test looks for them.
"""

CHAPTERS = (
    Chapter("Before you start", READ_FIRST),
    Chapter("Up: from the input to the loss", "", FORWARD),
    Chapter("Down: from the loss to every weight", DOWNWARD, BACKWARD),
    Chapter("Any number of layers", DEEPER, DEEP),
    Chapter("How all this is proved", HOW_PROVED),
)
