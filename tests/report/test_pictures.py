"""Weights as pictures: the right pixels, in the right colours, of the right units."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from fcnet.data.preprocessing import Preprocessing
from fcnet.errors import RunError
from fcnet.files import write_atomically
from fcnet.net.architecture import Architecture
from fcnet.report.pictures import FILE, LEVELS, Pictures, as_pictures, largest, mosaic
from fcnet.report.style import spread
from fcnet.train.model import Model


def test_channels_rows_and_columns_land_where_images_have_them():
    W = np.zeros((3 * 2 * 4, 1))
    W[2 * 8 + 1 * 4 + 3] = 5.0  # blue channel, second row, last column
    W[0] = -5.0  # red channel, first row, first column
    picture = as_pictures(W, (3, 2, 4))[0]
    assert picture.shape == (2, 4, 3)
    assert picture[1, 3, 2] == 255
    assert picture[0, 0, 0] == 0
    rest = np.delete(picture.reshape(-1), [1 * 12 + 3 * 3 + 2, 0])
    assert np.ptp(rest) == 0
    assert abs(int(rest[0]) - 127.5) <= 255 / LEVELS


def test_each_unit_has_a_scale_of_its_own_and_zero_weights_are_grey():
    W = np.stack([np.linspace(-1, 1, 12), 1e-6 * np.linspace(-1, 1, 12), np.zeros(12)], axis=1)
    large, small, nothing = as_pictures(W, (3, 2, 2))
    np.testing.assert_array_equal(large, small)
    assert np.ptp(nothing) == 0


def test_a_single_channel_is_grey():
    picture = as_pictures(np.arange(-8.0, 8.0)[:, None], (1, 4, 4))[0]
    assert (picture[..., 0] == picture[..., 1]).all()
    assert (picture[..., 0] == picture[..., 2]).all()


def test_weights_that_are_no_numbers_are_drawn_all_the_same():
    assert as_pictures(np.full((12, 2), np.nan), (3, 2, 2)).shape == (2, 2, 2, 3)


def test_the_largest_units_come_first_and_equal_ones_in_their_order():
    W = np.array([[1.0, 3.0, 1.0, np.nan, 3.0]])
    assert largest(W, 4).tolist() == [1, 4, 0, 2]


@given(
    n=st.integers(1, 30), columns=st.integers(1, 12), size=st.tuples(st.integers(1, 20), st.integers(1, 20))
)
def test_a_mosaic_holds_every_picture_and_leaves_transparent_borders(n, columns, size):
    height, width = size
    sheet = mosaic(np.full((n, height, width, 3), 7, np.uint8), columns)
    factor = 32 // width
    assert (sheet[..., 3] == 255).sum() == n * height * width * factor**2
    assert sheet.shape[1] <= columns * factor * width * 17 // 16 + columns
    assert (sheet[sheet[..., 3] == 255][:, :3] == 7).all()


def test_pictures_are_the_same_from_the_model_and_from_what_was_kept_of_it(tmp_path):
    rng = np.random.default_rng(0)
    network = {
        "W1": rng.standard_normal((18, 7)),
        "b1": np.zeros(7),
        "W2": np.zeros((7, 2)),
        "b2": np.zeros(2),
    }
    params = {name: value.astype(np.float32) for name, value in network.items()}
    model = Model(
        Architecture.plain((18, 7, 2)), params, Preprocessing(np.zeros(18, np.float32)), ("a", "b"), (3, 3, 2)
    )
    model.save(tmp_path / "run")
    (replace(model, params=params | {"W1": params["W1"] ** 3})).save(tmp_path / "run" / "initial")
    taken = Pictures.read(tmp_path / "run", 5)
    taken.save(tmp_path / "kept")
    kept = Pictures.read(tmp_path / "kept", 5)
    for name in ("units", "total", "after", "before"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(taken, name))
    np.testing.assert_array_equal(taken.before, as_pictures(params["W1"][:, taken.units] ** 3, (3, 3, 2)))


def test_saved_pictures_are_read_back(tmp_path):
    rng = np.random.default_rng(0)
    shown = rng.integers(256, size=(2, 4, 5, 4, 3), dtype=np.uint8)
    Pictures(np.array([3, 1, 0, 2]), 9, shown[0], shown[1]).save(tmp_path)
    read = Pictures.read(tmp_path, 3)
    assert (read.units.tolist(), read.total) == ([3, 1, 0], 9)
    np.testing.assert_array_equal(read.after, shown[0, :3])
    np.testing.assert_array_equal(read.before, shown[1, :3])


@given(st.lists(st.floats(-1, 2), max_size=8), st.floats(0.01, 0.3))
def test_labels_are_spread_just_far_enough_and_keep_their_order(heights, gap):
    result = spread(heights, gap)
    order = np.argsort(heights, kind="stable")
    moved = np.array(result)[order]
    assert (np.diff(moved) >= gap - 1e-9).all()
    assert np.isclose(
        sum(result), sum(heights), atol=1e-6
    )  # nobody is pushed further than needed: the mean stays
    if (np.diff(np.array(heights)[order]) > gap).all():
        np.testing.assert_allclose(result, heights)


GOOD: dict[str, Any] = {
    "units": np.arange(2), "total": np.array([5]), "after": np.zeros((2, 4, 4, 3), np.uint8),
    "before": np.zeros((0, 4, 4, 3), np.uint8),
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"before": np.zeros(7, np.uint8)},
        {"before": np.zeros((2, 5, 4, 3), np.uint8)},
        {"before": np.zeros((0, 4, 4, 3))},
        {"after": np.zeros((2, 4, 4), np.uint8)},
        {"after": np.zeros((2, 0, 4, 3), np.uint8)},
        {"after": np.zeros((3, 4, 4, 3), np.uint8)},
        {"units": np.zeros(2)},
        {"units": np.arange(3)},
        {"total": np.zeros(0, np.int64)},
        {"total": None},
    ],
    ids=str,
)
def test_saved_pictures_that_do_not_fit_are_named(change: dict[str, Any], tmp_path: Path) -> None:
    tensors = {name: value for name, value in (GOOD | change).items() if value is not None}
    write_atomically(tmp_path / FILE, save(tensors))
    with pytest.raises(RunError, match=r"first_layer\.safetensors is damaged") as caught:
        Pictures.read(tmp_path, 2)
    assert "\n" not in str(caught.value)


def test_saved_pictures_are_read_as_they_were(tmp_path: Path) -> None:
    write_atomically(tmp_path / FILE, save(GOOD))
    assert Pictures.read(tmp_path, 1).units.tolist() == [0]
