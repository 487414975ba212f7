"""How the page behaves: every button, key and slider, every width, both schemes, without eyes or pointer."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcnet.explore.equations import steps

VIEWS = ("pass", "weight", "train", "mistakes", "predict")
LAST = len(steps()) - 1


CUT = """() => [...document.querySelectorAll(".unit data")].filter(one => {
    const box = one.getBoundingClientRect(), range = document.createRange();
    range.selectNodeContents(one);
    return range.getBoundingClientRect().width > box.width + 1 }).map(one => one.textContent)"""
"""Numbers that do not fit into their unit."""

EDGES = """() => {
    const boxes = [...document.querySelectorAll(".unit")].map(one => one.getBoundingClientRect());
    return [Math.min(...boxes.map(box => box.left)), Math.max(...boxes.map(box => box.right))] }"""
"""The leftmost and rightmost places of all units, in CSS pixels."""

WORK = """() => {
    const step = [...document.querySelectorAll("button")].find(one => one.textContent === "One step");
    for (let n = 0; n < 60; n++) { step.click(); document.body.getBoundingClientRect() } }"""
"""Sixty iterations, each with its layout."""

FRAMES = """() => new Promise(done => {
    const times = [];
    const frame = now => {
        times.push(now);
        if (times.length <= 40) requestAnimationFrame(frame);
        else done(times.slice(1).map((time, n) => time - times[n]));
    };
    requestAnimationFrame(frame) })"""
"""Milliseconds of each of forty frames."""

FOCUS = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.name ?? ''"


def step(page: Any) -> int:
    return int(page.locator('input[name="step"]').input_value())


def slide(page: Any, name: str, value: float) -> None:
    page.evaluate(
        """([name, value]) => { const one = document.querySelector(`input[name="${name}"]`);
        one.value = value; one.dispatchEvent(new Event("input")) }""",
        [name, value],
    )


def value(page: Any, title: str) -> float:
    return float(page.locator(f'#app data[title="{title}"]:visible').first.get_attribute("value"))


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_fits_every_screen(opened: Any, toy_page: Path, width: int, scheme: str) -> None:
    page = opened(toy_page, width, scheme)
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        left, right = page.evaluate(EDGES)
        assert left >= 0
        assert right <= width
    assert page.evaluate(CUT) == []


def test_the_page_is_small_and_asks_for_nothing(toy_page: Path) -> None:
    text = toy_page.read_text()
    assert len(text.encode()) < 400_000
    without_names = text.replace("http://www.w3.org/", "")
    assert "http://" not in without_names
    assert "https://" not in without_names


def test_steps_go_forth_and_back_by_buttons_keys_and_slider(page: Any) -> None:
    button = {name: page.get_by_role("button", name=name) for name in ("First step", "Back", "Next")}
    assert button["Back"].is_disabled()
    button["Next"].click()
    button["Next"].click()
    button["Back"].click()
    assert step(page) == 1
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert step(page) == 2
    page.keyboard.press("End")
    assert step(page) == LAST
    assert button["Next"].count() == 1
    assert page.locator("#panel-pass .main").inner_text() == "Next pass"
    page.keyboard.press("Home")
    assert step(page) == 0
    slider = page.locator('input[name="step"]')
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert step(page) == 1
    assert page.locator("#live").inner_text() == "2: The hidden layer adds up"
    assert slider.get_attribute("aria-valuetext") == f"2 of {LAST + 1}: The hidden layer adds up"
    button["First step"].click()
    assert step(page) == 0


def test_a_step_lights_what_it_reads_and_writes(page: Any) -> None:
    slide(page, "step", 1)
    assert page.locator(".unit.input data.up.reads").count() == 4
    assert page.locator(".unit.hidden data.up.writes").count() == 10
    assert page.locator(".edge.lit").count() == 50
    assert page.locator(".unit.output data[value]").count() == 0
    assert page.locator("#panel-pass .chip.reads").count() == 3


def test_a_line_is_clicked(page: Any) -> None:
    page.locator("#tab-weight").click()
    page.evaluate(
        "document.querySelectorAll('.hit')[17].dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert page.locator("#panel-weight h2").inner_text() == "Weight from input 2 to hidden unit 8"
    assert page.locator(".edge.target").count() == 1


def test_points_by_buttons_and_keys(page: Any) -> None:
    for n in (1, 2, 5, 3, 4):
        page.keyboard.press(str(n))
        assert page.locator('input[name="point"]:checked').input_value() == str(n - 1)
    page.locator('input[name="point"]').nth(1).check(force=True)
    assert value(page, "a1[1, 0]") == pytest.approx(8.654076, abs=1e-6)


def test_tabs_and_cells_by_keys(page: Any) -> None:
    page.locator("#tab-pass").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tab-weight").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#tab-predict").get_attribute("aria-selected") == "true"
    page.locator("#tab-weight").click()
    page.locator("#panel-weight summary").click()
    page.locator('.cell[aria-pressed="true"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.locator("#panel-weight h2").inner_text() == "Weight from input 2 to hidden unit 6"
    assert page.locator(".cell[tabindex='0']").count() == 1
    assert "dead" in page.locator("#panel-weight .why").inner_text()


def test_units_and_steps_are_reached_by_tabbing_alone(page: Any) -> None:
    """The focus passes every unit in the order of the layers, then what steps through the pass."""
    page.locator("#tab-pass").focus()
    seen = []
    for _ in range(22):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUS).split(",")[0])
    assert seen[0] == "point"
    assert seen[1:18] == [
        *(f"input {n}" for n in range(1, 5)), *(f"hidden unit {n}" for n in range(1, 11)),
        *(f"class {n}" for n in range(3)),
    ]  # fmt: skip
    assert seen[18] == "Step of the pass"


def test_what_has_a_name_for_who_cannot_see(page: Any) -> None:
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, input, [role=img], [tabindex='0']")]
            .filter(one => one.checkVisibility() && !(one.getAttribute("aria-label") || one.textContent.trim()
                || one.labels?.length)).map(one => one.outerHTML)"""
        )
        assert nameless == [], view
    assert page.locator("[role=tabpanel]").count() == len(VIEWS)
    assert (
        page.locator(".unit.hidden.dead")
        .first.get_attribute("aria-label")
        .endswith("dead: off for every point")
    )


def test_training_runs_pauses_steps_and_starts_again(opened: Any, toy_page: Path) -> None:
    page = opened(toy_page, motion="no-preference")
    page.locator("#tab-train").click()
    page.locator("h1").click()
    page.keyboard.press("Space")
    for _ in range(100):
        page.wait_for_timeout(50)
        if value(page, "iteration") >= 5:
            break
    page.get_by_role("button", name="Pause").click()
    paused = value(page, "iteration")
    page.wait_for_timeout(200)
    assert value(page, "iteration") == paused >= 5
    page.get_by_role("button", name="One step").click()
    page.locator("h1").click()
    page.keyboard.press("n")
    assert value(page, "iteration") == paused + 2
    page.get_by_role("button", name="Start again").click()
    assert value(page, "iteration") == 0
    assert page.locator("#panel-train .curve.before").count() == 1


def test_a_training_that_diverges_says_so(page: Any) -> None:
    page.locator("#tab-train").click()
    for name, to in (("learning_rate", 1), ("decay", 1), ("std", 1)):
        slide(page, name, to)
    page.get_by_role("button", name="Train", exact=True).click()
    assert "would make the weights infinite" in page.locator("#panel-train .message").inner_text()
    assert page.locator("#panel-train").get_by_role("button", name="Train", exact=True).is_visible()


def test_a_mistake_is_seen_in_all_views_and_repaired(page: Any) -> None:
    page.locator("#tab-mistakes").click()
    page.locator('input[value="RELU_MASK_MISSING"]').check()
    assert page.locator(".unit data.wrong").count() == 5  # the units that are off for point 1
    page.locator("#tab-pass").click()
    for title in range(LAST):
        slide(page, "step", title)
    page.locator(".unit.hidden").nth(1).click()
    slide(page, "step", [one["name"] for one in steps()].index("delta2"))
    assert "the code with the mistake says" in page.locator("#panel-pass").inner_text()
    page.get_by_role("button", name="Repair it").click()
    assert page.locator("data.wrong").count() == 0
    assert page.locator(".banner").is_hidden()
    page.locator("#tab-mistakes").click()
    assert page.locator('input[name="mistake"]:checked').input_value() == ""


def test_questions_are_answered_and_revealed(page: Any) -> None:
    """Every question, twice round: the right answers are marked as such, and nothing is told before."""
    page.locator("#tab-predict").click()
    asked = set()
    for _ in range(14):
        asked.add(page.locator("#panel-predict h2").inner_text())
        assert page.locator("#panel-predict .why").inner_text() == ""
        assert page.locator(".unit .back[value]").count() == 0
        page.get_by_role("button", name="Reveal").click()
        missed = page.locator(".mark.fails").count()
        assert missed >= 1 or "none" in page.locator("#panel-predict .why").inner_text().lower()
        assert page.locator(".unit .back[value]").count() > 0
        page.get_by_role("button", name="Next question").click()
    assert len(asked) >= 9


def test_the_right_answer_to_the_first_question_is_the_mask(page: Any) -> None:
    page.locator("#tab-predict").click()
    sums = [float(one.get_attribute("value")) for one in page.locator(".unit.hidden data[title^='z2']").all()]
    for n, total in enumerate(sums):
        page.locator('input[name="answer"]').nth(n).set_checked(total > 0)
    page.get_by_role("button", name="Reveal").click()
    assert page.locator("#panel-predict .why").inner_text().startswith("Right.")
    assert page.locator(".mark.fails").count() == 0


def test_a_frame_of_training_takes_less_than_a_sixtieth_of_a_second(page: Any) -> None:
    """Sixty iterations with all numbers, lines and layout take less than a second of the page's own time."""
    page.locator("#tab-train").click()
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds() -> float:
        metrics = browser.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    page.evaluate(WORK)
    before = seconds()
    page.evaluate(WORK)
    assert 0 < seconds() - before < 1


COLOURS = ("ink", "soft", "link", "positive", "negative", "good", "bad", "third")
"""Of words, lines and curves on the page's paper."""

RED_GREEN_BLIND = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
"""What somebody without green cones sees of linear red, green and blue (Machado and others, 2009)."""


def linear(colour: str) -> Any:
    """A colour like #0072b2 as linear red, green and blue in [0, 1]."""
    levels = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def luminance(rgb: Any) -> float:
    return float(rgb @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_told_from_the_paper_and_from_each_other(scheme: str) -> None:
    """WCAG's 4.5 to 1 against the paper; positive and negative differ for the red-green blind."""
    css = (files("fcnet.web") / "base.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    paper = luminance(linear(found["paper"]))
    for name in COLOURS:
        low, high = sorted((paper, luminance(linear(found[name]))))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name
    seen = [RED_GREEN_BLIND @ linear(found[name]) for name in ("positive", "negative")]
    assert np.abs(seen[0] - seen[1]).max() > 0.2


def test_every_slider_choice_and_button_answers(page: Any) -> None:
    """Each slider moves by keys and says where it is, each choice can be made, each button be pressed."""
    moved, chosen, clicked = set(), set(), set()
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        for slider in page.locator('input[type="range"]:visible').all():
            told = []
            slider.focus()
            for key in ("Home", "ArrowRight", "End"):
                page.keyboard.press(key)
                told.append(slider.get_attribute("aria-valuetext"))
            assert None not in told
            assert len(set(told)) == 3
            moved.add(slider.get_attribute("name"))
        for one in page.locator('input[type="radio"]:visible').all():
            one.check(force=True)
            assert one.is_checked()
            chosen.add(one.get_attribute("name"))
        names = page.locator("#app button:not(.unit, .cell, [role=tab]):visible").all_inner_texts()
        for name in names:
            button = page.locator(f"#panel-{view}").get_by_role("button", name=name, exact=True)
            if button.count() and button.first.is_enabled():
                button.first.click()
                clicked.add(name)
        if (repair := page.get_by_role("button", name="Repair it")).is_visible():
            repair.click()
    assert {"step", "offset", "h", "learning_rate", "decay", "momentum", "reg", "std"} <= moved
    assert {"point", "mistake"} <= chosen
    assert {"One step", "Start again", "Reveal"} <= clicked


def test_how_many_frames_a_second_a_training_draws(
    opened: Any, toy_page: Path, record_property: Callable[[str, object], None]
) -> None:
    """The browser's own count, which depends on what else the machine does: recorded, and not asserted."""
    page = opened(toy_page, motion="no-preference")
    page.locator("#tab-train").click()
    page.get_by_role("button", name="Train", exact=True).click()
    milliseconds = page.evaluate(FRAMES)
    assert len(milliseconds) == 40
    assert value(page, "iteration") > 0
    middle = sorted(milliseconds)[20]
    record_property("frames a second, median of 40", round(1000 / middle, 1))
    print(f"frames a second, median of 40: {1000 / middle:.1f}")


def test_nothing_moves_for_those_who_want_no_motion(page: Any) -> None:
    durations = page.evaluate(
        "[...document.querySelectorAll('*')].map(one => getComputedStyle(one).transitionDuration)"
    )
    assert set(durations) == {"0s"}
    page.locator("#tab-train").click()
    page.locator("#panel-train .main").click()
    assert value(page, "iteration") == 100
