"""The live page in a real browser: its numbers, buttons, widths, troubles, and what others wrote as text."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import Dataset
from fcnet.live.notebook import display
from fcnet.live.server import TOKEN
from fcnet.lock import NAME, Lock
from fcnet.records import RunFolder
from fcnet.runs.observed import LiveFolder, Progress, State, read_live, write_live
from fcnet.train.history import read_history
from fcnet.wording import shown
from notebooks import executed
from trainings import StopAfter

from .conftest import Opener, Serve, train

CANVASES = "all => all.map(one => [...one.getContext('2d').getImageData(0, 0, one.width, one.height).data])"


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait for a condition; the page's own policy forbids Playwright to ask for it in there."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def column(page: Any, n: int) -> dict[str, float]:
    """The last evaluation of the n-th run that is looked at."""
    rows = page.locator(".last tr").all()[1:]
    return {
        row.locator("th").inner_text(): float(row.locator("data").nth(n).get_attribute("value"))
        for row in rows
    }


def test_numbers_are_those_of_the_records(serve: Serve, opened: Opener, finished: Path) -> None:
    page = opened(serve(finished).address)
    page.wait_for_selector(".mistake")
    for n, name in enumerate(("first", "second")):
        row = read_history(RunFolder(finished / name).history)[-1]
        assert column(page, n) == {
            "epoch": row.epoch, "loss, training": row.loss, "loss, validation": row.val_loss,
            "accuracy, training sample": row.train_accuracy, "accuracy, validation": row.val_accuracy,
            "learning rate": row.learning_rate, "time": row.seconds,
        }  # fmt: skip
        accuracy = page.locator(f'.runs tr:has-text("{name}") data')
        assert float(accuracy.get_attribute("value")) == row.val_accuracy
        assert accuracy.inner_text() == f"{100 * row.val_accuracy:.1f} %"
    state = read_live(LiveFolder(finished / "first").state, State)
    assert state is not None
    assert state.seen is not None
    counts = [int(one) for one in page.locator(".confusion tr:has(th[scope=row]) td").all_inner_texts()]
    assert np.array_equal(np.reshape(counts, (10, 10)), state.seen.confusion)
    mistakes = state.seen.mistakes
    texts = page.locator(".mistakes li").all_inner_texts()
    assert [" ".join(text.split()) for text in texts] == [
        f"{one.label}, taken for {one.said} {100 * one.probability:.1f} %" for one in mistakes
    ]
    painted = page.eval_on_selector_all(".mistake", CANVASES)
    for one, mistake in zip(painted, mistakes, strict=True):
        assert one[::4] == list(base64.b64decode(mistake.pixels))


def points(page: Any, figure: str, kind: str) -> Any:
    """The corners of a curve, (N, 2), in the drawing's units."""
    path = page.locator(f'figure:has-text("{figure}") path.curve.{kind}').first.get_attribute("d")
    return np.array([[float(x) for x in part.split()] for part in path[1:].split("L")])


def test_curves_are_those_of_the_history(serve: Serve, opened: Opener, finished: Path) -> None:
    page = opened(serve(finished / "first").address)
    page.wait_for_selector("path.curve")
    rows = read_history(RunFolder(finished / "first").history)
    values = [row.val_accuracy for row in rows]
    for along in ("epoch", "step", "seconds"):
        page.locator(f'input[value="{along}"]').check(force=True)
        drawn = points(page, "Accuracy", "run1")
        places = [getattr(row, along) for row in rows]
        for n, expected in enumerate((places, values)):
            slope, start = np.polyfit(expected, drawn[:, n], 1)
            assert np.abs(drawn[:, n] - (slope * np.array(expected) + start)).max() < 0.02
    state = read_live(LiveFolder(finished / "first").state, State)
    assert state is not None
    norms = np.log10([one.gradients["W2"] for one in state.measured])
    drawn = points(page, "Norm of the gradient", "run2")
    slope, start = np.polyfit(norms, drawn[:, 1], 1)
    assert slope < 0
    assert np.abs(drawn[:, 1] - (slope * norms + start)).max() < 0.02
    assert page.locator('figure:has-text("Norm") .key').inner_text().split("\n") == [
        "1: W1",
        "2: W2",
        "3: W3",
    ]


def test_runs_are_chosen_and_looked_into_by_keyboard(serve: Serve, opened: Opener, finished: Path) -> None:
    page = opened(serve(finished).address)
    page.wait_for_selector(".last data")
    first, second = (page.get_by_role("checkbox", name=name) for name in ("first", "second"))
    assert first.is_checked()
    assert second.is_checked()
    assert page.locator(".letter:visible").count() >= 6
    assert "Gradients and dead units" in page.locator("#app").inner_text()
    page.get_by_role("radio", name="first").focus()
    page.keyboard.press("ArrowRight")  # the second run, which was not watched, has no layers
    until(page, lambda: not page.locator(".plots").nth(1).is_visible())
    assert page.locator(".unit-weights").count() == 16
    second.focus()
    page.keyboard.press("Space")
    until(page, lambda: page.locator(".last th[scope=col]").count() == 1)
    assert page.get_by_role("radio", name="second", exact=True).count() == 0
    slider = page.get_by_role("slider", name="After step")
    before = page.eval_on_selector_all(".unit-weights", "all => all.map(one => one.toDataURL())")
    slider.focus()
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "0"
    after = page.eval_on_selector_all(".unit-weights", "all => all.map(one => one.toDataURL())")
    assert len(before) == len(after) == 16
    assert before != after


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (768, "dark"), (1280, "light"), (1920, "dark")]
)
def test_it_fits_the_screen(serve: Serve, opened: Opener, finished: Path, width: int, scheme: str) -> None:
    page = opened(serve(finished).address, width, scheme)
    page.wait_for_selector(".mistake")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    unnamed = "all => all.filter(one => !one.getAttribute('aria-label')).length"
    assert page.eval_on_selector_all(".plot svg[role=img]", unnamed) == 0
    for box in page.locator("button:visible, input[type=checkbox]:visible").all():
        assert box.bounding_box()["width"] >= 18


def test_buttons_are_told_to_the_training(
    serve: Serve, opened: Opener, tmp_path: Path, digits: Dataset
) -> None:
    """A training that stands still, whose part this test takes."""
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(run, digits, StopAfter(30))
    live, lock = LiveFolder(run), Lock(run / NAME)
    write_live(live.progress, Progress(30, 63, 75.0, 0.5))
    page = opened(serve(run).address, gone=True)
    note = page.locator(".said .why")
    note.wait_for()
    assert note.inner_text() == (
        f"Stopped with a checkpoint. Resume it with: fcnet train --out {run} --resume"
    )
    assert page.get_by_role("button").count() == 0
    assert lock.try_acquire()
    page.get_by_role("button", name="Pause run").click()
    until(page, lambda: page.locator(".runs button").first.is_disabled())
    assert page.locator(".runs").inner_text().find("1:15") > 0
    assert json.loads(live.control.read_text()) == {"wish": "pause"}
    write_live(live.progress, Progress(30, 63, 75.0, 0.5, paused=True))
    page.get_by_role("button", name="Resume run").click()
    until(page, lambda: page.locator(".runs button").first.is_disabled())
    assert json.loads(live.control.read_text()) == {"wish": "run"}
    assert page.locator(".runs").inner_text().find("1:15") < 0
    write_live(live.progress, Progress(31, 63, 75.0, 0.5))
    page.get_by_role("button", name="Stop run").click()
    until(page, lambda: page.locator(".runs button").first.is_disabled())
    assert json.loads(live.control.read_text()) == {"wish": "stop"}
    lock.release()
    note.wait_for()
    assert page.get_by_role("button").count() == 0


def test_it_follows_a_run_and_survives_a_restart(
    serve: Serve, opened: Opener, tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "a-token-that-is-kept")
    server = serve(tmp_path)
    page = opened(server.address, gone=True)
    status = page.locator("#status")
    until(page, lambda: status.inner_text() == "0 runs, 0 training.")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "new", digits, StopAfter(30))
    until(page, lambda: page.locator('.last data[value="1"]').count() > 0)
    server.shutdown()
    server.server_close()
    until(page, lambda: "does not answer" in status.inner_text())
    assert column(page, 0)["epoch"] == 1
    train(tmp_path / "new", digits)
    again = serve(tmp_path, port=server.server_port)
    until(page, lambda: page.locator('.last data[value="3"]').count() > 0)
    assert status.inner_text() == "1 run, 0 training."
    again.shutdown()
    again.server_close()
    monkeypatch.setenv(TOKEN, "another-token-than-before")
    serve(tmp_path, port=server.server_port)
    until(page, lambda: "no valid token" in status.inner_text())


def test_names_of_others_are_text(serve: Serve, opened: Opener, tmp_path: Path, digits: Dataset) -> None:
    evil = "<img src=x onerror=alert(1)>\u202e</script>"
    classes = tuple(f"{evil}{n}" for n in range(10))
    run = tmp_path / "<b>run"
    train(run, replace(digits, classes=classes))
    page = opened(serve(run).address)
    page.wait_for_selector(".mistake")
    assert page.locator("#app img, #app b").count() == 0
    assert page.get_by_role("checkbox", name="<b>run").count() == 1
    assert shown(evil) in page.locator(".confusion th[scope=row]").first.text_content()
    (run / "history.jsonl").write_text("{}\n<script>alert(1)</script>")
    until(page, lambda: "is damaged" in page.locator(".said .message").inner_text())
    assert page.locator("#app script").count() == 0


def test_a_notebook_shows_the_same(browser: Any, finished: Path, tmp_path: Path) -> None:
    """The frame in a page of its own, without a network: the same numbers, no button, nothing asked."""
    made = display(finished / "first")
    assert repr(made) == "Display of first"
    file = tmp_path / "notebook.html"
    file.write_text(f"<!DOCTYPE html><body>{made._repr_html_()}</body>")
    context = browser.new_context(offline=True)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: said.append(one.url) if one.url.startswith(("http", "ws")) else None)
    page.goto(file.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".mistake").first.wait_for()
    row = read_history(RunFolder(finished / "first").history)[-1]
    assert float(frame.locator(".last data").nth(2).get_attribute("value")) == row.val_loss
    assert frame.get_by_role("button").count() == 0
    assert frame.locator("#status").inner_text() == "As it was when it was made."
    context.close()
    assert said == []


def test_a_real_kernel_displays_a_run_and_prints_lines(
    browser: Any, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook that is executed: the frame of `display`, and how a training is told there: in lines."""
    for package in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(package)
    import nbformat

    monkeypatch.setenv("PYTHONWARNINGS", "default")  # the kernel's own libraries, not ours
    train_it = "--data digits --hidden 8 --learning-rate 0.01 --epochs 3 --evaluate-every 3"
    cells = [
        f"import fcnet\nfcnet.display({str(finished / 'first')!r})",
        f"from fcnet.cli import main\nassert main('train --out run {train_it}'.split()) == 0",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "one.ipynb")
    shown_cell, trained = executed(tmp_path / "one.ipynb", FCNET_OFFLINE="1").cells
    text = "".join(output["text"] for output in trained.outputs)
    assert not {"\r", "\x1b", "█"} & set(text)
    lines = text.splitlines()
    assert len(lines) > 3
    assert all("epoch" in line and "left" in line for line in lines[:-1])
    (tmp_path / "one.html").write_text(f"<!DOCTYPE html>{shown_cell.outputs[0].data['text/html']}")
    page = browser.new_page()
    page.goto((tmp_path / "one.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".mistake").first.wait_for()
    row = read_history(RunFolder(finished / "first").history)[-1]
    assert float(frame.locator(".last data").nth(2).get_attribute("value")) == row.val_loss
    page.close()
