"""A trained network in the page: its numbers against NumPy, what can be changed, your own pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcnet.data.dataset import Dataset, split
from fcnet.data.own.picture import read_picture
from fcnet.explore.encode import ROUNDINGS
from fcnet.explore.run import factors_of, matrices_of, of_run, rounded, rounded_network
from fcnet.explore.write import write_explorer
from fcnet.net.layers import Activation, Dropout, Residual
from fcnet.net.network import Network
from fcnet.records import RunFolder
from fcnet.runs.training import train_run
from fcnet.train.model import Model
from trainings import small

from .test_numbers import NUMBERS

DEEP = {"hidden": (24, 12), "preprocessing": "whitened", "components": 30, "whitening_floor": 10.0}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """A net with two hidden layers whose first layer is of low rank."""
    folder = tmp_path_factory.mktemp("runs") / "deep"
    train_run(small(**DEEP, initialisation="he", learning_rate=0.05, epochs=6), digits, folder)
    return folder


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, run: Path, digits: Dataset) -> Path:
    return write_explorer(tmp_path_factory.mktemp("pictures") / "explore.html", run, digits)


@pytest.fixture
def page(opened: Any, written: Path) -> Any:
    page = opened(written)
    page.locator("#tab-pictures").click()
    return page


class Seen:
    """The network in float64: what the page's expressions name."""

    def __init__(self, model: Model, pixels: Any) -> None:
        self.params = {name: value.astype(np.float64) for name, value in model.params.items()}
        self.model, self.pixels = model, pixels
        self.off: dict[int, set[int]] = {}
        self.hole: tuple[int, int, int] | None = None

    def input(self, hole: tuple[int, int, int] | None) -> Any:
        x = (self.pixels.astype(np.float64) - self.model.preprocessing.mean) / self.model.preprocessing.scale
        if hole:
            row, col, size = hole
            x = x.reshape(self.model.image_shape).copy()
            x[:, row : row + size, col : col + size] = 0
        return x.reshape(-1)

    def layers(self, hole: Any, off: dict[int, set[int]]) -> list[Any]:
        activations, x = [], self.input(hole)
        last = len(self.params) // 2
        for n in range(1, last + 1):
            x = x @ self.params[f"W{n}"] + self.params[f"b{n}"]
            if n < last:
                x = np.maximum(x, 0)
                x[list(off.get(n, ()))] = 0
            activations.append(x)
        return activations

    def probabilities(self, hole: Any = None, off: Any = None) -> Any:
        scores = self.layers(hole, off or {})[-1]
        powers = np.exp(scores - scores.max())
        return powers / powers.sum()

    def push(self, layer: int, unit: int, k: int) -> float:
        activations = self.layers(self.hole, self.off)
        slope = np.eye(len(activations[-1]))[k]
        for n in range(len(self.params) // 2, layer, -1):
            slope = self.params[f"W{n}"] @ slope
            if n - 1 > layer:
                slope = slope * (activations[n - 2] > 0)
        return float(activations[layer - 1][unit] * slope[unit])

    def namespace(self) -> dict[str, Any]:
        return {
            "probabilities": self.probabilities(self.hole, self.off), "before": self.probabilities(),
            "covered": lambda row, col, size, k: self.probabilities((row, col, size))[k],
            "activation": lambda layer, unit: self.layers(self.hole, self.off)[layer - 1][unit],
            "push": self.push,
        }  # fmt: skip


def held(page: Any, seen: Seen, tolerance: float = 1e-9) -> int:
    shown = page.evaluate(NUMBERS)
    names = seen.namespace()
    for value, expression, _ in shown:
        assert value == pytest.approx(eval(expression, {}, names), abs=tolerance), expression
    return len(shown)


@pytest.fixture
def seen(run: Path, digits: Dataset) -> Seen:
    validation = split(digits.train, small().validation)[1]
    return Seen(Model.load(run), validation.images[np.flatnonzero(validation.labels == 0)[0]])


def test_what_the_network_says_and_why(page: Any, seen: Seen) -> None:
    """The whitened layer is embedded as two factors, exact to float32's rounding of a few 1e-7."""
    assert held(page, seen, 1e-5) >= 10 + 3 * 8
    page.locator('input[name="layer"][value]').last.check(force=True)
    assert held(page, seen, 1e-5) > 20


def test_float32_weights_are_exact(opened: Any, tmp_path: Path, digits: Dataset) -> None:
    train_run(small(hidden=(20,), initialisation="he", epochs=2), digits, tmp_path / "run")
    page = opened(write_explorer(tmp_path / "page.html", tmp_path / "run", digits))
    page.locator("#tab-pictures").click()
    validation = split(digits.train, small().validation)[1]
    for label in (0, 7):
        page.locator(".thumb").nth(2 * label + 1).click()
        pixels = validation.images[np.flatnonzero(validation.labels == label)[1]]
        assert held(page, Seen(Model.load(tmp_path / "run"), pixels)) > 20


def test_a_unit_is_switched_off_and_on_again(page: Any, seen: Seen) -> None:
    toggle = page.locator(".speaker button").first
    unit = int(toggle.get_attribute("data-unit"))
    toggle.click()
    seen.off = {1: {unit}}
    assert page.locator(".was").count() == 10
    held(page, seen, 1e-5)
    again = page.get_by_role("button", name=f"Switch on unit {unit + 1}", exact=True)
    assert again.evaluate("one => one === document.activeElement")
    again.click()
    seen.off = {}
    assert page.locator(".was").count() == 0
    held(page, seen, 1e-5)


def test_a_patch_is_covered_by_pointer_and_by_keys(page: Any, seen: Seen) -> None:
    frame = page.locator(".frame")
    box = frame.bounding_box()
    frame.click(position={"x": box["width"] * 0.5, "y": box["height"] * 0.25})
    seen.hole = (1, 3, 2)
    held(page, seen, 1e-5)
    frame.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    seen.hole = (2, 2, 2)
    held(page, seen, 1e-5)
    page.keyboard.press("Escape")
    assert page.get_by_role("button", name="Uncover").is_disabled()
    page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="Uncover").click()
    seen.hole = None
    held(page, seen, 1e-5)


def test_where_covering_matters(page: Any, seen: Seen) -> None:
    button = page.get_by_role("button", name="Where it matters")
    button.click()
    page.locator(".stage .why data").first.wait_for()
    assert button.get_attribute("aria-pressed") == "true"
    held(page, seen, 1e-5)
    lowest = float(page.locator(".stage .why data").nth(1).get_attribute("value"))
    best = int(seen.probabilities().argmax())
    corners = [(row, col, 2) for row in range(7) for col in range(7)]
    assert lowest == pytest.approx(min(seen.probabilities(corner)[best] for corner in corners), abs=1e-5)
    button.click()
    assert page.locator(".veil").is_hidden()


def picture(path: Path, size: tuple[int, int], mode: str = "RGB") -> Path:
    rng = np.random.default_rng(0)
    shape = (size[1] // 10 + 1, size[0] // 10 + 1, 3)
    Image.fromarray(rng.integers(0, 256, shape, np.uint8)).resize(size).convert(mode).save(path)
    return path


def on_canvas(page: Any) -> Any:
    levels = page.evaluate(
        """() => { const one = document.querySelector("canvas.picture");
        return [...one.getContext("2d").getImageData(0, 0, one.width, one.height).data] }"""
    )
    return np.array(levels).reshape(8, 8, 4)[:, :, 0]


@pytest.mark.parametrize("size", [(90, 61), (40, 40), (8, 8), (5, 300)])
def test_a_picture_of_ones_own_is_read_as_fcnet_reads_it(page: Any, tmp_path: Path, size: Any) -> None:
    path = picture(tmp_path / "own.png", size)
    page.locator("#own").set_input_files(path)
    page.get_by_text("own.png").first.wait_for()
    read = read_picture(path, 8, 8).row(1).reshape(8, 8).astype(int)
    assert np.abs(on_canvas(page) - read).max() <= 2


def test_a_picture_is_dropped(page: Any, tmp_path: Path, seen: Seen) -> None:
    content = list(picture(tmp_path / "own.png", (30, 30)).read_bytes())
    page.evaluate(
        """content => { const all = new DataTransfer();
        all.items.add(new File([new Uint8Array(content)], "dropped.png", { type: "image/png" }));
        document.querySelector(".frame").dispatchEvent(
            new DragEvent("drop", { dataTransfer: all, bubbles: true, cancelable: true })) }""",
        content,
    )
    page.get_by_text("dropped.png").first.wait_for()
    seen.pixels = on_canvas(page).reshape(-1)
    held(page, seen, 1e-5)


def test_what_is_no_picture_or_too_large_is_one_sentence(page: Any, tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    page.locator("#own").set_input_files(text)
    message = page.locator(".stage .message")
    message.filter(has_text="notes.png is not a picture that this browser can open").wait_for()
    Image.new("1", (8000, 5000)).save(tmp_path / "huge.png")
    page.locator("#own").set_input_files(tmp_path / "huge.png")
    message.filter(has_text="huge.png has 40.0 megapixels and this page takes up to 24").wait_for()
    page.locator(".thumb").nth(3).click()
    assert message.inner_text() == ""


def test_rounded_weights_are_told_and_are_what_the_page_computes_with(
    opened: Any, tmp_path: Path, toy_page: Path, run: Path, digits: Dataset
) -> None:
    told = of_run(run, digits, 7_000)
    assert told["rounding"]["kind"] == "int8"
    model, record = Model.load(run), RunFolder(run).read_record()
    factors = {
        name: tuple(rounded(one, "int8") for one in product)
        for name, product in matrices_of(model, record).items()
    }
    images = split(digits.train, small().validation)[1].images
    network = rounded_network(model, factors)
    scores = network.predict_logits(model.preprocessing(images, np.float64))
    same = (scores.argmax(axis=1) == model.logits(images).argmax(axis=1)).sum()
    assert told["rounding"]["same"] == same < len(images) + 1
    limit = (toy_page.stat().st_size + 7_000) / 1e6
    page = opened(write_explorer(tmp_path / "page.html", run, digits, limit))
    page.locator("#tab-pictures").click()
    sentence = f"Of {len(images)} validation pictures {same} get the same answer"
    assert sentence in page.inner_text("#panel-pictures")
    shown = page.evaluate(NUMBERS)[:10]
    first = np.flatnonzero(split(digits.train, small().validation)[1].labels == 0)[0]
    powers = np.exp(scores[first] - scores[first].max())
    np.testing.assert_allclose([one[0] for one in shown], powers / powers.sum(), atol=1e-9)


def test_a_page_keeps_to_its_size(tmp_path: Path, toy_page: Path, run: Path, digits: Dataset) -> None:
    for kind in ROUNDINGS:
        room = {"float32": 20_000, "int16": 10_000, "int8": 7_000}[kind]
        assert of_run(run, digits, room)["rounding"]["kind"] == kind
    limit = (toy_page.stat().st_size + 10_000) / 1e6
    assert len(write_explorer(tmp_path / "page.html", run, digits, limit).read_bytes()) <= limit * 1e6


def test_without_its_data_a_run_still_looks_at_ones_own_pictures(
    opened: Any, tmp_path: Path, run: Path
) -> None:
    page = opened(write_explorer(tmp_path / "page.html", run, None))
    page.locator("#tab-pictures").click()
    assert page.locator(".thumb").count() == 0
    page.locator("#own").set_input_files(picture(tmp_path / "own.png", (20, 20)))
    page.get_by_text("own.png").first.wait_for()


def test_a_layer_is_factored_only_where_that_is_exact_and_smaller() -> None:
    rng = np.random.default_rng(0)
    low = rng.standard_normal((40, 5)) @ rng.standard_normal((5, 30))
    for W, rank, count in ((low, 5, 2), (low, 4, 1), (low, 20, 1), (rng.standard_normal((40, 30)), 5, 1)):
        found = factors_of(W, rank)
        assert len(found) == count
        np.testing.assert_allclose(np.linalg.multi_dot([np.eye(40), *found]), W, atol=1e-9)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": (16,), "activation": "gelu", "norm": "layernorm", "blocks": 2, "expansion": 2},
        {"hidden": (16, 12), "activation": "tanh", "norm": "layernorm", "dropout": 0.2},
    ],
    ids=["residual", "normed"],
)
def test_other_layers(opened: Any, tmp_path: Path, digits: Dataset, settings: dict[str, Any]) -> None:
    """Norms, residual blocks, other activations: answers by the network, pushes by central differences."""
    train_run(small(**settings, initialisation="he", epochs=2), digits, tmp_path / "run")
    page = opened(write_explorer(tmp_path / "page.html", tmp_path / "run", digits))
    page.locator("#tab-pictures").click()
    model = Model.load(tmp_path / "run")
    params = {name: value.astype(np.float64) for name, value in model.params.items()}
    network = Network(model.architecture, np.random.default_rng(0), dtype=np.float64, params=params)
    validation = split(digits.train, small().validation)[1]
    pixels = validation.images[np.flatnonzero(validation.labels == 0)[:1]]
    layers = [layer for layer in network.layers if not isinstance(layer, Dropout)]
    given = [model.preprocessing(pixels, np.float64)]
    for layer in layers:
        given.append(layer.predict(given[-1]).copy())
    hidden = [n for n, layer in enumerate(layers) if isinstance(layer, (Activation, Residual))]
    assert len(hidden) == 2
    powers = np.exp(given[-1][0] - given[-1][0].max())

    def push(layer: int, unit: int, k: int) -> float:
        scores = []
        for h in (1e-5, -1e-5):
            x = given[hidden[layer - 1] + 1].copy()
            x[0, unit] += h
            for above in layers[hidden[layer - 1] + 1 :]:
                x = above.predict(x)
            scores.append(x[0, k])
        return float(given[hidden[layer - 1] + 1][0, unit] * (scores[0] - scores[1]) / 2e-5)

    names = {
        "probabilities": powers / powers.sum(), "push": push,
        "activation": lambda layer, unit: given[hidden[layer - 1] + 1][0, unit],
    }  # fmt: skip
    for layer in (0, 1):
        page.locator('input[name="layer"]').nth(layer).check(force=True)
        shown = page.evaluate(NUMBERS)
        assert len(shown) > 20
        for value, expression, _ in shown:
            tolerance = 1e-7 if expression.startswith("push") else 1e-9
            assert value == pytest.approx(eval(expression, {}, names), abs=tolerance), expression
