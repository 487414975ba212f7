"""Centred, standardised, whitened: the numbers are those of the definitions, and nothing is copied."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest

from fcnet.data.dataset import Dataset, split
from fcnet.data.preprocessing import Preprocessing, centred, mean_image, standardised
from fcnet.data.whitening import covariance, whitening_matrix
from fcnet.errors import DataError
from fcnet.train.engine import NumpyEngine
from trainings import small


def pixels(N: int = 500, D: int = 12) -> Any:
    """Images whose neighbouring pixels are alike, as photographs' are."""
    rng = np.random.default_rng(0)
    smooth = rng.normal(0, 40, size=(N, 1)) + rng.normal(0, 10, size=(N, D)).cumsum(axis=1)
    return np.clip(128 + smooth, 0, 255).astype(np.uint8)


def test_the_mean_image_is_the_exact_one() -> None:
    images = np.full((100_000, 2), 255, np.uint8)  # a float32 sum of these is off, and a uint8 one overflows
    images[0] = 0
    assert mean_image(images).dtype == np.float32
    np.testing.assert_array_equal(mean_image(images), np.float32(255 * 99_999 / 100_000))


def test_centred_images_have_mean_zero_and_keep_their_scale() -> None:
    images = pixels()
    X = centred(images)(images, np.float64)
    assert np.abs(X.mean(axis=0)).max() < 1e-5
    np.testing.assert_allclose(X, images - images.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("N", [7, 2000, 2001])
def test_standardised_images_have_standard_deviation_one(N: int) -> None:
    images = pixels(N)
    X = standardised(images)(images, np.float64)
    assert np.abs(X.mean(axis=0)).max() < 1e-6
    assert X.std() == pytest.approx(1, rel=1e-6)


def test_equal_images_do_not_divide_by_zero() -> None:
    images = np.full((5, 3), 7, np.uint8)
    np.testing.assert_array_equal(standardised(images)(images), 0)


@pytest.mark.parametrize("preprocess", [centred, standardised])
def test_applying_writes_into_the_buffer_alone(preprocess: Any) -> None:
    images = pixels(400, 3000)
    preprocessing = preprocess(images)
    before, out = images.copy(), np.empty(images.shape, np.float32)
    preprocessing.apply(images, out)
    tracemalloc.start()
    try:
        assert preprocessing.apply(images, out) is out
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 150_000  # the images are 1.2 MB, and 4.8 MB as float32
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(out, preprocessing(images))


# Whitening


def test_the_covariance_is_that_of_all_images() -> None:
    images = pixels(4100)  # three chunks
    np.testing.assert_allclose(
        covariance(images, centred(images)), np.cov(images.T.astype(float), bias=True), rtol=1e-4, atol=1e-2
    )


@pytest.mark.parametrize("preprocess", [centred, standardised])
@pytest.mark.parametrize("components", [1, 5, 12])
def test_projected_images_are_uncorrelated_with_variances_evened_out(
    preprocess: Any, components: int
) -> None:
    """Component i has variance proportional to s_i / (s_i + floor), and the mean of all is 1."""
    images, floor = pixels(), 200.0
    preprocessing = preprocess(images)
    P = whitening_matrix(images, preprocessing, components, floor)
    assert P.shape == (12, components)
    assert P.dtype == np.float32
    found = np.cov((preprocessing(images, np.float64) @ P).T, bias=True).reshape(components, components)
    s = np.linalg.eigvalsh(np.cov(images.T.astype(float), bias=True))[::-1][:components]
    expected = s / (s + floor)
    np.testing.assert_allclose(found, np.diag(expected / expected.mean()), atol=1e-3)


def test_more_components_than_pixels_are_refused() -> None:
    images = pixels()
    message = "components is 13, choose at most the 12 numbers of an example"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        whitening_matrix(images, centred(images), 13, 1.0)


def test_dead_pixels_do_not_divide_by_zero() -> None:
    images = pixels()
    images[:, 3] = 7
    P = whitening_matrix(images, centred(images), 12, 0.0)
    assert np.isfinite(P).all()


def test_the_saved_network_sees_pixels_and_says_the_same(digits: Dataset) -> None:
    """The first layer becomes (P V), so that x (P V) = (x P) V."""
    config = small(preprocessing="whitened", components=40, whitening_floor=50.0)
    train, validation = split(digits.train, 200)
    engine = NumpyEngine(config, train, digits.image_shape, digits.classes)
    model = engine.model()
    assert model.params["W1"].shape == (64, 24)
    assert engine.network.params["W1"].shape == (40, 24)
    ours = engine.logits(validation.images)
    np.testing.assert_allclose(model.logits(validation.images), ours, atol=1e-4 * np.abs(ours).max())


def test_preprocessing_is_the_training_splits_own(digits: Dataset) -> None:
    train, _ = split(digits.train, 200)
    engine = NumpyEngine(small(), train, digits.image_shape, digits.classes)
    expected = standardised(train.images)
    assert isinstance(engine.inputs.preprocessing, Preprocessing)
    np.testing.assert_array_equal(engine.inputs.preprocessing.mean, expected.mean)
    assert (standardised(digits.train.images).mean != expected.mean).any()


def test_the_signs_of_the_components_do_not_depend_on_the_library() -> None:
    """The subspace solver of another library gives the same matrix, to rounding."""
    linalg = pytest.importorskip("scipy.linalg")
    images = np.random.default_rng(3).integers(0, 256, (400, 30), np.uint8) // np.arange(
        1, 31, dtype=np.uint8
    )
    preprocessing, components, floor = standardised(images), 12, 5.0
    s, v = linalg.eigh(covariance(images, preprocessing), subset_by_index=[30 - components, 29])
    gains = 1 / np.sqrt(s[::-1] + floor / preprocessing.scale**2 + 1e-12)
    gains /= np.sqrt((s[::-1] * gains**2).mean())
    expected = v[:, ::-1] * gains
    found = whitening_matrix(images, preprocessing, components, floor)
    signs = np.sign((expected * found).sum(0))
    np.testing.assert_allclose(found, expected * signs, rtol=1e-5, atol=1e-6)
    fixed = np.random.default_rng(0).standard_normal(30)
    assert (fixed @ found > 0).all()
