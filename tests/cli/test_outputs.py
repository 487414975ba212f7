"""A file that a user names for writing replaces neither what a command reads nor a file of another kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Result, refused

Run = Callable[[str], Result]

TABLE = "".join(f"{number % 7},{number % 3},{'ab'[number % 2]}\n" for number in range(40))


@pytest.fixture
def files(home: Path) -> Path:
    """What commands read: data, pictures, a table, and submissions."""
    (home / "people.csv").write_text("age,size,zip\n" + TABLE)
    (home / "link.csv").symlink_to("people.csv")
    np.savez(home / "d.npz", X=np.arange(8.0)[:, None], y=np.arange(8) % 2)
    for name in ("a", "b"):
        (home / "pics" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(home / "pics" / name / f"{number}.png")
    for name in ("c", "g/ann"):
        (home / name).mkdir(parents=True)
        (home / name / "two_layernet.py").write_text("class TwoLayerNet: pass\n")
    (home / "rubric.toml").write_text("")
    return home


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


READ = "is what the command reads, name another file with "
OTHER = "is there already and its name does not end in "


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("predict table people.csv --out people.csv", f"people.csv (--out) {READ}--out"),
        ("predict table people.csv --out link.csv", f"link.csv (--out) {READ}--out"),
        ("predict table people.csv --out d.npz", f"d.npz (--out) {OTHER}.csv, remove it or name another"),
        ("predict pictures pics --show pics/a/1.png", f"pics/a/1.png (--show) {READ}--show"),
        ("predict pictures pics/a/1.png --show pics/a/1.png", f"pics/a/1.png (--show) {READ}--show"),
        ("check c/two_layernet.py --html c/two_layernet.py", f"(--html) {READ}--html"),
        ("check c --html c/two_layernet.py", f"(--html) {OTHER}.html"),
        ("grade g --gradescope g/ann/two_layernet.py", f"(--gradescope) {OTHER}.json"),
        ("grade g/ann --prairielearn g/ann/two_layernet.py", f"(--prairielearn) {OTHER}.json"),
        ("grade g --rubric rubric.toml --gradescope rubric.toml", f"(--gradescope) {READ}--gradescope"),
        ("report table --out people.csv", f"people.csv (--out) {OTHER}.html"),
        ("explore --out d.npz", f"d.npz (--out) {OTHER}.html"),
        ("export table --onnx --out table/model.safetensors", f"(--out) {OTHER}.onnx"),
        ("explore --out pics", "pics (--out) is a folder, name a file, such as --out pics/NAME.html"),
        (
            "predict table people.csv --out pics",
            "pics (--out) is a folder, name a file, such as --out pics/NAME",
        ),
        ("audit --out d.npz", f"d.npz (--out) {OTHER}.json"),
    ],
)
def test_what_a_command_reads_and_what_is_of_another_kind_stays(
    arguments: str, said: str, files: Path, fcnet: Run
) -> None:
    if "table" in arguments:
        assert fcnet("train --out table --data people.csv --target zip --epochs 1").status == 0
    if "predict pictures" in arguments:
        assert fcnet("train --out pictures --data pics --epochs 1").status == 0
    before = contents(files)
    refused(fcnet(arguments), said)
    assert contents(files) == before


@pytest.mark.parametrize("name", ["submissions", "students"])
def test_results_never_go_into_the_folder_with_the_submissions(name: str, files: Path, fcnet: Run) -> None:
    (files / "g").rename(files / name)
    before = contents(files)
    refused(
        fcnet(f"grade {name} --out ."), f". would get its results into {name}, choose another folder with"
    )
    assert contents(files) == before


def test_an_earlier_output_is_replaced(files: Path, fcnet: Run) -> None:
    fcnet("train --out table --data people.csv --target zip --epochs 1")
    for arguments in ("predict table people.csv --out told.csv", "explore --out page.html"):
        assert [fcnet(arguments).status for _ in range(2)] == [0, 0]
