"""The optimisers of torch.optim, with the conventions of `fcnet.net.optimisers`.

torch multiplies its momentum by the current learning rate, u <- mu u + g; theta <- theta - alpha u.
Algorithm 1 keeps the past learning rates in v, v <- mu v - alpha g; theta <- theta + v. The two agree if
alpha is constant. If alpha changes, v = -alpha u stays true only if u is first multiplied by
(alpha before) / (alpha now), and that is all that this file adds.

With alpha = 0 there is no such u. Algorithm 1 then goes on along v, which torch does at the alpha before with
gradients of zero.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from fcnet.arrays import Array
from fcnet.extension import broken, described
from fcnet.net.lasso import threshold
from fcnet.registry import look_up
from fcnet.torch_net.mlp import FullyConnected
from fcnet.torch_net.weights import as_numpy
from fcnet.train.config import TrainConfig
from fcnet.train.engine import part_of

Rule = Callable[[list[dict[str, Any]], TrainConfig], torch.optim.Optimizer]
"""Makes torch's optimiser from groups of parameters, each with its weight decay, and the settings."""


R = TypeVar("R", bound=torch.optim.Optimizer)


def uncompiled(rule: type[R]) -> type[R]:
    """An optimiser of torch.optim without the wrappers that keep torch's compiler away from it.

    They load the compiler for that, which takes more than a second, and no optimiser is compiled here.
    """
    methods = {name: inspect.unwrap(getattr(rule, name)) for name in ("add_param_group", "step", "zero_grad")}
    methods["step"] = torch.no_grad()(methods["step"])
    return cast(type[R], type(rule.__name__, (rule,), methods))


SGD = uncompiled(torch.optim.SGD)
Adam = uncompiled(torch.optim.Adam)
AdamW = uncompiled(torch.optim.AdamW)


def _sgd(groups: list[dict[str, Any]], config: TrainConfig) -> torch.optim.Optimizer:
    nesterov = config.optimiser == "nesterov"
    return SGD(groups, lr=config.learning_rate, momentum=config.momentum, nesterov=nesterov, fused=True)


TORCH_OPTIMISERS: dict[str, Rule] = {
    "sgd": _sgd,
    "nesterov": _sgd,
    "adam": lambda groups, config: Adam(groups, lr=config.learning_rate, fused=True),
    "adamw": lambda groups, config: AdamW(groups, lr=config.learning_rate, fused=True),
}
"""The update rules by name; those of `fcnet.net.optimisers.OPTIMISERS`."""


class Optimiser:
    """An update rule of `TrainConfig` on a network's parameters, in one fused pass over the memory of each.

    The L2 term lambda ||W||^2 has the gradient 2 lambda W, (20), which is torch's weight_decay of 2 lambda on
    the weights alone.

    Parameters
    ----------
    config : names the rule, its momentum and lambda
    net : the network

    Raises
    ------
    DataError : a rule that has no counterpart in PyTorch
    ExtensionError : a user's own one is no optimiser of PyTorch
    """

    def __init__(self, config: TrainConfig, net: FullyConnected) -> None:
        self.names = {parameter: name for name, parameter in net.named_parameters()}
        groups: list[dict[str, Any]] = [
            {"params": net.decayed(), "weight_decay": 2 * config.reg},
            {"params": net.spared(), "weight_decay": 0.0},
        ]
        self.lasso, self.weights = config.lasso, net.decayed()
        make = look_up(TORCH_OPTIMISERS, config.optimiser, "optimiser with the engine torch")
        self.rule = make(groups, config)
        if not isinstance(self.rule, torch.optim.Optimizer):
            text = f"makes {described(self.rule)}, return a torch.optim.Optimizer"
            raise broken(f"the optimiser {config.optimiser!r} in PyTorch", make, text)
        self.momentum = float(self.rule.defaults.get("momentum", 0.0))
        self.nesterov = bool(self.rule.defaults.get("nesterov", False))
        self.before: float | None = None

    def step(self, learning_rate: float) -> None:
        """One update from the gradients of the last `backward`, which are then cleared."""
        if self.coasts(learning_rate):
            self._coast()
            return
        ratio = self.ratio(learning_rate)
        if self.nesterov and ratio != 1.0:
            # Nesterov momentum enters the update twice, for u and to look ahead, so u itself is changed
            self._stretch(ratio)
        momentum = self.momentum if self.nesterov else self.momentum * ratio
        self._update(learning_rate, momentum)

    def coasts(self, learning_rate: float) -> bool:
        """Whether momentum alone moves the parameters in this step, which `recorded_step` cannot do."""
        return learning_rate == 0 and self.momentum > 0

    def ratio(self, learning_rate: float) -> float:
        """The learning rate before by this one, which becomes the one before; 1 without momentum."""
        ratio = 1.0 if self.before is None or not self.momentum else self.before / learning_rate
        self.before = learning_rate
        return ratio

    def recorded_step(self, learning_rate: Tensor, ratio: Tensor) -> None:
        """The same with numbers on the device, so that it can be recorded (`capture.py`)."""
        if self.momentum:
            self._stretch(ratio)
        asked = [group for group in self.rule.param_groups if "capturable" in group]
        for group in asked:
            group["capturable"] = True  # Adam wants to be told
        self._update(learning_rate, self.momentum)
        for group in asked:
            group["capturable"] = False

    def _stretch(self, ratio: float | Tensor) -> None:
        """Multiply u by a number; before the first step there is none."""
        if buffers := [memory["momentum_buffer"] for memory in self.rule.state.values()]:
            torch._foreach_mul_(buffers, ratio)

    def _coast(self) -> None:
        """A step with the learning rate 0: v <- mu v; theta <- theta + v. The one before stays as it is."""
        decays = [group["weight_decay"] for group in self.rule.param_groups]
        for group in self.rule.param_groups:
            group["weight_decay"] = 0.0
            torch._foreach_zero_([value.grad for value in group["params"] if value.grad is not None])
        self._move(self.before or 0.0, self.momentum)
        for group, decay in zip(self.rule.param_groups, decays, strict=True):
            group["weight_decay"] = decay

    def _update(self, learning_rate: float | Tensor, momentum: float) -> None:
        self._move(learning_rate, momentum)
        if self.lasso:
            self._shrink(threshold(self.lasso, learning_rate, self.momentum))

    def _move(self, learning_rate: float | Tensor, momentum: float) -> None:
        """What torch's rule does, for this momentum."""
        for group in self.rule.param_groups:
            group["lr"] = learning_rate
            if self.momentum:
                group["momentum"] = momentum
        self.rule.step()
        self.rule.zero_grad()

    @torch.no_grad()
    def _shrink(self, t: Any) -> None:
        """The soft thresholding of `fcnet.net.lasso`; t is a number, or a tensor in a recorded step."""
        for W in self.weights:
            W.sub_(W.clamp(-t, t))

    def state(self) -> dict[str, Array]:
        """The memory by name, for a checkpoint."""
        state = {
            f"{name}.{kind}": as_numpy(value)
            for parameter, name in self.names.items()
            for kind, value in self.rule.state.get(parameter, {}).items()
        }
        return state if self.before is None else state | {"learning_rate": np.array(self.before)}

    def load_state(self, state: dict[str, Array]) -> None:
        """Continue from a checkpoint's memory."""
        self.before = float(state["learning_rate"]) if "learning_rate" in state else None
        self.rule.state.clear()
        for parameter, name in self.names.items():
            for kind, value in part_of(state, f"{name}.").items():
                # a step count stays where torch's fused rules keep it; all else is on its parameter's device
                self.rule.state[parameter][kind] = torch.from_numpy(np.array(value)).to(parameter.device)
