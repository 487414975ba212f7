"""A training shows a bar on a terminal, and some ten lines anywhere else."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from fcnet.cli import tell
from fcnet.cli.progress import WIDTH, TrainingProgress
from fcnet.train.history import Evaluation


def row(step: int, total: int) -> Evaluation:
    return Evaluation(step, step / 10, 2.0 * step / total, 0.1, 2.0, 2.1, 0.25, 0.3, 1.9)


def train(progress: TrainingProgress, total: int, every: int) -> None:
    with progress:
        for step in range(1, total + 1):
            progress.on_batch_begin(step - 1)
            progress.on_batch_end(step, total, 2.0)
            if step % every == 0 or step == total:
                progress.on_evaluation(row(step, total))


@pytest.mark.parametrize(("total", "every"), [(1000, 20), (50, 10), (100, 1), (7, 7), (1001, 20)])
def test_some_ten_lines_tell_the_story_and_the_last_is_the_end(
    total: int, every: int, capsys: pytest.CaptureFixture[str]
) -> None:
    train(TrainingProgress("run", Console(file=io.StringIO())), total, every)
    lines = capsys.readouterr().out.splitlines()
    assert min(5, -(-total // every)) <= len(lines) <= 12
    assert all(line.startswith("  run: epoch ") for line in lines)
    assert (
        f"epoch {total / 10:5.1f}  loss 2.000  training sample 25.0 %  validation 30.0 %     2 s, 0 s left"
        in lines[-1]
    )


def test_the_time_left_is_in_proportion_to_the_steps_left(capsys: pytest.CaptureFixture[str]) -> None:
    progress = TrainingProgress("run", Console(file=io.StringIO()))
    progress.on_batch_end(25, 100, 2.0)
    progress.on_evaluation(Evaluation(25, 1.0, 30.0, 0.1, 2.0, 2.1, 0.25, 0.3, 1.9))
    assert capsys.readouterr().out.endswith("  30 s, 90 s left\n")


def test_a_terminal_gets_a_bar_that_goes_away(capsys: pytest.CaptureFixture[str]) -> None:
    screen = io.StringIO()
    progress = TrainingProgress("run", Console(file=screen, force_terminal=True, width=100))
    train(progress, 40, 10)
    shown = screen.getvalue()
    assert capsys.readouterr().out == ""
    assert "loss 2.000  validation 30.0 %" in shown
    assert "100 %" in shown
    assert shown.endswith("\x1b[2K")  # the line is cleared at the end


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = io.StringIO()
    train(TrainingProgress("run", Console(file=screen, force_terminal=True)), 40, 10)
    assert screen.getvalue().strip() == ""
    assert "loss 2.000" in capsys.readouterr().out


def test_the_bar_stops_when_the_training_fails() -> None:
    progress = TrainingProgress("run", Console(file=io.StringIO(), force_terminal=True))
    with pytest.raises(KeyboardInterrupt), progress:
        raise KeyboardInterrupt
    assert not progress.progress.live.is_started


def shown(width: int, title: str, total: int = 40) -> list[str]:
    """What a terminal without colours shows of a training, one text for each time it is drawn."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, no_color=True)
    train(TrainingProgress(title, console), total, 10)
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part) for part in screen.getvalue().splitlines()]


@pytest.mark.parametrize("title", ["run", "12 of 48: 5 layers, pytorch, seed 2"])
@pytest.mark.parametrize("width", [80, 120])
def test_the_bar_fits_in_a_line_and_can_be_read_without_colour(width: int, title: str) -> None:
    lines = [line.strip("\r") for text in shown(width, title) for line in text.split("\r") if line.strip()]
    assert max(map(len, lines)) <= width
    begun = next(line for line in lines if "starting" in line)
    assert re.search(rf"(░|\.){{{WIDTH}}}", begun)  # the second where the output has no such characters
    assert re.search(rf"(█|#){{{WIDTH}}}", lines[-1])
    assert "loss 2.000  validation 30.0 %" in lines[-1]
    assert re.search(r"\d:\d\d, \d:\d\d left$", lines[-1].rstrip())


def test_an_error_on_a_terminal_is_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "error: " + "something is wrong here " * 8 + "/a/path/" + "long-name/" * 12
    tell(sentence)
    assert capsys.readouterr().err == f"{sentence}\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    tell(sentence)
    lines = capsys.readouterr().err.splitlines()
    assert " ".join(lines) == sentence
    assert all(len(line) <= 80 for line in lines[:-1])


def test_a_notebook_without_widgets_gets_lines_and_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich draws bars in notebooks with ipywidgets alone, and warns without them."""
    console = Console(file=io.StringIO(), force_jupyter=True, force_terminal=True)
    assert console.is_terminal
    train(TrainingProgress("run", console), 40, 10)
    assert len(capsys.readouterr().out.splitlines()) == 4
