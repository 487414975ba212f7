"""`fcnet record` as a user has it: each seed in a process of its own, stopped and resumed, verified."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Result, finish, refused, start

Run = Callable[[str], Result]

RECIPE = """
name = "digits"

[budget]
minutes = 60

[settings]
hidden = [12]
initialisation = "he"
preprocessing = "standardised"
batch_size = 60
learning_rate = 0.05
momentum = 0.9
reg = 1e-4
validation = 200
epochs = 2

[fold]
shift = 1
"""


@pytest.fixture
def recipe(home: Path) -> Path:
    place = home / "recipe.toml"
    place.write_text(RECIPE)
    return place


@pytest.mark.slow
def test_two_nets_are_trained_at_the_same_time_each_on_its_processor(recipe: Path, home: Path) -> None:
    recipe.write_text(RECIPE + "nets = 2\n")
    ran = finish(start("record run recipe.toml --out two --data digits", home))
    assert ran.status == 0, ran.err
    record = json.loads((home / "two" / "record.json").read_text())
    (ended,) = (entry["event"] for entry in record["log"] if entry["event"]["what"] == "ended")
    folders = sorted(path for path in (home / "two" / "seeds").iterdir() if path.is_dir())
    assert [path.name for path in folders] == [f"{ended['seed']}", f"{ended['seed']}-2"]
    whens = [json.loads((path / "record.json").read_text()) for path in folders]
    assert [one["config"]["seed"] for one in whens] == [ended["seed"], ended["seed"] + 2**31]
    assert ended["seconds"] == max(one["seconds"] for one in whens)
    assert ended["folded"]["accuracy"] != ended["plain"]["accuracy"]
    verified = finish(start("record verify two/record.json --runs two", home))
    assert verified.status == 0, verified.out


@pytest.mark.slow
def test_a_plan_a_record_and_its_verification(recipe: Path, home: Path, fcnet: Run) -> None:
    options = "recipe.toml --out mine --data digits --beat 99.9"
    planned = fcnet(f"record plan {options} --nonce chosen")
    assert planned.status == 0, planned.err
    assert planned.out[0].startswith("digits: 60 minutes on 2 processors, seeds ")
    plan = json.loads((home / "mine" / "plan.json").read_text())
    assert (plan["nonce"], plan["nonce_given"], len(plan["seeds"])) == ("chosen", True, 1)
    ran = finish(start(f"record run {options}", home))
    assert ran.status == 0, ran.err
    record = json.loads((home / "mine" / "record.json").read_text())
    assert record["plan"] == plan
    (ended,) = (entry["event"] for entry in record["log"] if entry["event"]["what"] == "ended")
    assert 1 <= ended["cores"] <= 2
    assert "99.9 % is not beaten: p = " in "\n".join(ran.out)
    command = "record verify mine/record.json --plan mine/plan.json --runs mine --recipe recipe.toml"
    verified = fcnet(command)
    assert verified.status == 0, verified.out
    assert verified.out[-1] == "mine/record.json: nothing is wrong in what was compared"
    record["result"]["summary"]["mean"] += 0.1
    (home / "edited.json").write_text(json.dumps(record))
    found = fcnet("record verify edited.json")
    assert found.status == 1
    (line,) = found.out
    assert line.startswith("the result states summary mean")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_record_says_how_to_resume(number: signal.Signals, recipe: Path, home: Path) -> None:
    recipe.write_text(RECIPE.replace("epochs = 2", "epochs = 100000"))
    process = start("record run recipe.toml --out mine --data digits", home)
    log = home / "mine" / "log.jsonl"
    patience = time.monotonic() + 300
    while not list(home.glob("mine/seeds/*/config.toml")) and time.monotonic() < patience:
        time.sleep(0.05)
    process.send_signal(number)
    result = finish(process)
    assert result.status == 128 + number, result.err
    words = "stopped: resume with: fcnet record run recipe.toml --out mine --data digits"
    assert result.err[-1] == words
    assert [json.loads(line)["event"]["what"] for line in log.read_text().splitlines()] == ["started"]
    assert len(list(home.glob("mine/seeds/*/checkpoint/state.safetensors"))) == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("record run missing.toml --out mine --data digits", "cannot read missing.toml"),
        ("record plan recipe.toml --out mine --data digits --beat lots", "--beat is lots, give the file"),
        ("record plan recipe.toml --out mine --data digits --beat 101", "--beat is 101"),
        (
            "record plan recipe.toml --out mine --data digits --beat recipe.toml",
            "recipe.toml is not a record",
        ),
        ("record plan recipe.toml --out mine --data digits --nonce=", "--nonce is empty, give some"),
        ("record plan recipe.toml --out mine", "CIFAR-10"),
        ("record verify missing.json", "cannot read missing.json"),
        ("record verify recipe.toml", "recipe.toml is not a record of fcnet record"),
    ],
)
def test_a_mistake_is_one_line(command: str, words: str, recipe: Path, home: Path, fcnet: Run) -> None:
    refused(fcnet(command), words)
    assert not list(home.glob("mine/*"))
