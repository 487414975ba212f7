"""The drawn pictures of `fcnet data sample`: small, the same from every seed, whole or not there at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcnet.cli import main
from fcnet.data.own.load import load_own
from fcnet.data.own.sample import CORNERS, EACH, SIDE, write_sample
from fcnet.errors import DataError


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def test_the_sample_is_a_small_folder_with_a_folder_for_each_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "my pictures"
    assert main(["data", "sample", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: 240 pictures in 3 classes, circle, square, triangle",
        f"train on them with: fcnet train --data '{folder}' --out runs/first --recipe quick",
    ]
    files = content(folder)
    assert len(files) == EACH * len(CORNERS)
    assert sum(map(len, files.values())) < 100_000
    dataset = load_own(folder)
    assert dataset.classes == ("circle", "square", "triangle")
    assert dataset.image_shape == (3, SIDE, SIDE)
    assert {path.name for path in folder.parent.iterdir()} == {"my pictures"}  # nothing is left beside it


def test_the_seed_decides_the_pictures(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_sample(tmp_path / name, seed)
    first, again, other = (content(tmp_path / name) for name in "abc")
    assert first == again
    assert all(first[name] != other[name] for name in first)
    assert len(set(first.values())) == len(first)


def test_a_circle_covers_more_than_a_square_and_a_square_more_than_a_triangle(tmp_path: Path) -> None:
    """Of one radius, by geometry: pi, 2 and 1.3 times its square; here on average over random radii."""
    write_sample(tmp_path / "s")
    covered = {}
    for name in CORNERS:
        grey = [
            np.asarray(Image.open(path).convert("L"), float) for path in (tmp_path / "s" / name).iterdir()
        ]
        covered[name] = np.mean([(picture < (picture.max() + picture.min()) / 2).mean() for picture in grey])
    assert covered["square"] / covered["circle"] == pytest.approx(2 / np.pi, rel=0.15)
    assert covered["triangle"] / covered["circle"] == pytest.approx(1.299 / np.pi, rel=0.15)


def test_what_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(DataError, match="taken exists already, name another folder or delete it"):
        write_sample(tmp_path / "taken")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write .*, name another folder"):
        write_sample(tmp_path / "file" / "pictures")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_sample(tmp_path / "half")
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == {"taken", "file"}
