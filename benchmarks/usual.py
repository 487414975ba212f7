"""The exercise's net as a PyTorch user writes it: PIL images, transforms, a DataLoader, Adam."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from fcnet.data.load import load_known
from processes import say

VALIDATION = 1000
BATCH, RATE, DECAY, WEIGHT_DECAY, STD = 200, 1e-3, 0.95, 1e-3, 1e-3
"""The exercise's batch and decay; the usual rate for Adam, some weight decay, small random weights."""


class ToTensor:
    """What torchvision's transform of that name does: an image to (channels, height, width) in [0, 1]."""

    def __call__(self, image: Image.Image) -> torch.Tensor:
        tensor = torch.from_numpy(np.array(image, np.uint8, copy=True))
        return tensor.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


class Normalize:
    """What torchvision's transform of that name does."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        self.mean, self.std = mean, std

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        mean = torch.as_tensor(self.mean, dtype=tensor.dtype).view(-1, 1, 1)
        std = torch.as_tensor(self.std, dtype=tensor.dtype).view(-1, 1, 1)
        return tensor.clone().sub_(mean).div_(std)


class Images(Dataset):  # type: ignore[type-arg]
    """One PIL image after the other, transformed when it is asked for."""

    def __init__(self, images: Any, labels: Any) -> None:
        self.images = np.ascontiguousarray(images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        self.labels = labels.tolist()
        self.transforms = (ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image: Any = Image.fromarray(self.images[index])
        for transform in self.transforms:
            image = transform(image)
        return image, self.labels[index]


def usual(wanted: float, hidden: int, epochs: int, seed: int, images: int | None = None) -> None:
    """Train, evaluate after each epoch, and say when the accuracy is reached or the epochs are over.

    Parameters
    ----------
    wanted : validation accuracy, a fraction
    images : to train on, all but the last thousand if None
    """
    torch.manual_seed(seed)
    part = load_known("CIFAR-10").train
    cut = len(part) - VALIDATION
    train = Images(part.images[:cut][:images], part.labels[:cut][:images])
    validation = Images(part.images[cut:], part.labels[cut:])
    batches = DataLoader(train, batch_size=BATCH, shuffle=True, num_workers=2)
    checked = DataLoader(validation, batch_size=BATCH, num_workers=2)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=STD)
            nn.init.zeros_(layer.bias)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, DECAY)
    accuracy, done = 0.0, 0
    while done < epochs and accuracy < wanted:
        for X, y in batches:
            optimizer.zero_grad()
            loss = criterion(net(X), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            right = sum(int((net(X).argmax(dim=1) == y).sum()) for X, y in checked)
        accuracy = right / VALIDATION
        done += 1
    say(reached=accuracy >= wanted, epochs=done, val_accuracy=accuracy)
