"""The catalogue is whole, and its specimens are right."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fcnet.judge.catalogue import SPECIMENS, Half, Kind, kinds, mutated, phrases, specimen, texts
from fcnet.judge.hypotheses import HANDOUTS, answers, bases
from fcnet.judge.probes import main_probes, small_probes, toy_probe
from fcnet.judge.report import NUMPY_STAGES, PYTORCH_STAGES
from fcnet.two_layernet import TwoLayerNet

EVERY = [(half, kind) for half in SPECIMENS for kind in kinds(half).values()]  # type: ignore[arg-type]


def test_there_are_enough_kinds() -> None:
    assert len(kinds("numpy")) >= 60
    assert len(kinds("pytorch")) >= 20


def test_every_kind_of_the_list_is_there() -> None:
    listed = """
    SOFTMAX_OVERFLOW LOG_UNDERFLOW SOFTMAX_AXIS SOFTMAX_TWICE SCORES_TRANSPOSED FORWARD_TUPLE
    FORWARD_NONE LOSS_4TUPLE RAW_SCORES MATMUL_ORDER SHAPE_MISMATCH BROADCAST_NxN LOSS_ALL_CLASSES
    REG_HALF_BUG REG_HARDCODED REG_BIASES_LOSS_ONLY REG_GRAD_FACTOR REG_GRAD_MISSING
    RELU_MASK_MISSING BACKWARD_UNIMPLEMENTED TRAIN_UNIMPLEMENTED PREDICT_UNIMPLEMENTED
    BIAS_GRAD_MISSING BIAS_GRAD_NOT_SUMMED BIAS_GRAD_2D BIAS_GRAD_TIMES_N BIAS_GRAD_DIV_N_TWICE
    HARDCODED_C HARDCODED_N C_FROM_BATCH PARAMS_POLLUTED LOOP BATCH_FULL BATCH_HARDCODED
    BATCH_REPLACE_FALSE BATCH_MIN_WITH_REPLACEMENT FLOAT_EPOCH DROPOUT_ALWAYS_ON DROPOUT_AT_PREDICT
    PREDICT_FLOAT PREDICT_MAX PY2 CONFLICT_MARKERS NONEXISTENT_API
    """
    assert set(listed.split()) <= set(kinds("numpy"))


@pytest.mark.parametrize(("half", "kind"), EVERY, ids=lambda value: getattr(value, "code", value))
def test_a_kind_has_words_a_stage_and_mutants_that_can_be_made(half: Half, kind: Kind) -> None:
    text = texts()[kind.code]
    assert text.message.endswith(".")
    assert len(text.message) < 130
    assert len(text.think) > 20
    assert kind.stage in (*NUMPY_STAGES, *PYTORCH_STAGES, "cifar10")
    assert kind.severity in ("error", "remark")
    assert kind.mutants or kind.code in ("TOY_TRAINING", "CIFAR10_CURVE")
    for patch in kind.mutants:
        changed = mutated(specimen(half), patch)
        assert changed is not None, patch
        assert changed != specimen(half)
    for pattern in kind.where:
        re.compile(pattern)


def test_the_words_hold_no_code_of_the_solution() -> None:
    code = re.compile(
        r"np\.|\.dot|\.T\b|@|axis\s*=|keepdims\s*=|\[np|arange|optimizer\.|nn\.(?!Module)|\w+\(\w+, \w+\) \*"
    )
    for code_name, text in texts().items():
        assert not code.search(text.message + text.think), code_name


def test_there_are_no_words_for_kinds_that_do_not_exist() -> None:
    assert set(texts()) == {kind.code for _, kind in EVERY}


def test_every_stage_and_verdict_has_words() -> None:
    words = {
        *NUMPY_STAGES,
        *PYTORCH_STAGES,
        "cifar10",
        "right",
        "wrong",
        "unfinished",
        "does not run",
        "not reached",
    }
    assert words <= set(phrases())


def test_the_specimen_is_the_reference() -> None:
    """Its numbers are those of `TwoLayerNet`, which the complex step has proved."""
    for probe in (*main_probes(np.random.default_rng(0)), *small_probes(), toy_probe()):
        net = TwoLayerNet(1, 1, 1).with_params(probe.params)
        loss, grads = net.loss(probe.X, probe.y, probe.reg)
        seen = answers(specimen(), probe)
        np.testing.assert_allclose(seen["scores"], net.loss(probe.X), rtol=1e-13)
        np.testing.assert_allclose(seen["loss"], loss, rtol=1e-13)
        for name, grad in grads.items():
            np.testing.assert_allclose(seen[name], grad, rtol=1e-11, atol=1e-15)


def test_the_handouts_differ_as_they_should() -> None:
    probe = main_probes(np.random.default_rng(0))[0]
    found = {
        guess.handout: answers(guess.text, probe) for guess in [*bases(), *bases("probabilities", "half")]
    }
    assert set(found) == set(HANDOUTS)
    net = TwoLayerNet(1, 1, 1).with_params(probe.params)
    np.testing.assert_allclose(found["raw", "reg"]["scores"], net.logits(probe.X), rtol=1e-13)
    half, _ = net.loss(probe.X, probe.y, probe.reg / 2)
    np.testing.assert_allclose(found["raw", "half"]["loss"], half, rtol=1e-13)


def test_the_questions_are_clear_of_the_kink() -> None:
    for seed in range(20):
        for probe in main_probes(np.random.default_rng(seed)):
            z2 = probe.X @ probe.params["W1"] + probe.params["b1"]
            assert np.abs(z2).min() > 0.01
            assert len({*probe.sizes, len(probe.X)}) == 4
