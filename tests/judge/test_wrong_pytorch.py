# ruff: noqa: E501  each change stands in one line
"""Mistakes in PyTorch scripts are named, in programs of other styles than the specimen too."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fcnet.judge.accuracy import judge_accuracy
from fcnet.judge.case import Case
from fcnet.judge.catalogue import specimen
from fcnet.judge.isolation.reply import Event
from fcnet.judge.script import judge_descent
from fcnet.judge.source import Source
from in_process import judged
from judge.test_right_pytorch import BY_HAND, FUNCTIONS, OWN_PARAMETERS, STEP, STEPS, with_own_parameters

pytest.importorskip("torch")

SCRIPT = specimen("pytorch")
OWN = with_own_parameters(*OWN_PARAMETERS["(inputs, outputs)"])
ROWS = with_own_parameters(*OWN_PARAMETERS["the bias as the last row"])


def changed(program: str, *changes: tuple[str, str]) -> str:
    """A program with some of its text replaced."""
    for old, new in changes:
        assert program.count(old) == 1, (old, program.count(old))
        program = program.replace(old, new)
    return program


PAIR = "out @ self.weights[i] + self.biases[i]"
SIZES = "[input_size] + list(hidden_layers) + [num_classes]"

WRONG = [
    (changed(OWN, (PAIR, "out @ self.weights[i]")), "PT_FORWARD_UNKNOWN"),
    (
        changed(
            OWN, (PAIR, f"{PAIR} + (out if self.weights[i].shape[0] == self.weights[i].shape[1] else 0)")
        ),
        "PT_SHORTCUT",
    ),
    (changed(OWN, ("torch.relu(out)", "out * 1")), "PT_NO_ACTIVATION"),
    (
        changed(OWN, (SIZES, "[input_size] + [hidden_layers[0]] * len(hidden_layers) + [num_classes]")),
        "PT_WIDTHS",
    ),
    (changed(OWN, (SIZES, "[input_size, hidden_layers[0], num_classes]")), "PT_DEPTH_FIXED"),
    (changed(OWN, (SIZES, "[input_size] + list(hidden_layers) + [10]")), "PT_SIZES_HARDCODED"),
    (changed(ROWS, ("torch.relu(out)", "out * 1")), "PT_NO_ACTIVATION"),
    (changed(ROWS, (SIZES, "[3072] + list(hidden_layers) + [num_classes]")), "PT_SIZES_HARDCODED"),
    (changed(ROWS, ("torch.ones(len(out), 1)", "torch.full((len(out), 1), 2.0)")), "PT_FORWARD_UNKNOWN"),
]

ADAM = "torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=0.001)"
LOSS = "loss = criterion(outputs, labels)"
CRITERION = "nn.CrossEntropyLoss()"
SUMMED = 'nn.CrossEntropyLoss(reduction="sum")'
ONE_HOT = "nn.functional.one_hot(labels, 10).float()"
SGD = "optim.SGD(model.parameters(), lr=0.1, momentum=0.9)"
COUNT = "(model(data).argmax(dim=-1) == target).sum().item()"
WHOLE = ("len(loader.dataset)", "total")
COUNTED = (
    changed(
        FUNCTIONS,
        (f"    right = sum({COUNT} for data, target in loader)\n", f"    right = total = 0\n    for data, target in loader:\n        right += {COUNT}\n        total += len(target)\n"),
        WHOLE,
    )
)  # fmt: skip
AFTERWARDS = (
    "        model.eval()\n        with torch.no_grad():\n            correct",
    """        for images, labels in train_loader:
            with torch.no_grad():
                print("training loss", criterion(model(images.view(images.size(0), -1)), labels))
        model.eval()
        with torch.no_grad():
            correct""",
)

TRAINING = [
    (changed(SCRIPT, (ADAM, "torch.optim.SGD(model.parameters(), lr=0.1, maximize=True)")), "PT_UPHILL"),
    (changed(SCRIPT, (LOSS, "loss = -nn.functional.cross_entropy(outputs, labels)")), "PT_UPHILL"),
    (changed(FUNCTIONS, (SGD, "optim.AdamW(model.parameters(), maximize=True)")), "PT_UPHILL"),
    (changed(FUNCTIONS, (STEP, BY_HAND.replace("p -=", "p +="))), "PT_UPHILL"),
    (changed(FUNCTIONS, (STEP, STEPS["a step that is given a closure"].replace("= F.nll", "= -F.nll"))), "PT_UPHILL"),
    (changed(FUNCTIONS, (STEP, STEPS["gradients that are asked for"].replace("grad = g", "grad = -g"))), "PT_UPHILL"),
    (changed(SCRIPT, (CRITERION, SUMMED), (ADAM, "torch.optim.SGD(model.parameters(), lr=learning_rate)")), "PT_LOSS_SUM"),
    (changed(SCRIPT, (CRITERION, 'nn.CrossEntropyLoss(reduction="sum", label_smoothing=0.1)')), "PT_LOSS_SUM"),
    (changed(FUNCTIONS, ("nll_loss(model(data), target)", 'nll_loss(model(data), target, reduction="sum")')), "PT_LOSS_SUM"),
    (changed(FUNCTIONS, (SGD, "optim.SGD(model.out.parameters(), lr=0.1)")), "PT_PARAMETERS_LEFT_OUT"),
    (changed(FUNCTIONS, (SGD, "optim.SGD([*model.fc0.parameters(), *model.out.parameters()], lr=0.1)")), "PT_PARAMETERS_LEFT_OUT"),
    (changed(FUNCTIONS, ("    optimizer = optim", "    for p in model.fc1.parameters():\n        p.requires_grad = False\n    optimizer = optim")), "PT_FROZEN"),
    (changed(SCRIPT, (LOSS, f"loss = ((outputs - {ONE_HOT}) ** 2).mean()")), "PT_OTHER_LOSS"),
    (changed(SCRIPT, (LOSS, f"loss = 3 * (outputs - {ONE_HOT}).pow(2).sum()")), "PT_OTHER_LOSS"),
    (changed(SCRIPT, (LOSS, f"loss = nn.functional.smooth_l1_loss(outputs, {ONE_HOT})")), "PT_OTHER_LOSS"),
    (changed(SCRIPT, (LOSS, "loss = criterion(outputs.softmax(1), labels)")), "PT_SOFTMAX_BEFORE_LOSS"),
    (changed(SCRIPT, (LOSS, "loss = criterion(outputs.softmax(1), labels)"), AFTERWARDS), "PT_SOFTMAX_BEFORE_LOSS"),
    (changed(SCRIPT, (LOSS, f"loss = nn.functional.mse_loss(outputs.softmax(1), {ONE_HOT})"), AFTERWARDS), "PT_OTHER_LOSS"),
    (changed(FUNCTIONS, ("x = F.relu(getattr(self", "x = F.relu(x if not number else x.detach()) if number else x\n            x = F.relu(getattr(self")), "PT_FROZEN"),
]  # fmt: skip

EVALUATION = [
    (changed(COUNTED, ("argmax(dim=-1)", "argmin(dim=-1)")), "PT_ARGMIN"),
    (changed(COUNTED, ("model(data).argmax", "(-model(data)).argmax")), "PT_ARGMIN"),
    (changed(COUNTED, ("model(data).argmax(dim=-1) == target).sum()", "model(data).numpy().argmin(axis=1) == target.numpy()).sum()")), "PT_ARGMIN"),
    (changed(COUNTED, ("total += len(target)", "total += 1"), ("val_loader = DataLoader(data, batch_size=100", "val_loader = DataLoader(data, batch_size=50")), "PT_ACCURACY"),
    (changed(COUNTED, ("right += ", "right = "), ("print(epoch,", "print('accuracy',")), "PT_ACCURACY"),
    (changed(COUNTED, ("right / total", "right / 100"), ("print(epoch,", "print('accuracy',")), "PT_ACCURACY"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), [*WRONG, *TRAINING, *EVALUATION])
def test_a_mistake_is_named(text: str, code: str, apart: ProcessPoolExecutor) -> None:
    report = apart.submit(judged, text, "ex2_pytorch.py").result()
    assert {f.code for f in report.findings if f.severity == "error"} == {code}, report.findings
    assert report.verdict == "wrong"
    for finding in report.findings:
        assert finding.shown.expected is not None
        assert finding.shown.got is not None


def test_any_numbers_may_be_printed() -> None:
    events = [
        Event("pass", "test", 10_000, "", {"right": 0.25, "least": np.inf, "mean": np.nan, "size": -1}),
        Event("print", "", 0, "accuracy 1e+999999 -1.5 1e308 0x10 1.2.3 7" + "0" * 150 + ".123 %"),
    ]
    case = Case(Source(Path("ex2_pytorch.py"), SCRIPT), "pytorch", np.random.default_rng(0))
    judge_accuracy(case, events)
    steep = [Event("slope", "", 0, "squared", {"factor": np.inf}), Event("move", measures={"cosine": np.inf})]
    judge_descent(case, steep, ("train",))
    assert [finding.code for finding in case.findings] == ["PT_UPHILL"]


def test_an_accuracy_over_minibatches_of_unequal_sizes_is_a_remark(apart: ProcessPoolExecutor) -> None:
    text = changed(
        COUNTED,
        (COUNT, COUNT.replace(".sum()", ".float().mean()")),
        ("total += len(target)", "total += 1"),
        ("val_loader = DataLoader(data, batch_size=100", "val_loader = DataLoader(data, batch_size=64"),
    )
    report = apart.submit(judged, text, "ex2_pytorch.py").result()
    assert report.verdict == "right"
    assert {f.code for f in report.findings} == {"PT_LOG_SOFTMAX", "PT_ACCURACY_UNEVEN"}


def test_the_line_of_a_mistake_is_named(apart: ProcessPoolExecutor) -> None:
    lines = {
        changed(SCRIPT, ("weight_decay=0.001", "maximize=True")): "maximize=True",
        changed(SCRIPT, (LOSS, "loss = -criterion(outputs, labels)")): "-criterion",
        changed(SCRIPT, (CRITERION, SUMMED)): 'reduction="sum"',
        changed(SCRIPT, ("100 * correct / total))\n    torch", "100 * correct / len(val_loader)))\n    torch")): "/ len(val_loader)",
        changed(SCRIPT, ("torch.argmax(outputs, dim=1)", "outputs.argmin(1)")): "argmin",
        changed(SCRIPT, ("torch.optim.Adam(model.parameters()", "torch.optim.Adam(model.layers[-1].parameters()")): "layers[-1].parameters()",
        changed(SCRIPT, ("    criterion = nn", "    model.layers[0].requires_grad_(False)\n    criterion = nn")): "requires_grad_(False)",
    }  # fmt: skip
    for text, part in lines.items():
        (finding,) = apart.submit(judged, text, "ex2_pytorch.py").result().findings
        assert finding.line is not None
        assert part in text.splitlines()[finding.line - 1]
