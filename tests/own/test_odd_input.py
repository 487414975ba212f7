"""What docs/data.md says that odd input gets is what it gets."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .conftest import fcnet, picture, write_pictures

ROOT = Path(__file__).parents[2]

Given = Callable[[], tuple[str, ...]]
"""Makes the data, and returns the options."""


def table() -> dict[str, tuple[str, str]]:
    """What happens and the words, by what is given."""
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    lines = page.partition("## What odd input gets")[2].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {given: (happens, words.strip("`")) for given, happens, words in rows[2:]}


def folder(change: Callable[[Path], object], *options: str) -> Given:
    def make() -> tuple[str, ...]:
        change(write_pictures(Path("own"), each=6))
        return ("own", *options)

    return make


def arrays(*options: str, **given: Any) -> Given:
    def make() -> tuple[str, ...]:
        np.savez("own.npz", **given)
        return ("own.npz", *options)

    return make


def torn(own: Path, names: str = "3.png") -> None:
    for path in (own / "dark").glob(names):
        path.write_text("no picture")


def other_format(own: Path) -> None:
    (own / "phone").mkdir()
    (own / "phone" / "a.heic").touch()


def beside(own: Path) -> None:
    for name in ("dark", "bright"):
        (own / "train").mkdir(exist_ok=True)
        (own / name).rename(own / "train" / name)


def parts(own: Path) -> None:
    """The same folder as train/, with its own picture for the test."""
    own.rename("pictures")
    own.mkdir()
    Path("pictures").rename(own / "train")
    (own / "test" / "dark").mkdir(parents=True)
    Image.fromarray(picture(1, 99)).save(own / "test" / "dark" / "new.png")


def unknown_class(own: Path) -> None:
    parts(own)
    (own / "test" / "dark").rename(own / "test" / "zebra")


def one_class(own: Path) -> None:
    for name in ("bright", "mixed"):
        shutil.rmtree(own / name)


def shallow(own: Path) -> None:
    for number, path in enumerate(own.rglob("*.png")):
        values = np.random.default_rng(number).integers(0, 4096, (6, 6))
        values[0, 0] = 4095
        Image.fromarray(values.astype(np.uint16)).save(path)


def white(own: Path) -> None:
    for path in own.rglob("*.png"):
        Image.new("RGBA", (6, 6), (255, 255, 255, 30)).save(path)


def twin(own: Path) -> None:
    shutil.copy(own / "dark" / "3.png", own / "bright" / "twin.png")


def in_two_parts(own: Path) -> None:
    parts(own)
    shutil.copy(own / "train" / "dark" / "3.png", own / "test" / "dark" / "twin.png")


Y = np.arange(40) % 2
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 4, 4))
ROWS = np.random.default_rng(1).standard_normal((40, 3))
WITH_TEXT = np.where(np.arange(120).reshape(40, 3) == 10, "abc", ROWS.astype(str))
WITH_NAN = np.where(np.arange(40)[:, None] == 3, np.nan, ROWS)

CASES: dict[str, Given] = {
    "a damaged picture": folder(torn),
    "a damaged picture, `--skip-damaged`": folder(torn, "--skip-damaged"),
    "a class of damaged pictures, `--skip-damaged`": folder(lambda own: torn(own, "*"), "--skip-damaged"),
    "a class of other formats only": folder(other_format),
    "other files beside pictures": folder(lambda own: (own / "dark" / "notes.txt").touch()),
    "what systems leave in folders": folder(lambda own: (own / "@eaDir").mkdir()),
    "`train/` beside other folders": folder(beside),
    "a class of the test part that training lacks": folder(unknown_class),
    "one class": folder(one_class),
    "16-bit pictures that go to 4095": folder(shallow),
    "a picture of 9,000 x 9,000 pixels": folder(
        lambda own: Image.new("1", (9000, 9000)).save(own / "dark" / "huge.png")
    ),
    "black pictures": folder(lambda own: Image.new("L", (12, 12)).save(own / "dark" / "night.png")),
    "the same picture everywhere": folder(white),
    "a picture under two classes": folder(twin),
    "a picture in two parts": folder(in_two_parts),
    "images of zeros": arrays(X=np.zeros((40, 4, 4), np.uint8), y=Y),
    "images of floats": arrays(X=IMAGES / 255, y=Y),
    "pixels above 255": arrays(X=np.concatenate([IMAGES[:38], [np.zeros((4, 4)), np.full((4, 4), 4095)]])
                               .astype(np.uint16), y=Y),
    "a constant feature": arrays(X=ROWS * [1, 1, 0], y=Y),
    "the same rows in two parts": arrays(X=ROWS, y=Y, X_test=ROWS[:5], y_test=Y[:5]),
    "a feature that is NaN": arrays(X=WITH_NAN, y=Y),
    "a feature of 1e300": arrays(X=ROWS * [1, 1e300, 1], y=Y),
    "a feature of 1e39, `--preprocessing centred`": arrays(
        "--preprocessing", "centred", X=ROWS * [1, 1e39, 1], y=Y
    ),
    "text in place of numbers": arrays(X=WITH_TEXT, y=Y),
    "Python objects": arrays(X=ROWS, y=np.array([{}] * 40)),
    "a file that is not an `.npz`": lambda: (Path("own.npz").write_text("text"), ("own.npz",))[1],
}  # fmt: skip


@pytest.mark.parametrize("given", CASES)
def test_odd_input_gets_what_the_document_says(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    happens, words = table()[given]
    options = CASES[given]()
    status, out, err = fcnet(
        capsys, "train", "--out", "run", "--hidden", "4", "--epochs", "1", "--data", *options
    )
    pattern = ".*".join(re.escape(part) for part in words.split("…"))
    if happens == "error":
        assert (status, len(err)) == (2, 1)
        assert re.fullmatch(f"error: {pattern}", err[0]), err[0]
        assert not Path("run").exists() or not list(Path("run").iterdir())
        return
    assert (status, err) == (0, [])
    assert re.search(f"; {pattern}", out[0]), out[0]
    assert re.search(pattern, Path("run/record.json").read_text(encoding="utf-8"))


def test_every_line_of_the_table_has_a_case() -> None:
    assert list(table()) == list(CASES)
