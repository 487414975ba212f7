"""A picture of any size and format becomes the pixels that a network is given, and what was done is said."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fcnet.data.own.picture import formats, read_picture, size_of, suffixes
from fcnet.errors import DataError

QUARTERS = np.zeros((6, 6, 3), np.uint8)
QUARTERS[:3, :3] = (255, 0, 0)
QUARTERS[:3, 3:] = (0, 255, 0)
QUARTERS[3:, :3] = (0, 0, 255)
"""Red and green above blue and black, so that every turn and flip shows."""


def test_a_picture_of_the_right_size_keeps_every_pixel(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", 6, 6)
    np.testing.assert_array_equal(found.pixels, QUARTERS.transpose(2, 0, 1))
    assert (found.steps, found.grey) == (("6 x 6 RGB",), False)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "jpg", "tiff", "webp"])
def test_a_camera_held_in_any_way_gives_the_upright_picture(
    orientation: int, ending: str, tmp_path: Path
) -> None:
    """The file holds what the sensor saw; undoing the turn by hand must give what `read_picture` gives."""
    upright = np.repeat(np.repeat(QUARTERS, 8, axis=0), 12, axis=1)  # 48 high, 72 wide
    undo = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
        5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    lossless = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(np.ascontiguousarray(undo[orientation](upright))).save(path, exif=exif, **lossless)
    found = read_picture(path, 48, 72)
    assert np.abs(found.pixels.transpose(1, 2, 0).astype(int) - upright).mean() < 8  # JPEG blurs edges
    assert any("EXIF" in step for step in found.steps) == (orientation > 1)
    if ending != "png":
        assert size_of(path) == (72, 48)


def test_the_middle_is_cut_out_in_the_wanted_proportions(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    Image.fromarray(wide).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", 5, 5)
    assert np.abs(found.pixels.astype(int) - 200).max() < 15  # the filter sees a little beyond the edge
    assert found.steps == ("30 x 10 RGB", "middle 10 x 10 cut out", "resized to 5 x 5")
    assert (read_picture(tmp_path / "a.png", 10, 10).pixels == 200).all()


@pytest.mark.parametrize(
    ("mode", "value", "expected", "said", "grey"),
    [
        ("1", 1, 255, "black and white", True),
        ("L", 77, 77, "grey", True),
        ("LA", (77, 255), 77, "grey with transparency", True),
        ("LA", (77, 0), 255, "transparent parts made white", True),
        ("RGBA", (9, 9, 9, 255), 9, "RGB with transparency", False),
        ("RGBA", (9, 9, 9, 0), 255, "transparent parts made white", False),
        ("I;16", 0x4D12, 0x4D, "16 bits cut to 8", True),
    ],
)
def test_every_kind_of_pixel_becomes_eight_bits(
    mode: str, value: object, expected: int, said: str, grey: bool, tmp_path: Path
) -> None:
    Image.new(mode, (4, 4), value).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", 4, 4)
    assert (found.pixels == expected).all()
    assert found.grey == grey
    assert any(said in step for step in found.steps)


def test_inks_palettes_and_films(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.tiff")
    red = read_picture(tmp_path / "a.tiff", 8, 8)
    assert red.pixels[0].min() > 200
    assert red.pixels[1].max() < 60
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    film = read_picture(tmp_path / "a.gif", 8, 8)
    assert film.pixels[:, 0, 0].tolist() == [255, 0, 0]
    assert film.steps == ("8 x 8 with a palette", "first frame")
    assert film.row(1).shape == (64,)  # the grey of colours, for a network of grey images


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 40), width=st.integers(1, 40), h=st.integers(1, 9), w=st.integers(1, 9))
def test_any_size_becomes_any_size(height: int, width: int, h: int, w: int, tmp_path: Path) -> None:
    Image.new("RGB", (width, height), (10, 20, 30)).save(tmp_path / "a.bmp")
    pixels = read_picture(tmp_path / "a.bmp", h, w).pixels
    assert pixels.shape == (3, h, w)
    assert (pixels == np.array([10, 20, 30])[:, None, None]).all()


@pytest.mark.slow
def test_a_large_photograph_is_as_if_read_in_full(tmp_path: Path) -> None:
    """A JPEG is decoded at a fraction of its size, which must not show."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    coarse.resize((1200, 900), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=95)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    found, full = (read_picture(tmp_path / name, 32, 32) for name in ("a.jpg", "a.png"))
    assert found.steps == full.steps == ("1200 x 900 RGB", "middle 900 x 900 cut out", "resized to 32 x 32")
    assert np.abs(found.pixels.astype(int) - full.pixels).mean() < 2


def test_what_is_no_picture_is_one_line_that_names_it(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).resize((60, 60)).save(tmp_path / "whole.jpg")
    Image.fromarray(QUARTERS).resize((60, 60)).save(tmp_path / "whole.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.png").mkdir()
    Image.new("F", (4, 4), 0.5).save(tmp_path / "float.tiff")
    Image.new("I", (4, 4), 2**20).save(tmp_path / "deep.tiff")
    for name in ("whole.jpg", "whole.png"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / f"cut_{name}").write_bytes(content[: len(content) * 2 // 3])
    for name, said in {
        "text.png": "not a picture", "empty.jpg": "not a picture", "cut_whole.jpg": "is damaged or ",
        "cut_whole.png": "is damaged or ", "missing.png": ": No such file",
        "folder.png": "cannot read ", "float.tiff": "floating-point", "deep.tiff": "do not fit 16 bits",
    }.items():  # fmt: skip
        with pytest.raises(DataError, match=said) as caught:
            read_picture(tmp_path / name, 8, 8)
        assert str(caught.value).removeprefix("cannot read ").startswith(str(tmp_path / name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        (
            "a.png",
            (9_000, 9_000),
            "it has 81,000,000 pixels, at most 80,000,000 are decoded; make it smaller",
        ),
        (
            "a.gif",
            (9_000, 9_000),
            "it has 81,000,000 pixels, at most 80,000,000 are decoded; make it smaller",
        ),
        ("a.png", (14_000, 14_000), r"is too large \(.*196000000 pixels.*178956970 .*; make it smaller"),
        ("a.jpg", (9_000, 9_000), ""),  # decoded at an eighth of its size
        ("a.png", (4_000, 4_000), ""),
    ],
)
def test_a_picture_is_measured_before_it_is_decoded(
    name: str, size: tuple[int, int], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some kilobytes decode to gigabytes."""
    Image.new("L", size, 70).save(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large ones
        if not said:
            assert (read_picture(tmp_path / name, 4, 4).pixels == 70).all()
            return
        monkeypatch.setattr("PIL.ImageFile.ImageFile.load_prepare", lambda image: pytest.fail("decoded"))
        with pytest.raises(DataError, match=said) as caught:
            read_picture(tmp_path / name, 4, 4)
    assert str(caught.value).startswith(str(tmp_path / name))


def test_damaged_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "a"
    for ending in ("png", "jpg", "gif", "tiff", "webp", "bmp"):
        Image.fromarray(QUARTERS).resize((24, 24)).save(tmp_path / f"whole.{ending}")
        content = np.frombuffer((tmp_path / f"whole.{ending}").read_bytes(), np.uint8)
        for _ in range(15):
            changed = content.copy()
            changed[rng.integers(len(content), size=4)] = rng.integers(0, 256, 4)
            path.write_bytes(changed.tobytes())
            with suppress(DataError):
                assert read_picture(path, 8, 8).pixels.shape == (3, 8, 8)


def test_no_format_that_runs_another_program_is_opened() -> None:
    assert "EPS" not in formats()
    assert {".jpg", ".png", ".gif", ".webp", ".bmp", ".tiff"} <= suffixes()
    assert not {".eps", ".pdf", ".h5", ".txt"} & suffixes()
