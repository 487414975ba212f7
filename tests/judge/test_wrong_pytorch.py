"""Mistakes in PyTorch scripts are named, in programs of other styles than the specimen too."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import pytest

from fcnet.judge.catalogue import specimen
from in_process import judged
from judge.test_right_pytorch import OWN_PARAMETERS, with_own_parameters

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


@pytest.mark.parametrize(("text", "code"), WRONG)
def test_a_mistake_is_named(text: str, code: str, apart: ProcessPoolExecutor) -> None:
    report = apart.submit(judged, text, "ex2_pytorch.py").result()
    assert {f.code for f in report.findings if f.severity == "error"} == {code}, report.findings
    assert report.verdict == "wrong"
    for finding in report.findings:
        assert finding.shown.expected is not None
        assert finding.shown.got is not None
