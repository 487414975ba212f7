"""Make the live page's pictures from the page itself, while trainings on scikit-learn's digits go on.

    python tools/live_figures.py            write docs/figures/watch_*.png
    python tools/live_figures.py --out DIR  write them elsewhere

Two trainings with different learning rates are seen: one finished, and one in its middle.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from explorer_figures import DENSITY, ROOT, WIDTH, chromium, photograph
from fcnet.data.digits import load_digits
from fcnet.live.reading import Watched
from fcnet.live.server import PageServer
from fcnet.runs import observer
from fcnet.runs.observer import Observer
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback, Callbacks
from fcnet.train.config import TrainConfig

HEIGHT = 985

FINISHED = TrainConfig(
    hidden=(64, 32), initialisation="he", preprocessing="standardised", batch_size=60, epochs=30,
    learning_rate=0.002, momentum=0.9, schedule="cosine", reg=1e-3, validation=300,
)  # fmt: skip
GOING_ON = TrainConfig(**(vars(FINISHED) | {"learning_rate": 0.01}))


class Photographer(Callback):
    """Takes the pictures in the middle of a training, which waits for it."""

    def __init__(self, take: Callable[[], None]) -> None:
        self.take = take

    def on_batch_end(self, step: int, total: int, loss: float) -> None:
        if step == total * 2 // 3:
            self.take()


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures", help="folder for the pictures")
    out = parser.parse_args(arguments).out
    observer.SHARE = 1e9  # every evaluation is measured
    dataset = load_digits()
    with chromium() as browser, tempfile.TemporaryDirectory() as name:
        if browser is None:
            return 2
        out.mkdir(parents=True, exist_ok=True)
        folder = Path(name) / "runs"
        train_run(FINISHED, dataset, folder / "slow", callback=Observer(folder / "slow", dataset, "train"))
        second = folder / "quick"
        photographer = Photographer(lambda: _take(browser, folder, out))
        watching = Callbacks(Observer(second, dataset, "train"), photographer)
        train_run(GOING_ON, dataset, second, callback=watching)
    return 0


def _take(browser: Any, folder: Path, out: Path) -> None:
    with PageServer(Watched([folder])) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for scheme in ("light", "dark"):
            page = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=DENSITY,
                color_scheme=scheme, reduced_motion="reduce",
            )  # fmt: skip
            page.goto(server.address)
            _save(photograph(both_runs(page)), out / f"watch_{scheme}.png")
            if scheme == "light":
                page.locator("h2", has_text="What the first layer looks for").evaluate(
                    "one => scrollTo(0, one.getBoundingClientRect().top + scrollY - 24)"
                )
                _save(photograph(page), out / "watch_inside.png")
            page.close()
        server.shutdown()


def both_runs(page: Any) -> Any:
    """The page with both runs, the one that goes on first."""
    page.get_by_role("checkbox", name="slow").wait_for()
    page.locator(".mistake").first.wait_for()
    page.get_by_role("checkbox", name="slow").check()
    page.locator(".last th[scope=col]").nth(1).wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)
    return page


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, optimize=True)
    print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
