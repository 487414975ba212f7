"""Make the README's animations from the pages themselves.

    python tools/animations.py            write docs/figures/*.webp
    python tools/animations.py --out DIR  write them elsewhere

Each one is made for light and for dark pages. Readers who want no motion see a still picture instead: of the
explorer those of `explorer_figures.py`, of the live page those of `live_figures.py`. The pages themselves ask
for reduced motion here, so that every frame is a state and none is on the way to one.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from explorer_figures import ROOT, chromium, scroll
from fcnet.data.digits import load_digits
from fcnet.explore.equations import steps
from fcnet.explore.write import write_explorer
from fcnet.live.reading import Watched
from fcnet.live.server import PageServer
from fcnet.runs import observer
from fcnet.runs.observer import Observer
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback, Callbacks
from fcnet.train.history import Evaluation
from live_figures import FINISHED, GOING_ON, both_runs

WIDTH, HEIGHT, DENSITY = 1200, 800, 0.8
"""Of the window, in CSS pixels, and pixels of the file for each."""

QUALITY = 55
"""Of WebP: letters stay sharp, and a file has at most 300 kB."""

SCHEMES = ("light", "dark")

Frames = list[tuple[Image.Image, int]]
"""Pictures, and for how many milliseconds each is shown."""


STEPS = "z2", "a2", "z3", "J_i", "J_tilde", "delta3", "dW2", "delta2", "dW1", "update"
"""Of a pass, those that are shown."""


def one_pass(page: Any) -> Iterator[int]:
    """A pass forwards and back."""
    scroll(page, ".tabs")
    for step in steps():
        if step["name"] in STEPS:
            yield 3000 if step["name"] == STEPS[-1] else 1500
        page.locator("#panel-pass .main").click()


def one_weight(page: Any) -> Iterator[int]:
    """A weight that moves, and the objective that leaves the tangent."""
    page.locator("#tab-weight").click()
    scroll(page, "#panel-weight h3")
    to_the_right = [n / 10 for n in range(0, 9, 2)]
    path = [*to_the_right, *reversed(to_the_right[:-1])]
    for offset in [*path, *(-offset for offset in path[1:-1])]:
        page.locator('input[name="offset"]').evaluate(
            "(one, to) => { one.value = to; one.dispatchEvent(new Event('input')) }", offset
        )
        yield 1500 if offset == 0 else 400


EXPLORER: dict[str, Callable[[Any], Iterator[int]]] = {"explore_pass": one_pass, "explore_weight": one_weight}
WATCH = "watch"
"""The animations by name: those of the explorer, and that of the live page."""


class Filming(Callback):
    """Calls `take` some steps after every second evaluation, when what was measured at it is written."""

    def __init__(self, take: Callable[[Evaluation], None]) -> None:
        self.take = take
        self.row: Evaluation | None = None

    def on_evaluation(self, row: Evaluation) -> None:
        self.row = row

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if self.row is not None and step == self.row.step + 2 and self.row.epoch % 2 == 1:
            self.take(self.row)


def main(arguments: list[str] | None = None) -> int:
    """Write the animations; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs" / "figures", help="folder for the animations"
    )
    parser.add_argument("--only", choices=[*EXPLORER, WATCH], help="one of them, light and dark")
    given = parser.parse_args(arguments)
    out = given.out
    out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, tempfile.TemporaryDirectory() as name:
        if browser is None:
            return 2
        address = write_explorer(Path(name) / "explore.html").as_uri()
        for title, play in EXPLORER.items():
            for scheme in SCHEMES if given.only in (None, title) else ():
                with _window(browser, scheme, address) as page:
                    _save(_filmed(page, play), out / f"{title}_{scheme}.webp")
        if given.only in (None, WATCH):
            for scheme, frames in _watched(browser, Path(name) / "runs").items():
                _save(frames, out / f"{WATCH}_{scheme}.webp")
    return 0


@contextmanager
def _window(browser: Any, scheme: str, address: str) -> Iterator[Any]:
    page = browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=DENSITY, color_scheme=scheme,
        reduced_motion="reduce",
    )  # fmt: skip
    page.goto(address)
    yield page
    page.close()


def _filmed(page: Any, play: Callable[[Any], Iterator[int]]) -> Frames:
    frames = []
    for milliseconds in play(page):
        page.mouse.move(0, 0)
        frames.append((_picture(page), milliseconds))
    return frames


def _watched(browser: Any, folder: Path) -> dict[str, Frames]:
    """A training beside one that is finished, after every second of its evaluations."""
    observer.SHARE = 1e9  # every evaluation is measured
    dataset, first, second = load_digits(), folder / "slow", folder / "quick"
    train_run(FINISHED, dataset, first, callback=Observer(first, dataset, "train"))
    films: dict[str, Frames] = {scheme: [] for scheme in SCHEMES}
    windows: dict[str, Any] = {}
    with PageServer(Watched([folder])) as server, ExitStack() as opened:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def take(row: Evaluation) -> None:
            for scheme in SCHEMES:
                if scheme not in windows:  # the page begins with the run that trains
                    windows[scheme] = opened.enter_context(_window(browser, scheme, server.address))
                    both_runs(windows[scheme])
                page = windows[scheme]
                page.locator(".last tr", has_text="epoch").locator(
                    f'data[value="{row.epoch:g}"]'
                ).first.wait_for()
                films[scheme].append((_picture(page), 400))

        train_run(
            GOING_ON, dataset, second, callback=Callbacks(Observer(second, dataset, "train"), Filming(take))
        )
        server.shutdown()
    return films


def _save(frames: Frames, path: Path) -> None:
    pictures = [picture for picture, _ in frames]
    shown = [milliseconds for _, milliseconds in frames]
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=shown, loop=0, quality=QUALITY, method=2
    )
    print(f"wrote {path}: {len(frames)} frames, {path.stat().st_size / 1000:.0f} kB", flush=True)


def _picture(page: Any) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


if __name__ == "__main__":
    sys.exit(main())
