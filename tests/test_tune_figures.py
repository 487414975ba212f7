"""The search as figures, from its record alone; and how it looks while it runs."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.train.config import TrainConfig
from fcnet.tuning.figures import draw, main
from fcnet.tuning.live import View, duration
from fcnet.tuning.parallel import UNUSED, Scale
from fcnet.tuning.plan import Plan
from fcnet.tuning.ranges import make_space
from fcnet.tuning.reading import read_search
from fcnet.tuning.standing import Row, Standing, in_words
from searches import request, run
from trainings import SMALL


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """study.json of a search with everything in it: pruned, diverged, complete, a choice, a condition."""
    out = tmp_path_factory.mktemp("figures") / "out"
    run(request(out, vary=("learning-rate", "schedule", "decay", "hidden", "mirror"), trials=10), digits)
    content = json.loads((out / "study.json").read_text())
    content["trials"][8] |= {"state": "pruned", "value": None}
    content["trials"][9] |= {"state": "diverged", "value": None, "curve": []}
    (out / "study.json").write_text(json.dumps(content))
    return out / "study.json"


def test_the_record_alone_makes_every_figure_and_twice_the_same(record: Path, tmp_path: Path) -> None:
    drawn = draw(record, tmp_path / "one")
    again = draw(record, tmp_path / "two")
    assert {path.name for path in drawn} == {
        f"{name}.{kind}" for name in ("budget", "importance", "parallel") for kind in ("svg", "png")
    }
    assert [path.read_bytes() for path in drawn] == [path.read_bytes() for path in again]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn if path.suffix == ".png")


def test_a_record_is_read_back_as_it_was(record: Path) -> None:
    search = read_search(record)
    assert search.base == SMALL
    assert [trial.state for trial in search.trials][-2:] == ["pruned", "diverged"]
    best = max(trial.value for trial in search.trials if trial.value is not None)
    assert search.best is not None
    assert search.best.value == best
    assert search.first is not None
    assert search.first.settings["learning_rate"] == SMALL.learning_rate
    for trial in search.trials:  # decay matters with one schedule only
        assert ("decay" in trial.settings) == (trial.settings["schedule"] == "decay")
    assert search.name("hidden_1") == "hidden units"
    assert search.name("learning_rate") == "learning rate"


def test_too_few_trials_draw_what_can_be_drawn(record: Path, tmp_path: Path) -> None:
    content = json.loads(record.read_text())
    content["trials"] = content["trials"][:1]
    content["importance"] = {}
    (tmp_path / "study.json").write_text(json.dumps(content))
    assert [path.name for path in draw(tmp_path / "study.json", tmp_path)] == ["budget.svg", "budget.png"]
    content["trials"] = []
    (tmp_path / "study.json").write_text(json.dumps(content))
    assert draw(tmp_path / "study.json", tmp_path) == []


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        ({"format": 99}, "by this version of fcnet"),
        ({"space": None}, "is damaged"),
        ({"trials": [{"state": "complete"}]}, "is damaged"),
    ],
)
def test_a_damaged_record_is_one_line(
    damage: dict[str, Any], text: str, record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(json.loads(record.read_text()) | damage))
    with pytest.raises(RunError, match=text):
        draw(path, tmp_path)
    assert main([str(path), str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_figures_can_be_drawn_from_the_command_line(
    record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(record), str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert main([]) == 2


@pytest.mark.parametrize(
    ("scale", "value", "height"),
    [
        (Scale("x", 0, 10), 5, 0.5),
        (Scale("x", 0.01, 1, log=True), 0.1, 0.5),
        (Scale("x", 0.01, 1, log=True), 0, 0.0),  # a base of 0 stands at the end
        (Scale("x", values=("a", "b")), "b", 0.75),
        (Scale("x", 3, 3), 3, 0.5),
    ],
)
def test_values_have_their_height(scale: Scale, value: Any, height: float) -> None:
    assert scale.height(value) == pytest.approx(height)
    assert all(0 <= mark <= 1 for mark, _ in scale.marks())
    assert UNUSED < 0


def trial(number: int, state: str, **more: Any) -> Row:
    usual = Row(
        number=number,
        state=state,
        value=None,
        reached=None,
        progress=0.0,
        seconds=None,
        epochs=None,
        threads=None,
        settings=SMALL,
        params={},
        base=number == 0,
        retry_of=None,
        curve=(),
        ended=f"2026-01-01T00:00:{number:02}",
    )
    return replace(usual, **more)


PLAN = Plan(SMALL, make_space(SMALL, ("reg",), (1, 8, 8)), "0", trials=10)

STANDING = Standing(
    PLAN,
    (
        trial(0, "complete", value=0.5, seconds=60.0),
        trial(1, "complete", value=0.625, seconds=120.0, settings=replace(SMALL, reg=0.01, hidden=(8, 4))),
        trial(2, "pruned", reached=0.25, seconds=30.0, settings=replace(SMALL, mirror=True)),
        trial(3, "diverged", seconds=30.0),
        trial(4, "failed", settings=None),
        trial(5, "running", reached=0.3, progress=0.5, settings=replace(SMALL, dropout=0.125)),
        trial(6, "waiting", settings=None),
    ),
)


def test_what_is_left_is_estimated_from_the_trials_so_far() -> None:
    """Four of ten are done in 60 s each on average; half of another is; two workers."""
    assert STANDING.seconds_left(2) == pytest.approx((6 - 0.5) * 60 / 2)
    assert Standing(PLAN, ()).seconds_left(1) is None


def test_the_table_shows_the_best_first_with_what_differs() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    view = View(2, console)
    view.update(STANDING)
    console.print(view.render())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "4 of 10 trials, 1 pruned, 1 diverged, 1 failed, 1 running, 0.0 s spent, about 3 min left" in shown
    rows = re.findall(r"^ +(\d+) +(.*\S)", shown, flags=re.MULTILINE)
    assert [number for number, _ in rows] == ["1", "0", "5"]
    assert re.fullmatch(r"62\.5 % +2 min +hidden 8 x 4, reg 0\.01", rows[0][1])
    assert re.fullmatch(r"50\.0 % +60 s +the base", rows[1][1])
    assert re.fullmatch(r"30\.0 % +50 % done +dropout 0\.125", rows[2][1])


def test_lines_tell_each_trial_once() -> None:
    file = io.StringIO()
    view = View(2, Console(file=file))
    view.update(Standing(PLAN, STANDING.rows[:1]))
    view.update(STANDING)
    view.update(STANDING)
    assert file.getvalue().splitlines() == [
        "1 of 10 trials are there already",
        "2/10  trial 1: 62.5 % in 2 min, the best so far (hidden 8 x 4, reg 0.01)",
        "3/10  trial 2: pruned at 25.0 % in 30 s, best 62.5 % (mirror yes)",
        "4/10  trial 3: diverged in 30 s, best 62.5 %, about 3 min left (the base)",
    ]


def test_words() -> None:
    assert in_words(TrainConfig(), TrainConfig()) == "the base"
    assert in_words(TrainConfig(hidden=()), TrainConfig()) == "hidden none"
    assert [duration(seconds) for seconds in (0.04, 9.96, 99, 100, 5940, 6000)] == [
        "0.0 s", "10 s", "99 s", "2 min", "99 min", "1 h 40 min",
    ]  # fmt: skip
