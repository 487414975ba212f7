"""The parameters that a training starts from: patches of the image, where they are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fcnet.errors import DataError
from fcnet.train.config import TrainConfig
from fcnet.train.inputs import make_inputs
from fcnet.train.start import starting_parameters

SHAPE = 3, 12, 12
IMAGES = np.random.default_rng(0).integers(0, 256, (600, 3 * 12 * 12), dtype=np.uint8)
PIXELS = TrainConfig(hidden=(60, 7), initialisation="he", preprocessing="standardised")
WHITENED = replace(PIXELS, preprocessing="whitened", components=IMAGES.shape[1])


def start(config, images=IMAGES, shape=SHAPE):
    inputs = make_inputs(config, images, features=shape[1] == 1)
    architecture = config.architecture(inputs.size, 10)
    return starting_parameters(config, architecture, inputs, shape, np.random.default_rng(1)), inputs


def spread(units):
    """Root mean squared distance, in pixels, of each unit's squared weights from their own centre."""
    energy = np.square(units.reshape(-1, *SHAPE)).sum(axis=1)
    energy /= energy.sum(axis=(1, 2), keepdims=True)
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    down, right = (energy * y).sum(axis=(1, 2)), (energy * x).sum(axis=(1, 2))
    squares = (y - down[:, None, None]) ** 2 + (x - right[:, None, None]) ** 2
    return np.sqrt((energy * squares).sum(axis=(1, 2)))


@pytest.mark.parametrize("width", [2.0, 4.0])
def test_a_unit_of_the_first_layer_starts_from_a_patch_of_this_width(width):
    params, _ = start(replace(PIXELS, receptive_field=width))
    # the squared window has the standard deviation width / sqrt(8) in each direction; the edge cuts some off
    assert spread(params["W1"].T).mean() == pytest.approx(width / 2, rel=0.25)
    assert spread(start(PIXELS)[0]["W1"].T).min() > 3.5


def test_the_patches_lie_everywhere():
    units = start(replace(PIXELS, receptive_field=2.0))[0]["W1"].T.reshape(-1, *SHAPE)
    places = {divmod(int(np.square(unit).sum(axis=0).argmax()), 12) for unit in units}
    assert len(places) > 30
    assert {(y > 5, x > 5) for y, x in places} == {(False, False), (False, True), (True, False), (True, True)}


def test_all_else_is_as_without():
    without, local = start(PIXELS)[0], start(replace(PIXELS, receptive_field=3.0))[0]
    np.testing.assert_allclose(
        np.linalg.norm(local["W1"], axis=0), np.linalg.norm(without["W1"], axis=0), rtol=1e-12
    )
    assert without.keys() == local.keys()
    for name in without.keys() - {"W1"}:
        np.testing.assert_array_equal(without[name], local[name])


def test_whitened_inputs_get_the_same_patches_in_their_own_coordinates():
    pixels, _ = start(replace(PIXELS, receptive_field=3.0))
    whitened, inputs = start(replace(WHITENED, receptive_field=3.0))
    directions = inputs.projection / np.linalg.norm(inputs.projection, axis=0)
    for found, wanted in zip((directions @ whitened["W1"]).T, pixels["W1"].T, strict=True):
        cosine = found @ wanted / np.linalg.norm(found) / np.linalg.norm(wanted)
        assert cosine == pytest.approx(1, abs=1e-4)  # the directions are float32


def test_zca_inputs_are_pixels_and_get_the_patches_as_they_are():
    pixels, _ = start(replace(PIXELS, receptive_field=3.0))
    zca, inputs = start(replace(WHITENED, preprocessing="zca", receptive_field=3.0))
    np.testing.assert_array_equal(zca["W1"], pixels["W1"])
    assert inputs.size == IMAGES.shape[1]


def test_zca_whitens_and_stays_near_the_image():
    """All directions have the same variance, and P is symmetric: the least change that does it."""
    config = replace(WHITENED, preprocessing="zca", whitening_floor=0.0)
    inputs = make_inputs(config, IMAGES)
    P = inputs.projection
    np.testing.assert_allclose(P, P.T, atol=1e-5)
    X = inputs.of(IMAGES)
    np.testing.assert_allclose(np.cov(X.T, bias=True), np.eye(X.shape[1]), atol=1e-3)


def test_zca_trains_as_whitened_components_do_since_it_only_turns_them():
    """Gradient descent follows a rotation, so the same start leads to the same network."""
    from fcnet.data.dataset import Part
    from fcnet.data.minibatches import minibatches
    from fcnet.train.engine import NumpyEngine

    train = Part(IMAGES, np.arange(600) % 10)
    logits = []
    for preprocessing in ("whitened", "zca"):
        config = replace(
            WHITENED, preprocessing=preprocessing, receptive_field=3.0, precision="float64", momentum=0.9,
            reg=1e-3,
        )  # fmt: skip
        engine = NumpyEngine(config, train, SHAPE, tuple("0123456789"))
        for batch in minibatches(len(train), 60, engine.views, 0, 0):
            engine.step(batch, 0.02)
        logits.append(engine.logits(IMAGES))
    np.testing.assert_allclose(*logits, atol=1e-3 * np.abs(logits[0]).max())


def test_rows_of_features_have_no_patches():
    config = replace(PIXELS, receptive_field=3.0)
    with pytest.raises(DataError, match="receptive_field is for pictures"):
        start(config, np.random.default_rng(0).standard_normal((50, 4)), (1, 1, 4))


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "8"])
def test_a_width_is_a_number_of_at_least_0(value):
    with pytest.raises(DataError, match="receptive_field is"):
        TrainConfig(receptive_field=value)


def test_both_engines_start_from_them():
    import torch

    from fcnet.data.dataset import Part
    from fcnet.torch_net.engine import TorchEngine
    from fcnet.torch_net.workers import ProcessGroup
    from fcnet.train.engine import NumpyEngine

    config = replace(WHITENED, components=40, receptive_field=3.0)
    train = Part(IMAGES, np.arange(600) % 10)
    classes = tuple("0123456789")
    numpy = NumpyEngine(config, train, SHAPE, classes).weights()
    theirs = TorchEngine(
        replace(config, engine="torch"), train, SHAPE, classes, ProcessGroup(torch.device("cpu"))
    ).weights()
    for name, value in numpy.items():
        np.testing.assert_array_equal(value, theirs[name])
    assert not np.array_equal(
        numpy["W1"], NumpyEngine(replace(config, receptive_field=0.0), train, SHAPE, classes).weights()["W1"]
    )
