"""Every command explains itself, and every mistake of a user is one line and exit status 2."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

import fcnet.data.unpickle
from fcnet.cli import main
from fcnet.cli.commands import one_line, parse
from fcnet.cli.start import Recipe
from fcnet.cli.train import Train
from fcnet.errors import FcnetError
from fcnet.experiments.recipes import QUICK, RECIPES, TUNED
from fcnet.records import RunFolder
from fcnet.train.config import TrainConfig
from fcnet.train.model import Model

from .conftest import NOTE, Result, finish, start

Run = Callable[[str], Result]

COMMANDS = [
    "reproduce", "data", "data fetch", "data verify", "data info", "train", "tune", "test", "predict", "runs",
    "compare", "export", "audit", "report",
]  # fmt: skip

AT_THE_TOP = "reproduce, data, train, tune, test, predict, runs, compare, export, audit, report"

SMALL = (
    "--hidden 16 --initialisation he --preprocessing standardised --batch-size 60 --validation 200 --epochs 2"
)


# Help


def test_help_names_every_command_and_where_to_start(fcnet: Run) -> None:
    result = fcnet("--help")
    assert (result.status, result.err) == (0, [])
    text = "\n".join(result.out)
    assert "Start with: fcnet reproduce" in text
    for command in COMMANDS:
        assert command.split()[0] in text


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_parses(command: str, fcnet: Run) -> None:
    result = fcnet(f"{command} --help")
    assert (result.status, result.err) == (0, [])
    example = re.search(r"^Example: fcnet (.*?)\n\s*\n", "\n".join(result.out), re.MULTILINE | re.DOTALL)
    assert example is not None
    arguments = example[1].split()
    assert " ".join(arguments).startswith(command)
    parsed = parse(arguments)
    assert type(parsed).__name__.lower() == command.split()[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str, fcnet: Run) -> None:
    text = "\n".join(line.strip("│| ") for line in fcnet(f"{command} --help").out)
    options = re.findall(r"^(--[a-z][\w-]*)(.*(?:\n(?!--).*)*)", text.partition("options")[2], re.MULTILINE)
    assert options or command in ("data", "test")
    for option, explanation in options:
        words = re.sub(r"[A-Z]{2,}|\{.*?\}|\[.*?\]|\((default|required).*?\)", "", explanation).split()
        assert len(words) > 2, f"{command} {option} has no explanation"


# Usage errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "",
            f"expected one of {{{AT_THE_TOP}}}; for full helptext, run fcnet --help",
        ),
        (
            "frobnicate",
            f"unrecognized options: frobnicate; .*{AT_THE_TOP}; .*--help",
        ),
        ("data", "expected one of {fetch, verify, info}; .*"),
        ("train", "missing from fcnet train: --out PATH .*; .*fcnet train --help"),
        ("test", "missing from fcnet test: RUN .*"),
        ("audit --frobnicate", "unrecognized options: --frobnicate; .* --help"),
        ("train --out run --epochs many", "--epochs: invalid literal for int.*'many'; .*"),
        ("train --out run --optimiser foo", "invalid choice 'foo' for argument '--optimiser'.*"),
        ("train --out run --batch-size 0", "batch_size is 0, give at least 1; .*"),
        ("train --out run --dropout 1", "dropout is 1.0, give from 0 up to, not including, 1; .*"),
        (
            "train --out run --initialisation xavier",
            'initialisation is \'xavier\', give "he", "pytorch" or a positive .*',
        ),
        ("audit --sizes 3", r"sizes is \(3,\), give at least the inputs and the classes, such as .*"),
        ("audit --sizes 3 2 --examples 0", "examples is 0, give a whole number of at least 1"),
        ("audit --sizes 3 2 --seed -1", "seed is -1, give a finite number of at least 0"),
        ("audit --reg -1", "reg is -1.0, give a finite number of at least 0"),
        ("audit --sizes 3 2 --reg -1", "reg is -1.0, give a finite number of at least 0"),
        (
            "audit --out /proc/x/audit.json",
            "cannot write /proc/x/audit.json: .*, choose a folder with room .*",
        ),
        ("train --out run --data /nowhere", r"/nowhere \(--data\) does not exist, .*"),
        ("train --out run --data cache", r"cache \(--data\) does not exist, .*"),
        ("reproduce --data .", r"\. \(--data\) holds no CIFAR-10, .*"),
        ("train --out run --require-cifar10", "FCNET_OFFLINE is set and there is no CIFAR-10, .*"),
        ("train --out run --batch-size 500", "batch_size is 500, choose from 1 to the 437 training examples"),
        ("train --out run --validation 1437", "cannot hold out 1437 of 1437 training images, .*"),
        ("train --out /proc/x", "cannot write to /proc/x: .*, choose another with --out"),
        ("reproduce --quick --out /proc/x", "cannot write to /proc/x: .*, choose another with --out"),
        ("report nowhere", "nowhere is not the folder of a run or a reproduction, name one that fcnet wrote"),
        ("report", "missing from fcnet report: RUN .*"),
        ("test nowhere", "nowhere/record.json is missing, is nowhere the folder of a finished run\\?"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: str, message: str, fcnet: Run, home: Path
) -> None:
    result = fcnet(arguments)
    assert result.status == 2
    assert len(result.errors) == 1
    assert re.fullmatch(f"error: {message}", result.errors[0]), result.errors[0]
    assert [path.name for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "explanation",
    [
        "\x1b[31m╭─ Oh ───────╮\x1b[0m\n│ Bad          │\n│ value.       │\n"
        "│ ──────────── │\n│ Run x --help │\n╰──────────────╯\n",
        " Oh           \n -------------\n  Bad\n  value.\n  ------------\n  Run x --help\n     \n",
    ],
    ids=["box", "ascii"],
)
def test_an_explanation_of_several_lines_becomes_one(explanation: str) -> None:
    assert one_line(explanation) == "bad value; run x --help"


def test_a_defect_of_ours_is_a_traceback(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def defect(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fcnet.audit.audit_gradients", defect)
    with pytest.raises(ZeroDivisionError):
        main(["audit"])


# Commands at work


def test_the_audit_of_the_toy_problem_passes_and_shows_its_table(fcnet: Run, home: Path) -> None:
    result = fcnet("audit --out audit.json")
    assert (result.status, result.err) == (0, [])
    assert [line.split()[0] for line in result.out] == ["parameter", "W1", "b1", "W2", "b2", "passed"]
    assert json.loads((home / "audit.json").read_text())["passed"] is True


def test_the_audit_of_a_deeper_net_passes(fcnet: Run) -> None:
    result = fcnet("audit --sizes 4 5 4 3 --reg 0.1 --seed 1")
    assert (result.status, result.out[-1]) == (0, "passed")
    assert len(result.out) == 8


def test_an_audit_that_fails_says_so_in_its_status(fcnet: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcnet.net.losses.SoftmaxCrossEntropy.backward", lambda self: 2 * self._P)
    result = fcnet("audit --sizes 4 5 3")
    assert result.status == 2
    assert result.out[-1].startswith("failed at gradient")
    assert result.err == ["error: the gradients are not the derivatives of the loss, see the table"]


def test_a_training_is_tested_once(fcnet: Run, home: Path) -> None:
    trained = fcnet(f"train --out run {SMALL}")
    assert (trained.status, trained.errors) == (0, [])
    assert trained.out[0].startswith("  run: epoch   1.0  loss ")
    assert re.fullmatch(
        r"run: training accuracy [\d.]+ %, validation accuracy [\d.]+ % on digits \(.*\) after [\d.]+ s",
        trained.out[-1],
    )
    tested = fcnet("test run")
    assert tested.status == 0
    assert re.fullmatch(
        r"test accuracy [\d.]+ % on 360 images of digits, the test set used once; see run/test.json",
        tested.out[-1],
    )
    refused = fcnet("test run")
    assert refused.status == 2
    assert refused.errors[0].startswith(
        "error: the test set was already used once on run, see run/test.json; "
    )
    assert "the test set used 2 times" in fcnet("test run --again").out[-1]
    again = fcnet(f"train --out run {SMALL}")
    assert again.errors == [
        "error: run holds a run already, go on with --resume or choose another folder with --out"
    ]
    assert fcnet(f"train --out run --resume {SMALL}").out[-1] == trained.out[-1]
    assert fcnet("train --out run --resume").out[-1] == trained.out[-1]  # the run knows its settings
    assert "started with other settings" in fcnet("train --out run --resume --hidden 7").errors[0]


def test_digits_are_called_digits_before_they_are_trained_on(fcnet: Run) -> None:
    assert fcnet(f"train --out run {SMALL}").err == [
        f"{NOTE}, so all numbers here are of scikit-learn's digits (fcnet data fetch gets CIFAR-10)"
    ]


def test_a_divergence_is_one_line_that_names_step_and_rate(fcnet: Run, home: Path) -> None:
    result = fcnet(f"train --out run --learning-rate 1e6 {SMALL}")
    assert result.status == 2
    assert len(result.errors) == 1
    assert re.fullmatch(
        r"error: the loss became \w+ in step \d+ of 42 at learning rate (1e\+06|950000), choose a lower one; "
        r"the weights of step \d+ are kept in run",
        result.errors[0],
    )
    assert set(Model.load(home / "run").params) == {"W1", "b1", "W2", "b2"}
    assert not RunFolder(home / "run").finished


def test_ctrl_c_before_anything_began_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fcnet.cli.commands.parse", interrupted)
    assert main(["audit"]) == 130
    assert capsys.readouterr().err == "stopped: by Ctrl-C, nothing is lost\n"


def test_python_m_fcnet_is_fcnet(tmp_path: Path) -> None:
    result = finish(start("audit --sizes 3 2", tmp_path))
    assert (result.status, result.out[-1], result.err) == (0, "passed", [])
    refused = finish(start("audit --sizes 3", tmp_path))
    assert (refused.status, len(refused.err)) == (2, 1)


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path: Path) -> None:
    process = start("audit", tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141


def test_commands_do_not_import_what_they_do_not_use(tmp_path: Path) -> None:
    code = "import sys; from fcnet.cli.commands import parse; parse(['audit']); print(*sys.modules)"
    loaded = set(" ".join(finish(start("", tmp_path, "-c", code)).out).split())
    assert "fcnet.cli.train" in loaded
    assert not loaded & {
        "torch",
        "sklearn",
        "matplotlib",
        "scipy",
        "fcnet.data.fetch",
        fcnet.data.unpickle.__name__,
    }


def test_parse_refuses_by_raising() -> None:
    with pytest.raises(FcnetError, match="unrecognized options"):
        parse(["audit", "--frobnicate"])


# Recipes


def settings(arguments: str) -> TrainConfig:
    command = parse(arguments.split())
    assert isinstance(command, Train)
    return command.settings


def test_a_recipe_is_where_the_settings_start() -> None:
    changed = settings("train --out run --recipe tuned --epochs 3 --no-mirror")
    assert changed == replace(TUNED, epochs=3, mirror=False)
    assert settings("train --epochs 3 --recipe=quick --out run") == replace(QUICK, epochs=3)
    assert settings("train --out run") == TrainConfig()


def test_every_recipe_has_its_name_on_the_command_line() -> None:
    assert set(get_args(Recipe)) == set(RECIPES)
    for name, recipe in RECIPES.items():
        assert settings(f"train --out run --recipe {name}") == recipe


def test_a_recipe_that_does_not_exist_is_one_line(fcnet: Run) -> None:
    result = fcnet("train --out run --recipe best")
    assert result.status == 2
    assert re.match("error: invalid choice 'best' for argument '--recipe'", result.errors[0])


# Settings from a file


def test_the_settings_of_a_run_are_where_another_starts(fcnet: Run, home: Path) -> None:
    assert fcnet(f"train --out run {SMALL}").status == 0
    trained = settings(f"train --out run {SMALL}")
    assert settings("train --out other --config run/config.toml") == trained
    assert settings("train --config=run/config.toml --epochs 5 --mirror --out x") == replace(
        trained, epochs=5, mirror=True
    )
    assert fcnet("train --out other --config run/config.toml").status == 0
    models = [(home / name / "model.safetensors").read_bytes() for name in ("run", "other")]
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read my.toml: .*No such file.*"),
        ("hidden = [", "cannot read my.toml: .*"),
        ("hiden = [3]", "my.toml has the unknown setting 'hiden', .*known are batch_size, .*"),
        ("epochs = 0", "my.toml: epochs is 0, give at least 1"),
        ("hidden = 3", "my.toml has a value of the wrong type: .*"),
    ],
)
def test_a_file_of_settings_that_cannot_be_is_one_line(
    content: str | None, message: str, fcnet: Run, home: Path
) -> None:
    if content is not None:
        (home / "my.toml").write_text(content)
    result = fcnet("train --out run --config my.toml")
    assert (result.status, len(result.errors)) == (2, 1)
    assert re.fullmatch(f"error: {message}", result.errors[0]), result.errors[0]


def test_a_recipe_and_a_file_are_one_too_many(fcnet: Run) -> None:
    assert fcnet("train --out run --recipe quick --config my.toml").errors == [
        "error: --recipe and --config both say where to start from, give one of them"
    ]


def test_only_fcnet_train_reads_the_file() -> None:
    with pytest.raises(FcnetError, match="nowhere"):
        parse(["audit", "--config", "nowhere.toml"])
