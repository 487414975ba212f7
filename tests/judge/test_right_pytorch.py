# ruff: noqa: E501  programs are kept as their authors write them
"""Right PyTorch solutions in different styles."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from fcnet.judge.catalogue import specimen
from in_process import judged
from judge.right_solutions import notebook

pytest.importorskip("torch")

MODULE_LIST = specimen("pytorch").replace(
    "        self.layers = nn.Sequential(*layers)\n",
    "        self.layers = nn.ModuleList(layer for layer in layers if isinstance(layer, nn.Linear))\n",
).replace(
    "        out = self.layers(x)\n        return out\n",
    "        x = x.view(x.size(0), -1)\n        for layer in self.layers[:-1]:\n            x = torch.relu(layer(x))\n"
    "        return self.layers[-1](x)\n",
)  # fmt: skip

REGULARISED = specimen("pytorch").replace(
    "            layers.append(nn.ReLU())\n",
    "            layers.append(nn.BatchNorm1d(n_out))\n            layers.append(nn.ReLU())\n"
    "            layers.append(nn.Dropout(0.2))\n",
)  # fmt: skip

FUNCTIONS = """
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import datasets, transforms


class MLP(nn.Module):
    def __init__(self, input_dim, hidden, classes):
        super().__init__()
        widths = [input_dim] + hidden
        for number in range(len(hidden)):
            self.add_module("fc%d" % number, nn.Linear(widths[number], widths[number + 1]))
        self.out = nn.Linear(widths[-1], classes)
        self.depth = len(hidden)

    def forward(self, x):
        x = torch.flatten(x, 1)
        for number in range(self.depth):
            x = F.relu(getattr(self, "fc%d" % number)(x))
        return F.log_softmax(self.out(x), dim=1)


def fit(model, loader, optimizer):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        F.nll_loss(model(data), target).backward()
        optimizer.step()


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    right = sum((model(data).argmax(dim=-1) == target).sum().item() for data, target in loader)
    return right / len(loader.dataset)


def main():
    data = datasets.CIFAR10("data", train=True, download=True, transform=transforms.ToTensor())
    test = datasets.CIFAR10("data", train=False, transform=transforms.ToTensor())
    loader = DataLoader(data, batch_size=100, sampler=SubsetRandomSampler(range(49000)))
    val_loader = DataLoader(data, batch_size=100, sampler=SubsetRandomSampler(range(49000, 50000)))
    model = MLP(3072, [64, 32], 10)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(3):
        fit(model, loader, optimizer)
        print(epoch, evaluate(model, val_loader))
    print(evaluate(model, DataLoader(test, batch_size=100)))


if __name__ == "__main__":
    main()
"""

CONTAINER = """        layers = []
        sizes = [input_size] + list(hidden_layers)
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            layers.append(nn.Linear(n_in, n_out))
            layers.append(nn.ReLU())
        layers.append(nn.Linear(sizes[-1], num_classes))
        self.layers = nn.Sequential(*layers)
"""


def with_own_parameters(weight: str, bias: str, product: str) -> str:
    """The handout's script with parameters of its own: their sizes, and what a layer does with `out`."""
    made = f"""        sizes = [input_size] + list(hidden_layers) + [num_classes]
        pairs = list(zip(sizes[:-1], sizes[1:]))
        self.weights = nn.ParameterList(nn.Parameter(0.01 * torch.randn({weight})) for n_in, n_out in pairs)
"""
    if bias:
        made += f"        self.biases = nn.ParameterList(nn.Parameter(torch.zeros({bias})) for _, n_out in pairs)\n"
    used = f"""        out = x
        for i in range(len(self.weights)):
            one = torch.ones(len(out), 1)
            out = {product}
            if i + 1 < len(self.weights):
                out = torch.relu(out)
"""
    text = specimen("pytorch")
    for old, new in ((CONTAINER, made), ("        out = self.layers(x)\n", used)):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


OWN_PARAMETERS = {
    "(inputs, outputs)": ("n_in, n_out", "n_out", "out @ self.weights[i] + self.biases[i]"),
    "(outputs, inputs)": ("n_out, n_in", "n_out", "out @ self.weights[i].t() + self.biases[i]"),
    "biases of one row": ("n_in, n_out", "1, n_out", "out @ self.weights[i] + self.biases[i]"),
    "biases of one column": ("n_out, n_in", "n_out, 1", "(self.weights[i] @ out.t() + self.biases[i]).t()"),
    "the bias as the last row": ("n_in + 1, n_out", "", "torch.cat([out, one], 1) @ self.weights[i]"),
    "the bias as the first row": ("n_in + 1, n_out", "", "torch.cat([one, out], 1) @ self.weights[i]"),
    "the bias as a column": ("n_out, n_in + 1", "", "torch.cat([out, one], 1) @ self.weights[i].t()"),
}

STEP = """        optimizer.zero_grad()
        F.nll_loss(model(data), target).backward()
        optimizer.step()
"""
BY_HAND = """        model.zero_grad()
        F.nll_loss(model(data), target).backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
"""
STEPS = {
    "gradients that are set to None": """        for p in model.parameters():
            p.grad = None
        F.nll_loss(model(data), target).backward()
        optimizer.step()
""",
    "a step that is given a closure": """        def closure():
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            return loss
        optimizer.step(closure)
""",
    "weights that are moved by hand": BY_HAND,
    "gradients that are asked for": """        weights = list(model.parameters())
        for p, g in zip(weights, torch.autograd.grad(F.nll_loss(model(data), target), weights)):
            p.grad = g
        optimizer.step()
""",
}

ADAM = "torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=0.001)"
CRITERION = "nn.CrossEntropyLoss()"
LOSS = "loss = criterion(outputs, labels)"
COUNTING = """                _, predicted = torch.max(outputs.data, 1)
                total += labels.size(0)
                correct += (predicted == labels).sum().item()
            print("validation accuracy: {} %".format(100 * correct / total))
"""
MEANS = """                predicted = torch.argmin(-outputs, 1)
                total += 1
                correct += (predicted == labels).float().mean().item()
            print("validation accuracy: {:.3f}".format(correct / total))
"""
WHOLE_PERCENT = COUNTING.replace("{} %", "%d %%").replace(
    ".format(100 * correct / total)", " % (100 * correct // total)"
)
WITH_OTHER_NUMBERS = (
    COUNTING
    + """            print("best accuracy 0.512, error {:.2f} %, lr 0.00100".format(100 - 100 * correct / total))
"""
)
STEPPING = """            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
"""
CHANGES = {
    "a sum that is divided by the number of examples": [
        (CRITERION, 'nn.CrossEntropyLoss(reduction="sum")'),
        (LOSS, f"{LOSS} / labels.size(0)"),
    ],
    "a negative loss that is maximised": [
        (ADAM, ADAM.replace("weight_decay=0.001", "maximize=True")),
        (LOSS, "loss = -criterion(outputs, labels)"),
    ],
    "smoothed labels and weights of classes": [
        (CRITERION, "nn.CrossEntropyLoss(weight=torch.linspace(0.5, 1.5, 10), label_smoothing=0.1)"),
    ],
    "a cross-entropy by hand": [
        (LOSS, "loss = -torch.log_softmax(outputs, 1)[range(len(labels)), labels].mean()"),
    ],
    "the logarithm of a softmax": [
        (LOSS, "loss = nn.functional.nll_loss(torch.log(torch.softmax(outputs, 1)), labels)"),
    ],
    "groups of parameters": [
        (ADAM, "torch.optim.Adam([{'params': layer.parameters(), 'lr': 1e-3} for layer in model.layers if isinstance(layer, nn.Linear)])"),
    ],
    "two optimisers": [
        (f"    optimizer = {ADAM}", "    optimizer = torch.optim.Adam(model.layers[:2].parameters())\n    other = torch.optim.SGD(model.layers[2:].parameters(), lr=0.1)"),
        (STEPPING, STEPPING + STEPPING.replace("optimizer", "other").replace("            loss.backward()\n", "").replace("            other.zero_grad()\n", "")),
        ("            optimizer.zero_grad()\n", "            optimizer.zero_grad()\n            other.zero_grad()\n"),
    ],
    "a learning rate that starts at 0": [
        (ADAM, f"{ADAM}\n    warm_up = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, step / 4))"),
        (STEPPING, f"{STEPPING}            warm_up.step()\n"),
    ],
    "a strong penalty": [
        (ADAM, "torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.5)"),
    ],
    "constants among the parameters": [
        ("        self.layers = nn.Sequential(*layers)", "        self.layers = nn.Sequential(*layers)\n        self.mean = nn.Parameter(torch.zeros(input_size), requires_grad=False)"),
        ("self.layers(x)", "self.layers(x - self.mean)"),
    ],
    "layers that take their sizes from the first batch": [
        ("nn.Linear(n_in, n_out)", "nn.LazyLinear(n_out)"),
        ("    model.apply(weights_init)", "    model(torch.zeros(2, input_size))\n    model.apply(weights_init)"),
    ],
    "means over minibatches of one size": [(COUNTING, MEANS)],
    "a percentage without decimals": [(COUNTING, WHOLE_PERCENT)],
    "other numbers beside the accuracy": [(COUNTING, WITH_OTHER_NUMBERS)],
    "a compiled network": [
        ("    model.apply(weights_init)", "    model.apply(weights_init)\n    network, model = model, torch.compile(model, mode='default')"),
    ],
    "a network that compiles itself": [("    model.apply(weights_init)", "    model.apply(weights_init)\n    model.compile()")],
    "a compiled forward pass": [("    def forward(self, x):", "    @torch.compile(dynamic=True)\n    def forward(self, x):")],
    "torch imported beside another module": [
        ("import torch\n", "import math, torch\n"),
        ("import torch.nn as nn\n", "nn = torch.nn\n"),
        ("    def forward(self, x):", "    @torch.compile\n    def forward(self, x):"),
    ],
    "the network inside a compiled one": [
        ("    model.apply(weights_init)", "    model.apply(weights_init)\n    model = torch.compile(model)"),
        ("model.parameters()", "model._orig_mod.parameters()"),
    ],
    "classes by NumPy": [
        ("_, predicted = torch.max(outputs.data, 1)", "predicted = torch.from_numpy(outputs.numpy().argmax(axis=1))"),
    ],
}  # fmt: skip


def with_changes(name: str) -> str:
    """The handout's script in another way that is right, too."""
    text = specimen("pytorch")
    for old, new in CHANGES[name]:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


RIGHT = {
    "the handout's style": (specimen("pytorch"), set()),
    "a list of modules, flattened inside": (MODULE_LIST, set()),
    "batch norm and dropout": (REGULARISED, set()),
    "functions, another class name, samplers": (FUNCTIONS, {"PT_LOG_SOFTMAX"}),
    **{name: (FUNCTIONS.replace(STEP, step), {"PT_LOG_SOFTMAX"}) for name, step in STEPS.items()},
    **{
        f"parameters of its own: {name}": (with_own_parameters(*parts), set())
        for name, parts in OWN_PARAMETERS.items()
    },
    **{name: (with_changes(name), set()) for name in CHANGES},
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_solution_is_called_right(name: str, apart: ProcessPoolExecutor) -> None:
    """All in one process that imports PyTorch once; `test_check.py` checks one in a process of its own."""
    text, remarks = RIGHT[name]
    report = apart.submit(judged, text, "ex2_pytorch.py").result()
    assert [f.code for f in report.findings if f.severity == "error"] == [], report.findings
    assert report.verdict == "right"
    assert {f.code for f in report.findings} == remarks
    assert {stage.verdict for stage in report.stages} == {"right"}, report.notes


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (STEP.replace("        optimizer.step()\n", ""), "PT_STEP_MISSING"),
        (STEP.replace("        optimizer.zero_grad()\n", ""), "PT_ZERO_GRAD_MISSING"),
        (BY_HAND.replace("        model.zero_grad()\n", ""), "PT_ZERO_GRAD_MISSING"),
        (BY_HAND.replace("-= 0.1", "-= 0"), "PT_STEP_MISSING"),
        (STEP + "        optimizer.param_groups[0]['lr'] = 0\n", "PT_STEP_MISSING"),
    ],
)
def test_what_such_a_step_lacks_is_still_named(step: str, code: str, apart: ProcessPoolExecutor) -> None:
    text = FUNCTIONS.replace(STEP, step).replace("lr=0.1", "lr=0" if "'lr'" in step else "lr=0.1")
    report = apart.submit(judged, text, "ex2_pytorch.py").result()
    assert [f.code for f in report.findings if f.severity == "error"] == [code]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            [(CRITERION, 'nn.CrossEntropyLoss(reduction="sum")'), ("learning_rate = 1e-3", "learning_rate = 5e-6")],
            "the loss is a sum over the minibatch",
        ),
        (
            [(STEPPING, "            loss.backward()\n            if i % 2 == 1:\n                optimizer.step()\n                optimizer.zero_grad()\n")],
            "the optimiser steps once for several minibatches",
        ),
        (
            [(LOSS, "p = torch.softmax(outputs, 1)[range(len(labels)), labels]\n            loss = -((1 - p) ** 2 * p.log()).mean() + outputs.abs().max()")],
            "the loss is neither one of PyTorch's nor the cross-entropy",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_decided_is_a_note(
    changes: list[tuple[str, str]], words: str, apart: ProcessPoolExecutor
) -> None:
    text = specimen("pytorch")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    report = apart.submit(judged, text, "ex2_pytorch.py").result()
    assert report.findings == ()
    assert any(note.startswith(words) for note in report.notes)


def test_a_notebook_is_read_as_a_script(apart: ProcessPoolExecutor) -> None:
    text = notebook(
        specimen("pytorch").replace("MultiLayerPerceptron(nn.Module)", "TwoLayerNet(nn.Module)")
    ).replace("MultiLayerPerceptron", "TwoLayerNet")
    report = apart.submit(judged, text, "ex2_pytorch.ipynb").result()
    assert [f.code for f in report.findings if f.severity == "error"] == [], report.findings


def test_optimisers_do_without_the_compiler_and_who_asks_for_it_gets_it() -> None:
    """In a process of its own, since the place of `torch.compile` is taken for good."""
    program = """
import sys, torch
from fcnet.judge.child.compiler import Absent, leave_out_compiler
leave_out_compiler()
weight = torch.nn.Parameter(torch.ones(2))
optimizer = torch.optim.Adam([weight])
weight.sum().backward()
optimizer.step()
optimizer.zero_grad()
assert torch.compiler.disable(len) is len
assert isinstance(sys.modules["torch._dynamo"], Absent)
assert torch.compile(len) is torch.compile()(len) is len
import torch._dynamo.config
torch.compiler.reset()
assert torch._dynamo is sys.modules["torch._dynamo"] and not isinstance(torch._dynamo, Absent)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
