"""docs/guide.md does what it says: each of its blocks is run in order, as it stands, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shell import session

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "guide.md"

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """What each block prints, in order, in one shell; none may fail."""
    return session(BLOCKS)


@pytest.fixture(autouse=True)
def needed() -> None:
    for package in ("torch", "onnxruntime", "onnx"):
        pytest.importorskip(package)


def test_the_guide_has_every_step() -> None:
    commands = {line.split()[1] for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()}
    assert commands == {
        "data", "train", "runs", "compare", "tune", "test", "predict", "report", "export",
    }  # fmt: skip
    assert {kind for kind, _ in BLOCKS} == {"sh", "python"}


def test_all_blocks_run_and_the_triangle_is_one_for_everyone(printed: list[str]) -> None:
    """The command, plain PyTorch, fcnet's Python and ONNX agree, and say that it is a triangle."""
    told = dict(zip([block for _, block in BLOCKS], printed, strict=True))

    def of(text: str) -> str:
        (found,) = [output for block, output in told.items() if text in block]
        return found

    predicted = of("fcnet predict").splitlines()
    name, probability = predicted[1].split()[:2]
    assert (predicted[0], name) == ("pictures/triangle/3.png: 16 x 16 RGB", "triangle")
    assert of("torch.nn.Linear") == f"triangle {probability} %\n"
    assert of("import predict") == "pictures/triangle/3.png triangle\n"
    largest = max(float(number) for number in re.findall(r"\d\.\d*", of("onnxruntime")))
    assert largest == pytest.approx(float(probability) / 100, abs=0.001)


def test_what_the_guide_says_of_the_output_is_so(printed: list[str]) -> None:
    train = next(text for (_, block), text in zip(BLOCKS, printed, strict=True) if "fcnet train" in block)
    lines = train.splitlines()
    assert "for testing, one in 5 of each class" in lines[0]
    assert lines[1].startswith("pictures: circle 80")
    assert lines[2].startswith("chosen for ")
    assert next(line for line in lines if "epoch" in line).startswith("  first: epoch   1.0")
    tested = next(text for (_, block), text in zip(BLOCKS, printed, strict=True) if "fcnet test" in block)
    accuracy = re.match(r"test accuracy ([\d.]+) %", tested)
    assert accuracy is not None
    assert float(accuracy[1]) > 60  # a search of ten trials, and the pictures that nothing has seen before
