"""Submissions of several files: the network is in a file beside the one that is named, or in a package."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcnet.judge import check_submission
from fcnet.judge.catalogue import kinds, mutated, specimen
from fcnet.judge.report import Report
from judge.right_solutions import LAYERS, ONE_HOT

DRIVER = """import numpy as np
from two_layernet import TwoLayerNet

raise SystemExit("the training would begin here")
"""


def written(folder: Path, **files: str) -> Path:
    """Files of a submission, by their names with __ for a slash; gives the first."""
    paths = [folder / f"{name.replace('__', '/', 1)}.py" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return paths[0]


def errors(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == "error"]


def mistaken(code: str) -> str:
    """The specimen with a mistake."""
    text = mutated(specimen(), kinds()[code].mutants[0])
    assert text is not None
    return text


@pytest.mark.parametrize(
    "line",
    [
        "from two_layernet import TwoLayerNet",
        "from two_layernet import *",
        "import two_layernet",
        "from middle import TwoLayerNet",
    ],
)
def test_a_script_that_imports_the_network_stands_for_the_file_that_defines_it(
    line: str, tmp_path: Path
) -> None:
    driver = DRIVER.replace("from two_layernet import TwoLayerNet", line)
    path = written(
        tmp_path,
        ex2_FCnet=driver,
        middle="from two_layernet import TwoLayerNet\n",
        two_layernet=mistaken("REG_GRAD_FACTOR"),
    )
    report = check_submission(path)
    assert errors(report) == ["REG_GRAD_FACTOR"]
    assert report.findings[0].line is not None
    assert report.notes[0] == "ex2_FCnet.py imports the network: two_layernet.py is judged"


def test_a_network_in_a_package_is_judged(tmp_path: Path) -> None:
    text = mistaken("REG_GRAD_FACTOR").replace("import numpy as np", "import numpy as np\nfrom . import more")
    path = written(
        tmp_path,
        main=DRIVER.replace("from two_layernet", "from net.two_layernet"),
        net____init__="",
        net__two_layernet=text,
        net__more="",
    )
    report = check_submission(path)
    assert errors(report) == ["REG_GRAD_FACTOR"]
    assert report.findings[0].line is None
    assert "net/two_layernet.py defines the network: lines of that file are not shown" in report.notes


def test_what_a_network_uses_may_be_in_a_package(tmp_path: Path) -> None:
    layers, _, network = LAYERS.partition("\n\n\nclass TwoLayerNet")
    names = [
        line.split()[1].partition("(")[0].strip(":") for line in layers.splitlines() if line[:5] == "class"
    ]
    assert names
    head = f"import numpy as np\nfrom parts.layers import {', '.join(names)}\n\n\nclass TwoLayerNet"
    path = written(tmp_path, two_layernet=head + network, parts____init__="", parts__layers=layers)
    assert errors(check_submission(path)) == []


def test_an_import_of_the_network_that_fails_is_said(tmp_path: Path) -> None:
    report = check_submission(written(tmp_path, main=DRIVER))
    assert errors(report) == ["IMPORT_FAILS"]
    assert report.findings[0].line == 2


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    written(secret, two_layernet=ONE_HOT, net____init__=ONE_HOT)
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "two_layernet.py").symlink_to(secret / "two_layernet.py")
    (folder / "net").symlink_to(secret / "net")
    for line in ("from two_layernet import TwoLayerNet", "from net import TwoLayerNet"):
        report = check_submission(written(folder, main=f"{line}\n"))
        assert errors(report) == ["IMPORT_FAILS"]


PYTORCH = specimen("pytorch")
START, END = PYTORCH.index("class MultiLayerPerceptron"), PYTORCH.index("model = MultiLayerPerceptron")
WITHOUT = PYTORCH[:START] + PYTORCH[END:]
NETWORK = "import torch\nimport torch.nn as nn\n\n\n" + PYTORCH[START:END]


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("from network import MultiLayerPerceptron", "MultiLayerPerceptron("),
        ("import network", "network.MultiLayerPerceptron("),
    ],
)
def test_a_pytorch_script_may_import_its_network(line: str, call: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    script = f"{line}\n{WITHOUT}".replace("MultiLayerPerceptron(input", f"{call}input")
    assert call in script
    report = check_submission(written(tmp_path, ex2_pytorch=script, network=NETWORK))
    assert errors(report) == []
    assert "network.py defines the network: lines of that file are not shown" in report.notes


@pytest.mark.parametrize(
    ("script", "network", "code"),
    [
        (WITHOUT.replace("            optimizer.step()\n", ""), NETWORK, "PT_STEP_MISSING"),
        (WITHOUT, NETWORK.replace("nn.ReLU()", "nn.Identity()"), "PT_NO_ACTIVATION"),
    ],
    ids=["the script", "the network"],
)
def test_mistakes_are_found_in_both_files(script: str, network: str, code: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert script != WITHOUT or network != NETWORK
    text = f"from network import MultiLayerPerceptron\n{script}"
    report = check_submission(written(tmp_path, ex2_pytorch=text, network=network))
    assert errors(report) == [code]
    assert (report.findings[0].line is None) == (network != NETWORK)


def test_a_pytorch_scripts_loaders_may_come_from_a_package(tmp_path: Path) -> None:
    """They find random pictures there, too."""
    pytest.importorskip("torch")
    first, last = PYTORCH.index("norm_transform = "), START
    sizes = "batch_size, num_training, num_validation = 200, 49000, 1000\n"
    loaders = f"import torch\nimport torchvision\nimport torchvision.transforms as transforms\n\n{sizes}"
    path = written(
        tmp_path,
        ex2_pytorch=f"from data.loaders import *\n{PYTORCH[:first]}{PYTORCH[last:]}",
        data____init__="",
        data__loaders=loaders + PYTORCH[first:last],
    )
    report = check_submission(path)
    assert (errors(report), report.verdict, report.notes) == ([], "right", ())
    assert {stage.verdict for stage in report.stages} == {"right"}
