"""Make the explorer's pictures of the README from the page itself.

    python tools/explorer_figures.py            write docs/figures/explore_*.png
    python tools/explorer_figures.py --out DIR  write them elsewhere

They show the toy network alone. Chromium draws them with the fonts of the machine, so that no two machines
make the same files; what they show is tested number by number in tests/explore.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from fcnet.explore.equations import steps
from fcnet.explore.write import write_explorer

ROOT = Path(__file__).resolve().parents[1]

WIDTH, HEIGHT, DENSITY = 1280, 860, 1.5
"""Of the window, in CSS pixels, and pixels of the file for each."""

COLOURS = 256
"""Of the palette: the page has few, and the files become small."""


def one_pass(page: Any) -> None:
    """The step that passes the error back through the ReLU."""
    for _ in range([step["name"] for step in steps()].index("delta2")):
        page.locator("#panel-pass .main").click()


def one_weight(page: Any) -> None:
    """The chain rule of a weight, example by example, and its central difference."""
    page.locator("#tab-weight").click()
    scroll(page, "#panel-weight h3")


def break_it(page: Any) -> None:
    """The forgotten mask, which the gradient check sees and the training does not."""
    page.locator("#tab-mistakes").click()
    page.locator('input[value="RELU_MASK_MISSING"]').check()
    scroll(page, "#panel-mistakes .why")


def scroll(page: Any, selector: str) -> None:
    """Bring an element near the window's upper edge."""
    page.evaluate(
        "one => scrollTo(0, document.querySelector(one).getBoundingClientRect().top - 24)", selector
    )


PICTURES: dict[str, Callable[[Any], None]] = {
    "explore_pass": one_pass, "explore_weight": one_weight, "explore_break": break_it,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures", help="folder for the pictures")
    out = parser.parse_args(arguments).out
    with chromium() as browser:
        if browser is None:
            return 2
        out.mkdir(parents=True, exist_ok=True)
        for name, picture in _pictures(browser).items():
            picture.save(out / f"{name}.png", optimize=True)
            print(f"wrote {out / name}.png")
    return 0


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser during the block; None, and a line that says so, where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        print(
            "error: no Chromium on this machine, install it (Debian: apt install chromium)", file=sys.stderr
        )
        yield None
        return
    from playwright.sync_api import sync_playwright

    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=as_root)
        yield browser
        browser.close()


def photograph(page: Any) -> Image.Image:
    """What the window shows, in a palette of its own."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return picture.quantize(COLOURS, dither=Image.Dither.NONE)


def _pictures(browser: Any) -> dict[str, Image.Image]:
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        address = write_explorer(Path(folder) / "explore.html").as_uri()
        for name, prepare in PICTURES.items():
            page = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=DENSITY,
                reduced_motion="reduce",
            )  # fmt: skip
            page.goto(address)
            prepare(page)
            page.mouse.move(0, 0)
            taken[name] = photograph(page)
            page.close()
    return taken


if __name__ == "__main__":
    sys.exit(main())
