"""A saved network's class scores from PyTorch on a device, such as a GPU, in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fcnet.torch_net.weights import network_from
from fcnet.train.model import Model

CHUNK = 2000
"""Images at once."""


def gpu_logits(model: Model) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """As `device_logits`, on the GPU; None where there is none."""
    return device_logits(model, torch.device("cuda")) if torch.cuda.is_available() else None


def device_logits(model: Model, device: torch.device) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """What `Model.logits` computes, on a device: from images (N, D) to class scores (N, K)."""
    network = network_from(model.architecture, model.params).to(device).requires_grad_(False).eval()

    def logits(images: NDArray[Any]) -> NDArray[Any]:
        scores = []
        with torch.inference_mode():
            for start in range(0, len(images), CHUNK):
                X = model.preprocessing(images[start : start + CHUNK])
                scores.append(network(torch.from_numpy(X).to(device)).cpu().numpy())
        return np.concatenate(scores)

    return logits
