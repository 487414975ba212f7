"""The optimisers, which turn gradients into updates.

Every optimiser uses the gradient as `add_to(target, alpha)`, see `parameters`, and works in place.
The L2 term enters as the gradient 2 lambda W of lambda ||W||^2, (13) and (20).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np

from fcnet.arrays import Array
from fcnet.errors import ExtensionError
from fcnet.extension import broken, called, is_own, require_methods
from fcnet.net.blas import Sum
from fcnet.net.parameters import Gradient, Parameter
from fcnet.net.scaled import Scaled
from fcnet.net.velocity import Velocity
from fcnet.registry import look_up


class Optimiser(Protocol):
    """Changes parameters in place and owns the state that it keeps between steps."""

    def step(self, parameters: Sequence[Parameter], learning_rate: float, reg: float) -> None:
        """One update from the gradients that the last backward pass left."""

    def state(self) -> dict[str, Array]:
        """The memory by name, for a checkpoint; the arrays themselves."""

    def load_state(self, state: dict[str, Array]) -> None:
        """Continue from a checkpoint's memory."""


class SGD:
    """Stochastic gradient descent with momentum: Algorithm 1.

    v <- mu v - alpha grad;  theta <- theta + v

    Parameters
    ----------
    momentum : mu in [0, 1); 0 is the plain step, which needs no v
    nesterov : take the gradient where the momentum is about to lead (Nesterov 1983). The network then
        holds the point looked ahead to, theta + mu v, and the update is written for that point.
    """

    def __init__(self, momentum: float = 0.0, nesterov: bool = False) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        self._velocity: dict[str, Velocity] = {}

    def step(self, parameters: Sequence[Parameter], learning_rate: float, reg: float) -> None:
        """One update of all parameters. Equations: (20), Algorithm 1"""
        for parameter in parameters:
            decay = 2 * reg * learning_rate if parameter.decayed else 0.0
            if self.momentum == 0:
                theta = parameter.scaled
                theta.multiply(1 - decay)  # theta <- (1 - 2 alpha lambda) theta - alpha dJ
                add_gradient(parameter, theta, -learning_rate)
            else:
                self._step_with_momentum(parameter, learning_rate, decay)

    def _step_with_momentum(self, parameter: Parameter, learning_rate: float, decay: float) -> None:
        mu, theta = self.momentum, parameter.scaled
        v = self._velocity.get(parameter.name)
        if v is None:
            v = self._velocity[parameter.name] = Velocity(Scaled(np.zeros_like(theta.stored)))
        if self.nesterov:  # theta is ahead by mu v: step back, to look ahead again below
            v.move(theta, -mu)
        v.multiply(mu * (1 - decay) if self.nesterov else mu)
        add_gradient(parameter, v.rest, -learning_rate)  # v <- mu v - alpha dJ
        v.pull -= decay  # v <- v - 2 alpha lambda theta
        v.move(theta, 1 + mu if self.nesterov else 1.0)  # theta <- theta + v, and mu v further to look ahead

    def settle(self, parameter: Parameter) -> None:
        """Make the memory of a parameter independent of it, before something else changes the parameter."""
        if parameter.name in self._velocity:
            self._velocity[parameter.name].add_up(parameter.scaled)

    def state(self) -> dict[str, Array]:
        state: dict[str, Array] = {}
        for name, v in self._velocity.items():
            state |= v.state(f"velocity.{name}")
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        self._velocity = {}
        for name in [key.removesuffix(".pull") for key in state if key.endswith(".pull")]:
            v = Velocity(Scaled(np.empty_like(state[name])))
            v.load_state(state, name)
            self._velocity[name.removeprefix("velocity.")] = v


class Moments:
    """The running means of all parameters in one row each, so that each operation on them is one call.

    With 8 to 64 hidden units the calls are most of the time of a step.

    Parameters
    ----------
    shapes : of the parameters, by name
    dtype : of the network

    Attributes
    ----------
    mean, square : of the gradient and of its square, (P,) for P numbers in all parameters
    work : (P,), the gradient and then the step
    means, squares, works : the same by name, each in its parameter's shape; not copies
    to_mean, to_square, to_parameter : the sums of each step
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: np.dtype[Any]) -> None:
        ends = list(accumulate(map(math.prod, shapes.values()), initial=0))

        def by_name(row: Array) -> dict[str, Array]:
            return {
                name: row[start:end].reshape(shape)
                for (name, shape), start, end in zip(shapes.items(), ends, ends[1:], strict=False)
            }

        self.mean, self.square, self.work = (np.zeros(ends[-1], dtype) for _ in range(3))
        self.means, self.squares, self.works = by_name(self.mean), by_name(self.square), by_name(self.work)
        self.to_mean, self.to_square = Sum(), Sum()
        self.to_parameter = {name: Sum() for name in shapes}


class Adam:
    """Adaptive moments (Kingma and Ba 2015), with the L2 term inside the gradient.

    Parameters
    ----------
    beta1, beta2 : decay of the running means of the gradient and of its square
    epsilon : keeps the division finite
    """

    adapts = True
    """Whether the gradients so far scale each step: learning rates are small, and no momentum is set."""

    decoupled = False
    """Whether weight decay acts on the weights themselves instead of on the gradient."""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.steps = 0
        self._of_all = Moments({}, np.dtype(np.float32))

    def step(self, parameters: Sequence[Parameter], learning_rate: float, reg: float) -> None:
        """One update of all parameters, both moments corrected for their start at zero."""
        self.steps += 1
        correction1 = 1 - self.beta1**self.steps
        correction2 = 1 - self.beta2**self.steps
        if self._of_all.works.keys() != {parameter.name for parameter in parameters}:
            self._of_all = Moments(
                {one.name: one.scaled.stored.shape for one in parameters}, parameters[0].scaled.stored.dtype
            )
        m, v, g = self._of_all.mean, self._of_all.square, self._of_all.work
        g.fill(0)
        for parameter in parameters:
            decay = 2 * reg if parameter.decayed else 0.0
            own = self._of_all.works[parameter.name]
            if self.decoupled:
                parameter.scaled.multiply(1 - learning_rate * decay)
            elif decay:
                np.multiply(parameter.value, decay, out=own)
            gradient_of(parameter).add_to(own, alpha=1.0)
        m *= self.beta1
        self._of_all.to_mean(g, m, 1 - self.beta1)
        np.multiply(g, g, out=g)
        v *= self.beta2
        self._of_all.to_square(g, v, 1 - self.beta2)
        np.divide(v, correction2, out=g)
        np.sqrt(g, out=g)
        g += self.epsilon
        np.divide(m, g, out=g)
        for parameter in parameters:
            add, step = self._of_all.to_parameter[parameter.name], self._of_all.works[parameter.name]
            add(step, parameter.value, -learning_rate / correction1)

    def state(self) -> dict[str, Array]:
        state: dict[str, Array] = {"steps": np.array(self.steps)}
        for name, mean in self._of_all.means.items():
            state |= {f"mean.{name}": mean, f"square.{name}": self._of_all.squares[name]}
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        self.steps = int(state["steps"].item())
        means = {key.removeprefix("mean."): value for key, value in state.items() if key.startswith("mean.")}
        kind = next((value.dtype for value in means.values()), np.dtype(np.float32))
        self._of_all = Moments({name: value.shape for name, value in means.items()}, kind)
        for name, value in means.items():
            self._of_all.means[name][...] = value
            self._of_all.squares[name][...] = state[f"square.{name}"]


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019): theta <- (1 - 2 alpha lambda) theta."""

    decoupled = True


class Momentum(Protocol):
    """What an optimiser is made from: the settings of a training, or those of the classifier."""

    @property
    def momentum(self) -> float:
        """Mu in [0, 1)."""


OPTIMISERS: dict[str, Callable[[Momentum], Optimiser]] = {
    "sgd": lambda settings: SGD(settings.momentum),
    "nesterov": lambda settings: SGD(settings.momentum, nesterov=settings.momentum > 0),
    "adam": lambda settings: Adam(),
    "adamw": lambda settings: AdamW(),
}
"""The update rules by name. Each is called with the settings; their PyTorch counterparts have the same name
in `fcnet.torch_net.optimisers`."""


def make_optimiser(name: str, settings: Momentum) -> Optimiser:
    """The update rule of this name.

    Raises
    ------
    DataError : the name is unknown; the text lists the known ones
    ExtensionError : a user's own one lacks a method, or its state is not arrays by name
    """
    make = look_up(OPTIMISERS, name, "optimiser")
    if not is_own(make):
        return make(settings)
    what = f"the optimiser {name!r}"
    made: Optimiser = called(what, make, settings, wants="a function of the settings that makes one")
    arguments = {"step": "parameters, learning_rate, reg", "state": "", "load_state": "state"}
    require_methods(what, made, object, arguments)
    checked_state(made)
    return made


def checked_state(optimiser: Optimiser) -> dict[str, Array]:
    """The memory of an optimiser, for a checkpoint.

    Raises
    ------
    ExtensionError : a user's own one gives something else than arrays by name
    """
    state = optimiser.state()
    named = isinstance(state, dict) and all(isinstance(name, str) for name in state)
    if not named or not all(isinstance(value, np.ndarray) for value in state.values()):
        text = "gives a state that is not arrays by name, return a dict of arrays, such as np.array(steps)"
        raise broken("the optimiser", optimiser, text)
    return state


def add_gradient(parameter: Parameter, target: Scaled, alpha: float) -> None:
    """Overwrite target with target + alpha dJ/dtheta."""
    gradient_of(parameter).add_to(target.stored, alpha=alpha / target.scale)


def gradient_of(parameter: Parameter) -> Gradient:
    """The gradient that the last backward pass left.

    Raises
    ------
    ExtensionError : no backward pass yet, or one that does not set it
    """
    if parameter.gradient is None:
        raise ExtensionError(
            f"{parameter.name} has no gradient yet: call backward before the optimiser, and let the backward "
            "of its layer set it"
        )
    return parameter.gradient
