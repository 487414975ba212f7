"""The report in a real browser: opened from disk, without a network, on a wide screen and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fcnet.report.page.html import write_report
from tab import Tab

from .test_figures import make, tiny


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = make(tmp_path_factory.mktemp("browser") / "out", tiny())
    return write_report(out, tiny())


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide", "phone"])
def page(request: pytest.FixtureRequest, tab: Tab, report: Path) -> Iterator[Any]:
    """The open page; no error and no request is allowed in all that a test does with it."""
    said: list[str] = []
    asked: list[str] = []

    def noted(address: str) -> None:
        if not address.startswith("data:"):
            asked.append(address)

    yield tab.open(report.as_uri(), said.append, noted, *request.param)
    tab.leave()
    assert said == []
    assert asked == [report.as_uri()]


def test_it_fits_the_screen(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]


def test_every_figure_formula_and_image_has_a_size(page: Any) -> None:
    for selector, least in ((".plot > svg", 8), ("math", 50), ("img", 10)):
        boxes = page.eval_on_selector_all(
            selector,
            "all => all.map(one => [one.getBoundingClientRect().width, one.getBoundingClientRect().height])",
        )
        assert len(boxes) >= least, selector
        assert min(min(box) for box in boxes) > 2, selector
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_curves_answer_to_the_mouse(page: Any) -> None:
    plot = page.locator("#figure-tuned_curves .plot")
    plot.scroll_into_view_if_needed()
    panel = plot.evaluate("plot => JSON.parse(plot.dataset.panels)[0]")
    box = plot.bounding_box()
    left, top, width, height = panel["box"]
    assert page.locator(".tip").count() == 0
    page.mouse.move(
        box["x"] + box["width"] * (left + 0.4 * width), box["y"] + box["height"] * (top + height / 2)
    )
    text = page.locator(".tip").inner_text()
    curve = panel["curves"][0]
    low, high = panel["xlim"]
    at = min(curve["x"], key=lambda x: abs((x - low) / (high - low) - 0.4))
    value = curve["y"][curve["x"].index(at)]
    assert f"epoch {at:g}" in text
    assert f"training: {value:.4g}" in text
    page.mouse.move(0, 0)
    assert page.locator(".tip").count() == 0


def test_the_numbers_unfold(page: Any) -> None:
    details = page.locator("#figure-tuned_curves details")
    details.locator("summary").click()
    assert details.locator("td").first.is_visible()


def test_it_prints(browser: Any, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()
