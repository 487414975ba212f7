"""Mirrors and shifts move the right pixels, held against plain loops."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from fcnet.data.deformation import DRAWN, Deformation, Gatherer, table
from fcnet.data.minibatches import Minibatch
from fcnet.errors import DataError

SHAPE = (2, 4, 5)


def pictures(N: int = 6) -> Any:
    return np.random.default_rng(0).integers(256, size=(N, *SHAPE), dtype=np.uint8)


def deformed(image: Any, mirror: bool, down: int, right: int) -> Any:
    """The image moved up by `down` and left by `right`, pixel by pixel, edges repeated."""
    channels, height, width = image.shape
    result = np.empty_like(image)
    for c in range(channels):
        for row in range(height):
            for column in range(width):
                from_row = min(max(row + down, 0), height - 1)
                from_column = min(max(column + right, 0), width - 1)
                if mirror:
                    from_column = width - 1 - from_column
                result[c, row, column] = image[c, from_row, from_column]
    return result


def views_of(deformation: Deformation, images: Any) -> Any:
    """Every deformation of every image, (views, N, *SHAPE), gathered as a training gathers them."""
    tables = deformation.tables(SHAPE)
    gatherer = Gatherer(images.reshape(len(images), -1), tables)
    rows = np.arange(len(images))
    return np.array(
        [
            gatherer.gather(Minibatch(rows, np.full(len(rows), view))).copy().reshape(images.shape)
            for view in range(len(tables))
        ]
    )


@pytest.mark.parametrize(
    "deformation", [Deformation(), Deformation(True), Deformation(False, 2), Deformation(True, 3)]
)
def test_the_views_are_all_mirrors_and_shifts_once(deformation: Deformation) -> None:
    images = pictures(1)
    shifts = range(-deformation.shift, deformation.shift + 1)
    expected = [
        deformed(images[0], mirror, down, right)
        for mirror in ((False, True) if deformation.mirror else (False,))
        for down in shifts
        for right in shifts
    ]
    actual = [view[0] for view in views_of(deformation, images)]
    assert sorted(view.tobytes() for view in actual) == sorted(view.tobytes() for view in expected)


@pytest.mark.parametrize("deformation", [Deformation(), Deformation(True, 2)])
def test_the_first_view_is_the_image_itself(deformation: Deformation) -> None:
    np.testing.assert_array_equal(views_of(deformation, pictures())[0], pictures())


def test_mirrored_twice_is_the_image_itself() -> None:
    _, mirror = Deformation(mirror=True).tables(SHAPE)
    assert (mirror != np.arange(mirror.size)).any()
    np.testing.assert_array_equal(mirror[mirror], np.arange(mirror.size))
    np.testing.assert_array_equal(views_of(Deformation(mirror=True), pictures())[1], pictures()[..., ::-1])


def test_a_shift_repeats_the_edge_and_leaves_channels_apart() -> None:
    image = np.zeros((1, *SHAPE), np.uint8)
    image[0, 1, :, 0] = 9  # the left edge of the second channel
    for view in views_of(Deformation(shift=2), image):
        assert not view[0, 0].any()
        assert set(view[0, 1].ravel()) <= {0, 9}
    assert max((view[0, 1] == 9).all(axis=0).sum() for view in views_of(Deformation(shift=2), image)) == 3


def test_each_image_of_a_minibatch_is_deformed_on_its_own() -> None:
    images = pictures()
    tables = Deformation(True, 1).tables(SHAPE)
    rng = np.random.default_rng(1)
    gatherer = Gatherer(images.reshape(6, -1), tables)
    for size in (6, 2, 5):  # buffers are reused for smaller minibatches
        batch = Minibatch(rng.integers(6, size=size), rng.integers(len(tables), size=size))
        expected = [images[r].reshape(-1)[tables[v]] for r, v in zip(batch.rows, batch.views, strict=True)]
        np.testing.assert_array_equal(gatherer.gather(batch), expected)


def test_gathering_leaves_the_images_alone_even_read_only_ones() -> None:
    images = pictures().reshape(6, -1)
    images.setflags(write=False)
    gathered = Gatherer(images, Deformation().tables(SHAPE)).gather(Minibatch(np.arange(6), np.zeros(6, int)))
    gathered[:] = 0
    np.testing.assert_array_equal(images, pictures().reshape(6, -1))


@pytest.mark.parametrize("shift", [-1, 4, 40])
def test_a_shift_that_leaves_nothing_of_the_image_is_refused(shift: int) -> None:
    with pytest.raises(DataError, match=re.escape(f"shift is {shift}, choose from 0 to 3 pixels")):
        Deformation(shift=shift).tables(SHAPE)


# Turned and zoomed


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2, 3])
def test_a_turn_by_right_angles_is_numpys(quarters: int) -> None:
    image = np.random.default_rng(0).integers(256, size=(3, 6, 6))
    turned = image.reshape(-1)[table(image.shape, angle=90 * quarters)].reshape(image.shape)
    np.testing.assert_array_equal(turned, np.rot90(image, quarters, axes=(1, 2)))


def test_a_small_turn_moves_the_edges_and_not_the_middle() -> None:
    """By an angle a, a pixel at distance r from the middle moves by r a."""
    y, x = np.mgrid[:32, :32]
    taken = table((1, 32, 32), angle=10)
    moved = np.hypot(taken // 32 - y.reshape(-1), taken % 32 - x.reshape(-1))
    radius = np.hypot(y - 15.5, x - 15.5).reshape(-1)
    inside = radius < 14  # further out the edge is repeated
    assert np.abs(moved - radius * np.deg2rad(10))[inside].max() < 0.75  # the nearest pixel
    assert moved[radius < 2].max() <= 1


def test_zoom_shows_that_part_of_the_image() -> None:
    rows = table((1, 32, 32), scale=0.5).reshape(32, 32) // 32
    assert (rows.min(), rows.max()) == (8, 23)
    half = table((1, 32, 32), scale=0.5)
    assert len(np.unique(half)) == 16 * 16
    outside = table((1, 32, 32), scale=2.0).reshape(32, 32)
    assert (outside[:8] == outside[8]).all()  # beyond the image its edge is repeated


def test_drawn_views_begin_with_the_image_itself_and_stay_within_a_channel() -> None:
    shape = (3, 32, 32)
    tables = Deformation(mirror=True, shift=2, rotate=10, zoom=0.1).tables(shape)
    assert tables.shape == (DRAWN, 3 * 32 * 32)
    np.testing.assert_array_equal(tables[0], np.arange(3 * 32 * 32))
    channel = np.arange(3 * 32 * 32) // (32 * 32)
    assert (tables // (32 * 32) == channel).all()
    assert len(np.unique(tables, axis=0)) > 0.99 * DRAWN
    leftwards = (np.diff(tables.reshape(DRAWN, 3, 32, 32)[:, 0, 16, 8:24]) < 0).mean(axis=1) > 0.5
    assert abs(leftwards.mean() - 0.5) < 0.01  # half are mirrored
    np.testing.assert_array_equal(tables, Deformation(True, 2, 10, 0.1).tables(shape))


def test_no_view_goes_further_than_allowed() -> None:
    tables = Deformation(shift=1, rotate=5, zoom=0.05).tables((1, 32, 32))
    y, x = np.mgrid[:32, :32].reshape(2, -1)
    moved = np.maximum(np.abs(tables // 32 - y), np.abs(tables % 32 - x)).max()
    assert moved <= 1 + np.ceil(15.5 * (np.sqrt(2) * np.deg2rad(5) + 0.05) + 0.5)
