"""Run folders that somebody prepared to do harm: one line each, and nothing outside of them changes.

Each row of the table in `tools/hostile/cases.py` is tried here with the first command that reads what is
wrong, every fourth row, and all with FCNET_ALL=1; `python -m hostile.run` tries all rows with all commands,
and results/hostile.json says what came of that.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fcnet.cli.commands import COMMANDS as ALL
from fcnet.cli.commands import command_of
from fcnet.data.dataset import Dataset
from fcnet.records import RunFolder, read_json
from fcnet.runs.training import train_run
from fcnet.train import fit
from fcnet.train.callbacks import Callback
from fcnet.train.checkpoint import load_checkpoint
from fcnet.wording import shown
from fuzz.cases import KINDS as KINDS_FUZZED
from fuzz.cases import OTHERS as NOT_FUZZED
from hostile.attempt import attempt
from hostile.cases import CASES, COMMANDS, OTHERS, READS, TRAINS, Case
from hostile.prepare import CONFIG, ESCAPES, whole_folders
from hostile.run import KINDS, warm

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands are tried in forks")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    whole_folders(folder)
    warm(folder)
    return folder


TRIED = CASES if os.environ.get("FCNET_ALL") else CASES[::4]


@pytest.mark.parametrize("case", TRIED, ids=lambda case: ascii(case.name)[1:-1])
def test_a_hostile_run_folder_does_no_harm(case: Case, whole: Path, tmp_path: Path) -> None:
    outcome = attempt(case, READS[case.reads][0], whole, tmp_path / "home")
    assert outcome.findings == ()


@pytest.mark.parametrize("command", sorted({command for commands in READS.values() for command in commands}))
def test_commands_do_their_work_on_a_good_folder(command: str, whole: Path, tmp_path: Path) -> None:
    """Otherwise a command that refuses everything would pass."""
    outcome = attempt(Case("good", lambda run, outside: None, "lock"), command, whole, tmp_path / "home")
    assert (outcome.status, outcome.findings) == (0, ())


def test_no_command_is_left_out() -> None:
    """Each one is tried here, or it is said why not; the same of the fuzzer."""
    fuzzed = [command for kind in KINDS_FUZZED for command in kind.commands]
    for commands, others in ((COMMANDS.values(), OTHERS), (fuzzed, NOT_FUZZED)):
        tried = {command_of(command.split()) for command in commands}
        assert tried | others.keys() == ALL.keys()
        assert not tried & others.keys()
    assert {command for commands in READS.values() for command in commands} == COMMANDS.keys()


def test_findings_are_noticed(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An opener that waits for pipes, a writer that follows links, a schema that takes everything."""
    by_name = {case.name: case for case in CASES}

    def found(name: str, command: str) -> set[str]:
        outcome = attempt(by_name[name], command, whole, tmp_path / "home")
        return {kind for kind, _ in outcome.findings}

    with monkeypatch.context() as patch:
        patch.setattr("hostile.attempt.PATIENCE", 2.0)
        patch.setattr("fcnet.files.READ", os.O_RDONLY)
        assert found("record.json: pipe", "runs") == {"hang", "other runs are not shown"}
    with monkeypatch.context() as patch:
        patch.setattr("hostile.attempt.SECONDS", 1)  # it would open it for ever
        patch.setattr("fcnet.lock.FLAGS", os.O_RDWR | os.O_CREAT)
        assert "changed outside" in found(".lock of a run, finished: dangling", "resume")
    with monkeypatch.context() as patch:
        patch.setattr("fcnet.records.checked", lambda values, kind, path: values)
        assert "traceback" in found("record.json: data is missing", "test")
    with monkeypatch.context() as patch:
        patch.setattr("fcnet.cli.runs.shown", str)
        assert "raw control characters" in found("record.json: data.label to escape", "runs")
    with monkeypatch.context() as patch:
        patch.setattr("fcnet.live.reading.read_live", lambda path, kind: 1 / 0)
        assert {"no answer", "other runs are not shown"} <= found("live/state.json: empty", "watch")
    with monkeypatch.context() as patch:
        patch.setattr(
            "fcnet.runs.observed.write_atomically", lambda path, text, durable: path.write_bytes(text)
        )
        assert "changed outside" in found("live/control.json: linked", TRAINS)


def test_the_record_found_nothing_and_is_of_this_table() -> None:
    record = read_json(ROOT / "results" / "hostile.json")
    assert record["folders"] == len(CASES)
    assert record["commands"] == sum(len(READS[case.reads]) for case in CASES)
    assert record["found"] == dict.fromkeys(KINDS, 0)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("two\nlines", r"two\nlines"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\udcff\u202e", r"\udcff\u202e"),
        ("çà 猫", "çà 猫"),
        ("x" * 6000, "x" * 5000 + " ..."),
    ],
)
def test_foreign_words_are_one_line(words: str, line: str) -> None:
    assert shown(words) == line
    assert shown(ESCAPES).isprintable()


# A run folder that is moved while it trains


class Move(Callback):
    """Moves the run folder in the middle of a training."""

    def __init__(self, source: Path, target: Path) -> None:
        self.source, self.target = source, target

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if step == 10:
            self.source.rename(self.target)


def test_a_training_follows_its_folder(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(fit, "CHECKPOINT_SHARE", 1e9)
    old, new = tmp_path / "old", tmp_path / "new"
    record = train_run(CONFIG, digits, old, callback=Move(old, new))
    assert not old.exists()
    assert RunFolder(new).read_record() == record
    assert not list(new.glob(".*"))
    RunFolder(new).check("config.toml", "history.jsonl", "model.safetensors", "input.safetensors")
    train_run(CONFIG, digits, tmp_path / "other")
    weights = [(folder / "model.safetensors").read_bytes() for folder in (new, tmp_path / "other")]
    assert weights[0] == weights[1]


def test_a_stopped_training_left_its_checkpoint_where_its_folder_is_now(
    digits: Dataset, tmp_path: Path
) -> None:
    import signal

    old, new = tmp_path / "old", tmp_path / "new"

    class MoveAndStop(Move):
        def on_batch_end(self, step: int, total: int, loss: float) -> None:
            super().on_batch_end(step, total, loss)
            if step == 20:
                self.source.mkdir()  # somebody makes a new one under the old name
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train_run(CONFIG, digits, old, callback=MoveAndStop(old, new))
    assert list(old.iterdir()) == []
    kept = load_checkpoint(RunFolder(new).checkpoint)
    assert kept is not None
    assert kept.step == 20
    train_run(CONFIG, digits, new, resume=True)
