"""Every command explains itself, and every mistake of a user is one line and exit status 2."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import pytest

import fcnet.data.unpickle
from fcnet import __version__
from fcnet.cli import main
from fcnet.cli.commands import COMMANDS, overview, parse, summary
from fcnet.cli.commands import load as command_class
from fcnet.cli.options import GROUPS, SPELLINGS, SPELT, parser_of
from fcnet.cli.predict import Predict
from fcnet.cli.start import Recipe
from fcnet.cli.train import Train
from fcnet.errors import FcnetError
from fcnet.experiments.recipes import QUICK, RECIPES, TUNED
from fcnet.lock import locked
from fcnet.net.losses import SoftmaxCrossEntropy
from fcnet.records import RunFolder
from fcnet.runs.training import read_config
from fcnet.train.config import TrainConfig
from fcnet.train.model import Model

from .conftest import NOTE, Result, finish, start

Run = Callable[[str], Result]

SMALL = (
    "--hidden 16 --initialisation he --preprocessing standardised --batch-size 60 --validation 200 --epochs 2"
)


def names(command: str) -> set[str]:
    """The options of a command, as help calls them."""
    kind = command_class(command)
    settings = TrainConfig() if command in ("train", "tune") else None
    _, actions = parser_of(f"fcnet {command}", kind, settings)
    return {option for action in actions for option in action.option_strings}


# Help


def test_help_names_every_command_and_where_to_start(fcnet: Run) -> None:
    result = fcnet("--help")
    assert (result.status, result.err) == (0, [])
    text = "\n".join(result.out)
    assert "Start with: fcnet reproduce" in text
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w", text, re.MULTILINE)
    assert max(map(len, result.out)) <= 80


def test_the_help_of_a_group_names_its_commands_alone(fcnet: Run) -> None:
    result = fcnet("data --help")
    assert (result.status, result.err) == (0, [])
    named = re.findall(r"^  (\w+ \w+)  ", "\n".join(result.out), re.MULTILINE)
    assert named == ["data fetch", "data verify", "data info", "data sample"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_listing_has_the_first_paragraph_of_each_docstring(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    documented = command_class(command).__doc__.split("\n\n")[0].split()
    assert documented
    assert summary(command) == " ".join(documented)
    monkeypatch.setattr("fcnet.cli.commands._source", lambda module: "")
    assert summary(command) == " ".join(documented)  # where the source is not installed


def test_the_listing_takes_the_docstring_of_the_class_and_no_other_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "commands_of_a_user.py").write_text(
        '"""A module."""\n\n'
        'class PlanB:\n    """Another plan."""\n\n'
        'class Plan(PlanB):\n    """Make a plan,\n    in one go.\n\n    With details."""\n\n    """Text."""\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("fcnet.cli.commands.COMMANDS", {"plan": "commands_of_a_user:Plan"})
    assert "\n  plan  Make a plan, in one go.\n" in overview()


def test_the_version(fcnet: Run) -> None:
    assert fcnet("--version") == Result(0, [f"fcnet {__version__}"], [])


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_shows_a_type_of_python(command: str, fcnet: Run) -> None:
    text = "\n".join(fcnet(f"{command} --help").out)
    assert "{None" not in text
    assert "|PATH" not in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_in_the_help_is_known_to_the_suggestions(command: str, fcnet: Run) -> None:
    text = "\n".join(fcnet(f"{command} --help").out)
    shown = set(re.findall(r"^  (--[a-z][\w-]*)", text, re.MULTILINE))
    assert shown
    assert shown == names(command)


def test_american_spellings_are_accepted(home: Path) -> None:
    parsed = parse(
        ["train", "--out", "run", "--optimizer", "nesterov", "--initialization=he", "--momentum", "0.9"]
    )
    assert isinstance(parsed, Train)
    assert (parsed.settings.optimiser, parsed.settings.initialisation) == ("nesterov", "he")
    parsed = parse(["train", "--out", "centered", "--preprocessing", "standardized"])
    assert isinstance(parsed, Train)
    assert (parsed.out, parsed.settings.preprocessing) == (Path("centered"), "standardised")
    assert parse(["train", "--out", "run", "--preprocessing=centered"]).settings.preprocessing == "centred"
    searched = parse(["tune", "--out", "s", "--vary", "hidden", "initialization"])
    assert searched.vary == ("hidden", "initialisation")
    options = {option for command in COMMANDS for option in names(command)}
    words = {f"--{word}" for word in SPELLINGS.values()} | set(SPELT)
    assert words - options == {"--standardised", "--centred"}  # which are values


@pytest.mark.parametrize("command", ["train", "tune"])
def test_many_options_are_shown_in_groups_that_lose_none(command: str, fcnet: Run) -> None:
    text = "\n".join(fcnet(f"{command} --help").out)
    groups = re.findall(r"^(\w+) options:$", text, re.MULTILINE)
    searched = ["search"] if command == "tune" else []
    assert groups == ["data", "network", "input", *searched, "output", "engine", "training"]
    shown = re.findall(r"^  (--[a-z][\w-]*)", text, re.MULTILINE)
    assert sorted(shown) == sorted(names(command))
    options = names("train") | names("tune")
    assert {f"--{name.replace('_', '-')}" for name in chain(*GROUPS.values())} <= options


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_parses(command: str, fcnet: Run) -> None:
    result = fcnet(f"{command} --help")
    assert (result.status, result.err) == (0, [])
    example = re.search(r"^Example: fcnet (.*?)\n\s*\n", "\n".join(result.out), re.MULTILINE | re.DOTALL)
    assert example is not None
    arguments = example[1].replace("\\\n", "").split()  # as a shell joins its lines
    assert " ".join(arguments).startswith(command)
    assert type(parse(arguments)) is command_class(command)


def test_help_has_the_defaults_of_the_recipe_and_comes_despite_mistakes(fcnet: Run) -> None:
    for words in ("--recipe tuned --help", "-h --recipe=tuned", "--recipe tuned --hiden 3 --help"):
        result = fcnet(f"train {words}")
        assert (result.status, result.err) == (0, [])
        text = " ".join(" ".join(result.out).split())
        assert "--hidden [INT ...] Units of each hidden layer. (default: 4096)" in text
        assert "--no-mirror Mirror half of the images, chosen at random in each epoch. (on by default" in text
    assert fcnet("train --recipe best --help").errors[0].startswith("error: --recipe is 'best', choose from")


@pytest.mark.parametrize(("name", "value"), [("TERM", "xterm"), ("TERM", "dumb"), ("NO_COLOR", "1")])
def test_headings_are_bold_on_a_terminal(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, value)
    with redirect_stdout(Terminal()) as shown, pytest.raises(SystemExit):
        main(["predict", "--help"])
    assert ("\x1b[1moptions\x1b[0m:" in shown.getvalue()) == (value == "xterm")
    assert "\noptions:" in re.sub(r"\x1b\[\d*m", "", shown.getvalue())


@pytest.mark.parametrize("columns", ["20", "40", "80", "300"])
def test_help_fits_the_terminal(columns: str, fcnet: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    longest = max(len(line) for command in COMMANDS for line in fcnet(f"{command} --help").out)
    assert longest <= {"20": 76, "40": 76, "80": 80, "300": 100}[columns]  # a list of choices is not broken


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str, fcnet: Run) -> None:
    text = "\n".join(fcnet(f"{command} --help").out)
    options = re.findall(r"^  (--[a-z][\w-]*)(.*(?:\n   .*)*)", text.partition("options:\n")[2], re.MULTILINE)
    assert options
    for option, explanation in options:
        words = re.sub(r"[A-Z]{2,}|\{.*?\}|\[.*?\]|\((default|required).*?\)", "", explanation).split()
        assert len(words) > 2, f"{command} {option} has no explanation"


# Usage errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", r"no command is given, start with: fcnet reproduce \(fcnet --help lists them all\)"),
        ("frobnicate", "fcnet has no command frobnicate, see fcnet --help"),
        ("trian --out run --hiden 3", r"fcnet has no command trian, do you mean train\?"),
        ("data", "fcnet data needs one of: fetch, verify, info, sample"),
        ("data fecth", r"fcnet has no command data fecth, do you mean data fetch\?"),
        ("dta fetch", r"fcnet has no command dta, do you mean data\?"),
        ("--hepl", r"fcnet has no option --hepl, do you mean --help\?"),
        ("train --out run --hiden 3", r"fcnet train has no option --hiden, do you mean --hidden\?"),
        (
            "train --out run --bach_size=3",
            r"fcnet train has no option --bach_size, do you mean --batch-size\?",
        ),
        ("audit --optimizer adam", "fcnet audit has no option --optimizer, see fcnet audit --help"),
        ("train", "missing from fcnet train: --out PATH Folder for the run; see fcnet train --help"),
        (
            "compare",
            "missing from fcnet compare: A Folder of a run, B Folder of another; see fcnet compare --help",
        ),
        ("test", "missing from fcnet test: RUN .*"),
        ("audit --bogus", "fcnet audit has no option --bogus, see fcnet audit --help"),
        ("audit --frobnicate", "fcnet audit has no option --frobnicate, see fcnet audit --help"),
        ("audit 3", "unexpected: 3; see fcnet audit --help"),
        ("train --out run --epochs many", "--epochs: 'many' is not a whole number; see fcnet train --help"),
        ("train --out run --epochs", "--epochs: expected one argument; see fcnet train --help"),
        ("train --out run --hidden 3 b", "--hidden: 'b' is not a whole number; see fcnet train --help"),
        ("train --out run --evaluate-every 1.5", "--evaluate-every: '1.5' is not a whole number; see .*"),
        ("train --out run --learning-rate 1,5", "--learning-rate: '1,5' is not a number; see .*"),
        ("train --out run --hidden=", "--hidden: '' is not a whole number; see .*"),
        ("train --out run --learning-rate -1e-3", "learning_rate is -0.001, give .*"),
        ("train --out run --mirror=True", "--mirror: .*'True'; see fcnet train --help"),
        ("train -hidden 3", r"fcnet train has no option -hidden, do you mean --hidden\?"),
        ("train --out --hidden 3", "--out: expected one argument; see fcnet train --help"),
        ("train --out run -- --resume", "unexpected: --resume; see fcnet train --help"),
        ("compare A B --data x C", "unexpected: C; see fcnet compare --help"),
        ("train --recipe", "--recipe: expected one argument; see fcnet train --help"),
        ("train --out run --engine jax", "--engine: .* 'jax' .*numpy.*torch.*; see .*"),
        ("tune --out run --vary", "--vary names nothing, choose among learning-rate, .*"),
        ("train --out run --optimiser foo", "optimiser is 'foo', choose from 'sgd', 'nesterov', .*"),
        ("train --out run --batch-size 0", "batch_size is 0, give a whole number of at least 1"),
        (
            "train --out run --dropout 1",
            "dropout is 1.0, give a number from 0 up to, but not including, 1",
        ),
        (
            "train --out run --initialisation xavier",
            "initialisation is 'xavier', choose from 'he', 'pytorch' or a positive .*",
        ),
        ("audit --activation gelu", "--activation is for a network of --sizes, give those too, .*"),
        ("audit --sizes 99999999999999999999 2", r"sizes has 99999999999999999999, give numbers below 2\^24"),
        ("fold nowhere", "nowhere/record.json is missing, .*"),
        ("audit --sizes 3", r"sizes is \(3,\), give at least the inputs and the classes, such as .*"),
        ("audit --sizes 3 2 --examples 0", "examples is 0, give a whole number of at least 1"),
        ("audit --sizes 3 2 --seed -1", "seed is -1, give a finite number of at least 0"),
        (
            "audit --sizes 3 2 --label-smoothing 1",
            "label_smoothing is 1.0, give a number from 0 up to, but not including, 1",
        ),
        ("audit --reg -1", "reg is -1.0, give a finite number of at least 0"),
        ("audit --reg 1e308", r"reg is too large, give a number below 2\^128"),
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
        ("train --out run --validation 1437", "cannot hold out 1437 of 1437 training examples, .*"),
        ("train --out /proc/x", "cannot write to /proc/x: .*, fix that or choose another with --out"),
        ("reproduce --quick --out /proc/x", "cannot write to /proc/x: .* or choose another with --out"),
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


def test_what_has_no_name_may_stand_anywhere() -> None:
    words = ["predict", "--top", "3", "run", "cat.jpg", "--json", "-", "-5", "--", "-x.jpg", "--top"]
    pictures = tuple(map(Path, ("cat.jpg", "-", "-5", "-x.jpg", "--top")))
    assert parse(words) == Predict(Path("run"), pictures, top=3, json=True)


@pytest.mark.parametrize("words", ["-- run -x.jpg --a_b.jpg", "--json -- run -x.jpg --a_b.jpg"])
def test_behind_two_dashes_is_no_option(words: str) -> None:
    pictures = (Path("-x.jpg"), Path("--a_b.jpg"))
    assert parse(["predict", *words.split()]) == Predict(Path("run"), pictures, json="--json" in words)
    with pytest.raises(FcnetError, match="unexpected: -x, --y_z; see fcnet report --help"):
        parse(["report", "--", "run", "-x", "--y_z"])


def test_a_switch_may_be_given_as_it_is() -> None:
    assert settings("train --out run --recipe tuned --mirror") == TUNED
    assert settings("train --out run --no-mirror") == TrainConfig()
    assert settings("train --out run --mirror --no-mirror") == TrainConfig()


def test_an_option_that_is_given_twice_has_its_last_values() -> None:
    parsed = settings("train --out run --hidden 3 4 --epochs 1 --hidden=5 --epochs=2")
    assert (parsed.hidden, parsed.epochs) == ((5,), 2)
    assert settings("train --out run --recipe quick --recipe=tuned") == TUNED


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


@pytest.mark.slow
def test_the_audit_of_a_deeper_net_passes(fcnet: Run) -> None:
    result = fcnet("audit --sizes 4 5 4 3 --reg 0.1 --seed 1")
    assert (result.status, result.out[-1]) == (0, "passed")
    assert result.out[-2].startswith("every layer predicts what its forward pass gives, to ")
    assert len(result.out) == 9


def test_a_long_audit_says_how_far_it_is(fcnet: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcnet.cli.progress.SECONDS_BETWEEN_LINES", 0.0)
    result = fcnet("audit --sizes 2 3")
    assert result.err == [f"entries audited: {done} of 9" for done in range(2, 10)]


@pytest.mark.slow
def test_the_audit_of_a_smoothed_loss_passes_and_sees_a_gradient_without_it(
    fcnet: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "audit --sizes 4 5 4 3 --reg 0.1 --label-smoothing 0.1"
    assert (fcnet(command).status, fcnet(command).out[-1]) == (0, "passed")
    backward = SoftmaxCrossEntropy.backward

    def unsmoothed(self: SoftmaxCrossEntropy) -> Any:
        with monkeypatch.context() as within:
            within.setattr(self, "label_smoothing", 0.0)
            return backward(self)

    monkeypatch.setattr(SoftmaxCrossEntropy, "backward", unsmoothed)
    assert fcnet(command).status == 2


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
        "error: run holds a run already: --resume resumes it, --overwrite moves it aside, and --out names "
        "another folder"
    ]
    assert fcnet(f"train --out run --resume {SMALL}").out[-1] == trained.out[-1]
    assert fcnet("train --out run --resume").out[-1] == trained.out[-1]  # the run knows its settings
    assert "started with other settings" in fcnet("train --out run --resume --hidden 7").errors[0]
    usual = fcnet("train --out=run --resume --epochs 10")  # which is the default, and not the run's
    assert usual.errors[0].startswith("error: run was started with other settings (epochs is 2, not 10), see")


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
        r"the weights of step \d+ are kept in run; start again with: "
        r"(fcnet train --out run --config run/config.toml --learning-rate 100000 --overwrite)",
        result.errors[0],
    )
    assert set(Model.load(home / "run").params) == {"W1", "b1", "W2", "b2"}
    assert not RunFolder(home / "run").finished


def test_what_to_type_after_a_divergence_is_typed_as_it_stands(fcnet: Run, home: Path) -> None:
    """Twice, as a rate that is far too high takes more than one step down."""
    result = fcnet(f"train --out run --learning-rate 10 {SMALL}")
    for tried in (1, 2, 3):
        if result.status == 0:
            break
        result = fcnet(result.errors[0].rpartition("start again with: fcnet ")[2])
        assert result.out[0] == f"moved the run in run to run-{tried}"
    assert result.status == 0
    assert read_config(home / "run" / "config.toml").hidden == (16,)
    assert (home / "run-1" / "config.toml").exists()


def test_overwriting_moves_a_run_aside_and_nothing_else(fcnet: Run, home: Path) -> None:
    assert fcnet(f"train --out run --overwrite {SMALL}").status == 0  # there was none
    before = (home / "run" / "model.safetensors").read_bytes()
    again = fcnet(f"train --out run --overwrite {SMALL} --seed 1")
    assert (again.status, again.out[0]) == (0, "moved the run in run to run-1")
    assert (home / "run-1" / "model.safetensors").read_bytes() == before
    assert (home / "run" / "model.safetensors").read_bytes() != before
    assert fcnet(f"train --out run --overwrite {SMALL} --seed 2").out[0] == "moved the run in run to run-2"
    refused = fcnet(f"train --out run --overwrite {SMALL} --validation 5000")
    assert refused.status == 2
    assert refused.out[-1] == "moved it back to run"
    assert (home / "run" / "record.json").exists()
    both = fcnet(f"train --out run --overwrite --resume {SMALL}")
    assert both.errors == ["error: --resume and --overwrite exclude each other, give one of them"]
    (home / "letters").mkdir()
    (home / "letters" / "letter.txt").write_text("dear")
    assert "not empty and not a run" in fcnet(f"train --out letters --overwrite {SMALL}").errors[0]
    with locked(home / "run"):
        assert fcnet(f"train --out run --overwrite {SMALL}").status == 2
    assert not (home / "run-3").exists()


def test_ctrl_c_before_anything_began_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fcnet.cli.commands.parse", interrupted)
    assert main(["audit"]) == 130
    assert capsys.readouterr().err == "stopped: by Ctrl-C, nothing is lost\n"


def test_python_m_fcnet_is_fcnet(tmp_path: Path) -> None:
    result = finish(start("data sample pictures", tmp_path))
    assert (result.status, len(result.out) > 1, result.err) == (0, True, [])
    refused = finish(start("audit --sizes 3", tmp_path))
    assert (refused.status, len(refused.err)) == (2, 1)


@pytest.mark.parametrize("command", ["data sample pictures", "data info"])  # rich writes the second
def test_a_reader_that_leaves_ends_the_command_quietly(command: str, tmp_path: Path) -> None:
    process = start(command, tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141


def test_commands_do_not_import_what_they_do_not_use(tmp_path: Path) -> None:
    code = "import sys; from fcnet.cli.commands import parse; parse(['audit']); print(*sys.modules)"
    loaded = set(" ".join(finish(start("", tmp_path, "-c", code)).out).split())
    assert "fcnet.cli.audit" in loaded
    assert not loaded & {
        "torch",
        "sklearn",
        "matplotlib",
        "scipy",
        "fcnet.cli.train",
        "fcnet.data.fetch",
        fcnet.data.unpickle.__name__,
    }


@pytest.mark.parametrize("arguments", ["--help", "data --help", "--version", "trian"])
def test_a_listing_imports_neither_a_command_nor_the_parser(arguments: str, tmp_path: Path) -> None:
    code = """
import atexit, sys
from fcnet.cli import main
atexit.register(lambda: print("loaded:", *sys.modules))
sys.exit(main(sys.argv[1:]))
"""
    result = finish(start(arguments, tmp_path, "-c", code))
    assert result.status == (2 if arguments == "trian" else 0)
    loaded = set(result.out[-1].split())
    assert "fcnet.cli.commands" in loaded
    assert not loaded & {
        "numpy",
        "rich",
        "dataclasses",
        "inspect",
        "ast",
        "fcnet.cli.options",
        "argparse",
    }
    assert not loaded & {target.partition(":")[0] for target in COMMANDS.values()}


def test_parse_refuses_by_raising() -> None:
    with pytest.raises(FcnetError, match="no option --frobnicate"):
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
    known = ", ".join(map(repr, RECIPES))
    assert result.errors == [f"error: --recipe is 'best', choose from {known}"]


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
        ("hiden = [3]", r"my.toml has the unknown setting 'hiden', .*; do you mean hidden\? .*"),
        ("xyz = [3]", "my.toml has the unknown setting 'xyz', .*known are .*batch_size, .*"),
        ("epochs = 0", "my.toml: epochs is 0, give a whole number of at least 1"),
        ("hidden = 3", "my.toml: hidden is 3, give a list of whole numbers, .*"),
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
    with pytest.raises(FcnetError, match="no option --config"):
        parse(["audit", "--config", "nowhere.toml"])
