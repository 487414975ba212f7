"""The search as figures, from its record alone; and how it looks while it runs."""

from __future__ import annotations

import io
import json
import math
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import fcnet.report.style as style
from fcnet.data.dataset import Dataset
from fcnet.errors import RunError
from fcnet.train.config import TrainConfig
from fcnet.tuning.figures import draw, parallel, read_search
from fcnet.tuning.search import Search
from fcnet.tuning.space import make_space
from fcnet.tuning.status import Row, Status, in_words
from fcnet.tuning.view import View, duration
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
        f"{name}.{kind}" for name in ("history", "importance", "parallel") for kind in ("svg", "png")
    }
    assert [path.read_bytes() for path in drawn] == [path.read_bytes() for path in again]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn if path.suffix == ".png")


def test_a_record_is_read_back_as_it_was(record: Path) -> None:
    content = json.loads(record.read_text())
    search = read_search(record)
    shown = {trial.number: trial for trial in search.complete}
    assert list(shown) == list(range(8))  # the pruned and the diverged one are left out, numbers stay
    for row in content["trials"][:8]:
        assert shown[row["number"]].accuracy == pytest.approx(100 * row["value"])
        assert shown[row["number"]].params == row["params"]
    assert [trial.number for trial in search.complete if trial.base] == [0]
    assert shown[0].params["learning_rate"] == SMALL.learning_rate
    assert search.importance == pytest.approx(content["importance"])
    assert search.ranked[0].name == next(iter(content["importance"]))
    assert {one.name for one in search.ranked} == {row["name"] for row in content["space"]}
    assert search.credit == "digits; 10 trials of 3 epochs, 8 of them complete"


def test_the_figures_say_what_is_in_them(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of each figure, taken from it before it becomes outlines."""
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    seen: dict[str, set[str]] = {}
    before, shown = plt.rcParams.copy(), plt.get_fignums()
    monkeypatch.setattr(
        style,
        "save",
        lambda figure, path: seen.update({path.stem: {one.get_text() for one in figure.findobj(Text)}}),
    )
    draw(record, tmp_path)
    assert {"trial", "validation accuracy (%)", "best so far", "the base"} <= seen["history"]
    assert {"What mattered", "learning rate", "hidden units", "mirror"} <= seen["importance"]
    assert {"validation\naccuracy (%)", "learning\nrate", "schedule", "cosine", "unused", "best"} <= seen[
        "parallel"
    ]
    assert (plt.rcParams.copy(), plt.get_fignums()) == (before, shown)  # nothing stays behind


def test_a_line_stands_on_each_axis_where_its_trial_is(record: Path) -> None:
    """The best trial's: on top of the accuracies; a choice by its place, a rate by its logarithm."""
    search = read_search(record)
    names = [one.name for one in search.ranked]
    params = max(search.complete, key=lambda trial: trial.accuracy).params
    line: Any = parallel(search).axes[0].lines[-1]
    heights = dict(zip(["accuracy", *names], line.get_ydata(), strict=False))
    assert heights["accuracy"] == 1.0
    assert heights["schedule"] == ("cosine", "decay").index(params["schedule"])
    rates = [math.log(one.params["learning_rate"]) for one in search.complete]
    place = (math.log(params["learning_rate"]) - min(rates)) / (max(rates) - min(rates))
    assert heights["learning_rate"] == pytest.approx(place)
    assert (heights["decay"] == 0.0) == ("decay" not in params)


def test_equal_values_have_one_mark(record: Path, tmp_path: Path) -> None:
    content = json.loads(record.read_text())
    for row in content["trials"]:
        row["params"]["learning_rate"] = 0.05
        if "decay" in row["params"]:
            row["params"]["decay"] = 0.8713
    (tmp_path / "study.json").write_text(json.dumps(content))
    search = read_search(tmp_path / "study.json")
    scales = dict(zip([one.name for one in search.ranked], parallel(search).axes[1:], strict=False))
    marks = {name: [one.get_text() for one in scale.get_yticklabels()] for name, scale in scales.items()}
    assert marks["learning_rate"] == ["0.05"]
    assert marks["decay"] == ["0.8713", "unused"]


def test_too_few_trials_draw_what_can_be_drawn(record: Path, tmp_path: Path) -> None:
    content = json.loads(record.read_text())
    content["trials"] = content["trials"][:1]
    content["importance"] = {}
    (tmp_path / "study.json").write_text(json.dumps(content))
    assert [path.name for path in draw(tmp_path / "study.json", tmp_path)] == ["history.svg", "history.png"]
    content["trials"] = []
    (tmp_path / "study.json").write_text(json.dumps(content))
    assert draw(tmp_path / "study.json", tmp_path) == []


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        ({"format": 99}, "by this version of fcnet"),
        ({"space": None}, "is damaged"),
        ({"trials": [{"state": "complete"}]}, "is damaged"),
        (
            {"trials": [{"number": 0, "state": "complete", "base": True, "params": {}, "value": None}]},
            r"is damaged: a complete trial has no value - at `\$.trials",
        ),
    ],
)
def test_a_damaged_record_is_one_line(
    damage: dict[str, Any], text: str, record: Path, tmp_path: Path
) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(json.loads(record.read_text()) | damage))
    with pytest.raises(RunError, match=text) as caught:
        draw(path, tmp_path)
    assert "\n" not in str(caught.value)


def trial(number: int, state: str, **more: Any) -> Row:
    usual = Row(
        number=number,
        state=state,
        value=None,
        base=number == 0,
        retry_of=None,
        params={},
        settings=SMALL,
        epochs=None,
        seconds=None,
        threads=None,
        curve=(),
        ended=f"2026-01-01T00:00:{number:02}",
    )
    return replace(usual, **more)


SEARCH = Search(Path("out"), SMALL, trials=10, space=make_space(SMALL, ("reg",), (1, 8, 8)))

STATUS = Status(
    SEARCH,
    (
        trial(0, "complete", value=0.5, seconds=60.0),
        trial(1, "complete", value=0.625, seconds=120.0, settings=replace(SMALL, reg=0.01, hidden=(8, 4))),
        trial(2, "pruned", curve=((0.25, 0.25),), seconds=30.0, settings=replace(SMALL, mirror=True)),
        trial(3, "diverged", seconds=30.0),
        trial(4, "failed", settings=None),
        trial(5, "running", curve=((0.25, 0.2), (0.5, 0.3)), settings=replace(SMALL, dropout=0.125)),
        trial(6, "waiting", settings=None),
    ),
)


def test_what_is_left_is_estimated_from_the_trials_so_far() -> None:
    """Four of ten are done in 60 s each on average; half of another is; two workers."""

    def left(workers: int) -> float | None:
        return replace(STATUS, search=replace(SEARCH, workers=workers)).seconds_left

    assert left(2) == pytest.approx((6 - 0.5) * 60 / 2)
    assert Status(SEARCH, ()).seconds_left is None
    # however many workers there are, a trial that runs has to end
    assert left(1000) == pytest.approx(0.5 * 60)


def test_the_table_shows_the_best_first_with_what_differs() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    view = View(console)
    view.update(replace(STATUS, search=replace(SEARCH, workers=2)))
    console.print(view.render())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "4 of 10 trials, 1 pruned, 1 diverged, 1 failed, 1 running, 0.0 s spent, about 3 min left" in shown
    rows = re.findall(r"^ +(\d+) +(.*\S)", shown, flags=re.MULTILINE)
    assert [number for number, _ in rows] == ["5", "1", "0"]  # the running one, then the best
    assert re.fullmatch(r"30\.0 % +50 % done +dropout 0\.125", rows[0][1])
    assert re.fullmatch(r"62\.5 % +2 min +hidden 8 x 4, reg 0\.01", rows[1][1])
    assert re.fullmatch(r"50\.0 % +60 s +the base", rows[2][1])


@pytest.mark.parametrize("workers", [1, 4, 30])
def test_the_table_fits_a_terminal_of_80_by_24_and_shows_who_works(workers: int) -> None:
    many = replace(
        SMALL, hidden=(2544,), momentum=0.853, learning_rate=0.132, reg=0.00066, dropout=0.00463, mirror=True,
        label_smoothing=0.0367, rotate=0.881, zoom=0.082,
    )  # fmt: skip
    ended = tuple(trial(number, "complete", value=0.5, seconds=60.0, settings=many) for number in range(20))
    busy = tuple(
        trial(number, "running", curve=((0.5, 0.3),), settings=many) for number in range(20, 20 + workers)
    )
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    view = View(console)
    view.update(Status(SEARCH, ended + busy))
    lines = console.render_lines(view.render(), pad=False)
    shown = ["".join(part.text for part in line) for line in lines]
    assert len(shown) < 24
    assert sum("50 % done" in line for line in shown) == min(workers, 18)
    assert sum("60 s" in line for line in shown) == {1: 8, 4: 8, 30: 1}[workers]
    assert all(len(line) <= 80 for line in shown)


def test_nothing_is_said_of_the_time_left_once_the_estimate_is_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view = View(Console(file=io.StringIO()))
    view.update(STATUS)
    assert "about 5 min left" in view.headline(STATUS)
    start = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 1e6)
    assert "1 running" in view.headline(STATUS)
    assert "left" not in view.headline(STATUS)


def test_lines_tell_each_trial_once() -> None:
    file = io.StringIO()
    view = View(Console(file=file))
    two = replace(STATUS, search=replace(SEARCH, workers=2))
    assert view.update(replace(two, rows=two.rows[:1]))
    assert view.update(two)
    assert not view.update(two)  # no trial has ended since
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
