"""PyTorch as its users write it: `torch.nn`, `torch.optim.SGD`, minibatches of images that are in memory."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from problem import Problem


class Loop:
    """The three PyTorch peers, and the one of `gpu.py`.

    Parameters
    ----------
    compiled : torch.compile fuses what stands between the pixels and the loss, and its backward
    bfloat16 : products in bfloat16 (autocast); weights, loss and updates stay float32
    device : of images, weights and products
    """

    def __init__(
        self, problem: Problem, compiled: bool = False, bfloat16: bool = False, device: str = "cpu"
    ) -> None:
        torch.set_num_threads(problem.threads)
        self.device = device
        self.images = torch.from_numpy(problem.images).to(device)
        self.labels = torch.from_numpy(problem.labels).to(device)
        self.mean, self.scale = torch.from_numpy(problem.mean).to(device), problem.scale
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(problem.sizes):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.net = nn.Sequential(*layers[:-1]).to(device)
        self.linears = [layer for layer in self.net if isinstance(layer, nn.Linear)]
        initial = problem.parameters()
        with torch.no_grad():
            for number, layer in enumerate(self.linears, start=1):
                layer.weight.copy_(torch.from_numpy(initial[f"W{number}"].T.copy()))
                layer.bias.copy_(torch.from_numpy(initial[f"b{number}"]))
        self.optimiser = torch.optim.SGD(
            [
                {"params": [layer.weight for layer in self.linears], "weight_decay": 2 * problem.reg},
                {"params": [layer.bias for layer in self.linears], "weight_decay": 0.0},
            ],
            lr=problem.learning_rate,
            momentum=problem.momentum,
            fused=True,  # its fastest on a CPU
        )
        self.autocast = torch.autocast(device, torch.bfloat16) if bfloat16 else nullcontext()
        self.loss = torch.compile(self._loss) if compiled else self._loss

    def _scores(self, images: Any) -> Any:
        return self.net((images.float() - self.mean) / self.scale)

    def _loss(self, rows: Any) -> Any:
        with self.autocast:
            scores = self._scores(self.images[rows])
        return functional.cross_entropy(scores.float(), self.labels[rows])

    def step(self, rows: Any, learning_rate: float) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        self.optimiser.zero_grad()
        loss = self.loss(torch.from_numpy(rows).to(self.device))
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def logits(self, images: Any) -> Any:
        with torch.inference_mode(), self.autocast:
            parts = [self._scores(torch.from_numpy(np.array(images[at : at + 1000])).to(self.device))
                     for at in range(0, len(images), 1000)]  # fmt: skip
        return torch.cat(parts).float().cpu().numpy()

    def parameters(self) -> dict[str, Any]:
        params = {}
        for number, layer in enumerate(self.linears, start=1):
            params[f"W{number}"] = layer.weight.detach().cpu().numpy().T
            params[f"b{number}"] = layer.bias.detach().cpu().numpy()
        return params
