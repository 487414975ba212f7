"""Exercise 2, question 4: the same network in PyTorch, and what happens when it gets deeper.

Read it from top to bottom, beside `src/fcnet/torch_net/mlp.py`, which holds the network itself. Run it with

    python exercise/ex2_pytorch.py [--data DIR] [--out DIR] [--epochs N] [--hidden N]

It says first how long it takes. The figure goes to OUT (runs/exercise if not given). The data and the class
MultiLayerPerceptron are fcnet's; the loop is plain PyTorch.
"""

import argparse
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("agg")  # draws without windows
import matplotlib.pyplot as plt

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit("error: this needs PyTorch, which is not installed; get it with: pip install 'torch>=2.4'")

from fcnet.cli.loading import digits_notice, load
from fcnet.data.dataset import split
from fcnet.errors import FcnetError
from fcnet.experiments.duration import expected
from fcnet.records import make_writable, read_json, write_json
from fcnet.report.style import STYLE, TRAIN, VALIDATION
from fcnet.torch_net.hardware import choose_device
from fcnet.torch_net.mlp import MultiLayerPerceptron

BATCH = 200


# The images: pixels from 0 to 255 become numbers from -1 to 1, (pixel / 255 - 0.5) / 0.5 -------------------
class Images:
    """All images on the device as bytes, which is a quarter of the memory; a minibatch becomes floats."""

    def __init__(self, dataset, device):
        train, validation = split(dataset.train, min(1000, len(dataset.train) // 5))
        parts = {"train": train, "validation": validation, "test": dataset.test}
        self.X = {name: torch.tensor(part.images).to(device) for name, part in parts.items()}
        self.y = {name: torch.tensor(part.labels).to(device) for name, part in parts.items()}
        self.dataset, self.device = dataset, device

    def batch(self, part, rows):
        return (self.X[part][rows] / 255 - 0.5) / 0.5, self.y[part][rows]


# Question 4b: training. The loss is nn.CrossEntropyLoss, which has the softmax inside; loss.backward() does
# what question 2 derived, and optimizer.step() is Algorithm 1.
def train(images, hidden_layers, he, epochs, learning_rate):
    torch.manual_seed(0)
    net = MultiLayerPerceptron(images.X["train"].shape[1], hidden_layers, len(images.dataset.classes))
    for layer in net.layers:
        if he:
            nn.init.kaiming_normal_(layer.weight)  # variance 2 / inputs: a ReLU layer passes the signal on
        else:
            nn.init.normal_(layer.weight, std=1e-3)  # the exercise's own
        nn.init.zeros_(layer.bias)
    net.to(images.device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9, weight_decay=2e-4)
    N = len(images.y["train"])
    batch = min(BATCH, N)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * (N // batch))
    for _ in range(epochs):
        order = torch.randperm(N, device=images.device)
        for step in range(N // batch):
            X, y = images.batch("train", order[step * batch : (step + 1) * batch])
            loss = criterion(net(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return net


@torch.no_grad()
def accuracy(net, images, part, most=10_000):
    """The fraction of correct labels, of at most this number of images."""
    X, y = images.batch(part, slice(most))
    return float((net(X).argmax(dim=1) == y).float().mean())


# Question 4a: two layers. Question 4c: 2, 3, 4 and 5 layers, all hidden ones of one width -------------------
def question_4(images, hidden, epochs, learning_rate):
    results = {}
    for layers in (2, 3, 4, 5):
        for he in (True, False):
            net = train(images, [hidden] * (layers - 1), he, epochs, learning_rate)
            accuracies = {part: accuracy(net, images, part) for part in ("train", "validation")}
            results[layers, he] = net, accuracies
            start = "He" if he else "N(0, 1e-3)"
            print(
                f"{layers} layers from {start}: training accuracy {accuracies['train']:.1%}, "
                f"validation accuracy {accuracies['validation']:.1%}",
                flush=True,
            )
    # What to see: from N(0, 1e-3) two layers train, three hardly start, and more stay at guessing. Each
    # layer multiplies the signal by about 1e-3 times the root of half its inputs, so nothing arrives at the
    # other end, and no gradient comes back. From He's choice every depth trains; what depth brings, `fcnet
    # reproduce` measures with three seeds and at equal parameters, and says which differences are noise.
    return results


# The test set, once, on the best net by validation ----------------------------------------------------------
def test_once(results, images, out):
    (layers, _), (net, _) = max(results.items(), key=lambda item: item[1][1]["validation"])
    record = out / "test_pytorch.json"
    count = 1 + (read_json(record).get("count", 0) if record.exists() else 0)
    correct = accuracy(net, images, "test")
    write_json(record, {"accuracy": correct, "layers": layers, "count": count})
    print(f"the best net on validation images has {layers} layers")
    print(f"test accuracy {correct:.1%} of {len(images.y['test'])} images of {images.dataset.label}")
    print(f"times that the test set was used, all runs into {out} together: {count}")


def draw(results, out):
    """Accuracy against the number of layers, from both initialisations."""
    figure, ax = plt.subplots(figsize=(6, 3.8))
    layers = sorted({layers for layers, _ in results})
    for he, line in ((True, "-"), (False, ":")):
        for part, color in (("train", TRAIN), ("validation", VALIDATION)):
            values = 100 * np.array([results[L, he][1][part] for L in layers])
            name = f"{'training' if part == 'train' else part}, {'He' if he else 'N(0, 1e-3)'}"
            ax.plot(layers, values, f"o{line}", color=color, label=name)
    ax.set(xlabel="layers", ylabel="accuracy (%)", xticks=layers, ylim=(0, None), title="What depth does")
    ax.legend(frameon=False, fontsize=8, loc="center right")
    figure.savefig(out / "depth_pytorch.png", dpi=150)


def main(data, out, epochs, hidden, learning_rate):
    mpl.rcParams.update(STYLE)
    make_writable(out)
    device = choose_device("auto")
    dataset = load(data)
    images = Images(dataset, device)
    print(f"Question 4: {dataset.label}, on {device}")
    if dataset.name == "CIFAR-10" and (epochs, hidden, device.type) == (4, 256, "cpu"):
        print(f"All of it takes {expected('ex2_pytorch.py')}.", flush=True)
    results = question_4(images, hidden, epochs, learning_rate)
    test_once(results, images, out)
    draw(results, out)
    print(f"figure: {out / 'depth_pytorch.png'}")
    if notice := digits_notice(dataset):
        print(notice)


if __name__ == "__main__":
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--data", type=Path, help="folder with CIFAR-10; looked for or fetched if not given")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/exercise"), help="folder for figure and record"
    )
    parser.add_argument("--epochs", type=int, default=4, help="passes over the training images")
    parser.add_argument("--hidden", type=int, default=256, help="units of every hidden layer")
    parser.add_argument("--learning-rate", type=float, default=0.03, help="alpha at its highest")
    options = parser.parse_args()
    try:
        main(**vars(options))
    except FcnetError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, say, while the figure is saved
        print(f"error: cannot write to {options.out} ({error.strerror or error})", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped: by Ctrl-C", file=sys.stderr)
        sys.exit(130)
