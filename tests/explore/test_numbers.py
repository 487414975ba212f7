"""Every number that the page shows, in the browser's float64, against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fcnet.data.toy import toy_data, toy_weights
from fcnet.experiments.toy import toy_network
from fcnet.explore.equations import steps
from fcnet.explore.mistakes import OWN, texts
from fcnet.judge.catalogue import texts as catalogue
from fcnet.two_layernet import TwoLayerNet

from .reference import MISTAKES, Reference, chain, exercise_checks

NUMBERS = """() => [...document.querySelectorAll("data[value]")].filter(one => one.checkVisibility())
    .map(one => [Number(one.value), one.title, one.textContent])"""

AFTER_CLICKS = f"""states => states.map(clicks => {{
    for (const [selector, n] of clicks) document.querySelectorAll(selector)[n].click();
    return ({NUMBERS})() }})"""
"""The numbers after some clicks, and after others on top of them, without a word between browser and test."""

MISTAKEN = """steps => [...Array(steps).keys()].map(step => {
    const slider = document.querySelector('input[name="step"]');
    slider.value = step; slider.dispatchEvent(new Event("input"));
    return document.querySelectorAll(".mistaken data").length })"""
"""How many numbers of a pass are said to be those of the code with the mistake, after each step."""

ROUNDED = {"relative_error", "gradient_check"}
"""Quotients of rounding errors, which no two computations share: told apart by their size alone."""


def held(page: Any, reference: Reference, **more: Any) -> int:
    """How many numbers are shown, all of them right."""
    return right(page.evaluate(NUMBERS), reference, **more)


def right(shown: list[tuple[float, str, str]], reference: Reference, **more: Any) -> int:
    """How many numbers these are; each must be what its NumPy expression gives, and be written as it is."""
    names = reference.namespace() | more
    for value, expression, text in shown:
        with np.errstate(all="ignore"):
            wanted = float(eval(expression, {}, names))
        if expression.split("[")[0].split("(")[0] in ROUNDED:
            assert value == pytest.approx(wanted, rel=0.2, abs=1e-8), expression
        elif expression.startswith("difference("):
            assert value == pytest.approx(wanted, rel=1e-9, abs=1e-9), expression
        else:
            assert value == pytest.approx(wanted, rel=1e-9, abs=1e-9), expression
        assert as_written(text) == pytest.approx(value, rel=0.06, abs=1e-300), expression
    return len(shown)


def as_written(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf").split(" ")[0])


def choose(page: Any, kind: str, n: int) -> None:
    page.evaluate("([kind, n]) => document.querySelectorAll(`.unit.${kind}`)[n].click()", [kind, n])


def slide(page: Any, name: str, value: float) -> None:
    page.evaluate(
        """([name, value]) => { const one = document.querySelector(`input[name="${name}"]`);
        one.value = value; one.dispatchEvent(new Event("input")) }""",
        [name, value],
    )


def test_the_reference_is_the_network() -> None:
    """The derivation's lines, which hold the page, give what `TwoLayerNet` gives."""
    X, y = toy_data()
    values = chain(toy_weights(), X, y, 0.05)
    loss, grads = TwoLayerNet(4, 10, 3).with_params(toy_weights()).loss(X, y, 0.05)
    assert values["J_tilde"] == pytest.approx(loss, abs=1e-14)
    for name, gradient in grads.items():
        np.testing.assert_allclose(values[f"d{name}"], gradient, atol=1e-15)


def test_every_step_of_a_pass(page: Any) -> None:
    """All points, and units of each layer, at each of the steps, with all of what each writes."""
    reference, total = Reference(), 0
    page.locator("#panel-pass summary").click()
    for step in range(len(steps())):
        slide(page, "step", step)
        clicks = [
            [
                ('input[name="point"]', i), (".unit.input", (i + step) % 4),
                (".unit.hidden", (2 * i + step) % 10), (".unit.output", (i + step) % 3),
            ]
            for i in range(5)
        ]  # fmt: skip
        total += sum(right(shown, reference) for shown in page.evaluate(AFTER_CLICKS, clicks))
    assert total > 5000


def test_the_next_pass_has_the_updated_weights(page: Any) -> None:
    reference = Reference()
    for _ in range(len(steps())):
        page.locator("#panel-pass .main").click()
    values = chain(reference.params, *toy_data(), 0.05)
    for name in reference.params:
        reference.velocity[name] = -0.1 * values[f"d{name}"]
        reference.params[name] = reference.params[name] + reference.velocity[name]
    reference.learning_rate *= 0.95
    for step in range(len(steps())):
        slide(page, "step", step)
        held(page, reference)


def test_every_weight_and_its_central_difference(page: Any) -> None:
    page.locator("#tab-weight").click()
    page.locator("#panel-weight summary").click()
    for shown in page.evaluate(AFTER_CLICKS, [[(".cell", n)] for n in range(83)]):
        assert right(shown, Reference()) > 150


def test_a_moved_weight_and_another_h(page: Any) -> None:
    page.locator("#tab-weight").click()
    choose(page, "input", 2)
    choose(page, "hidden", 3)
    slide(page, "offset", 0.37)
    slide(page, "h", -2.5)
    reference = Reference()
    reference.params = reference.moved("W1[2, 3]", 0.37)
    reference.h = 10**-2.5
    held(page, reference)


def test_question_3_ends_at_the_same_loss(page: Any) -> None:
    page.locator("#tab-train").click()
    page.locator("#panel-train .main").click()
    net, (X, y) = toy_network(), toy_data()
    history = net.train(X, y, X, y, learning_rate=0.1, reg=5e-6, num_iters=100, batch_size=200)
    shown = page.locator('data[title="loss_history[-1]"]').get_attribute("value")
    assert float(shown) == pytest.approx(history["loss_history"][-1], abs=1e-6)
    reference = Reference(net.params, reg=5e-6)
    reference.loss_history, reference.learning_rate = history["loss_history"], 0.1 * 0.95**100
    held(page, reference)


def test_momentum_lambda_and_steps_one_by_one(page: Any) -> None:
    page.locator("#tab-train").click()
    for name, value in (("momentum", 0.8), ("reg", -2), ("learning_rate", -1.5), ("decay", 0.98)):
        slide(page, name, value)
    reference = Reference(reg=0.01)
    reference.momentum = 0.8
    for n in range(12):
        page.get_by_role("button", name="One step").click()
        reference.step(10**-1.5 * 0.98**n, 0.8)
        reference.learning_rate = 10**-1.5 * 0.98 ** (n + 1)
        held(page, reference)


@pytest.mark.parametrize(("seed", "scheme"), [(0, "he"), (7, "normal"), (3, "equal")])
def test_other_initial_weights_are_numpys(page: Any, seed: int, scheme: str) -> None:
    page.locator("#tab-train").click()
    slide(page, "seed", seed)
    slide(page, "std", -0.5)
    page.evaluate("scheme => document.querySelector(`input[value=${scheme}]`).click()", scheme)
    rng = np.random.RandomState(seed)
    W1, W2 = rng.standard_normal((4, 10)), rng.standard_normal((10, 3))
    std = 10**-0.5
    drawn = {
        "he": (W1 * np.sqrt(2 / 4), W2 * np.sqrt(2 / 10)), "normal": (W1 * std, W2 * std),
        "equal": (np.full((4, 10), std), np.full((10, 3), std)),
    }[scheme]  # fmt: skip
    reference = Reference({"W1": drawn[0], "b1": np.zeros(10), "W2": drawn[1], "b2": np.zeros(3)})
    page.locator("#tab-weight").click()
    assert held(page, reference) > 50


def test_the_numbers_of_the_answers(page: Any) -> None:
    page.locator("#tab-predict").click()
    for _ in range(14):
        page.get_by_role("button", name="Reveal").click()
        held(page, Reference())
        page.get_by_role("button", name="Next question").click()


def test_every_mistake_has_a_text_and_a_reference() -> None:
    assert texts().keys() == MISTAKES.keys()
    assert not OWN.keys() & catalogue().keys()


@pytest.mark.parametrize("code", ["", *MISTAKES])
def test_what_a_mistake_makes_wrong(page: Any, code: str) -> None:
    page.locator("#tab-mistakes").click()
    page.evaluate("code => document.querySelector(`input[name=mistake][value='${code}']`).click()", code)
    checks = exercise_checks(code)
    held(page, Reference(mistake=code), **checks)
    verdicts = page.locator(".checks .verdict").all_inner_texts()
    errors = checks["gradient_check"].values()
    assert verdicts == [
        "passes" if passes else "fails"
        for passes in (
            checks["scores_difference"] < 1e-7, abs(checks["exercise_loss"] - 1.30378789133) < 1e-10,
            *(error < 1e-8 for error in errors), checks["final_loss"] <= 0.02,
        )
    ]  # fmt: skip
    page.locator("#tab-pass").click()
    page.locator("#panel-pass summary").click()
    assert max(page.evaluate(MISTAKEN, len(steps()))) <= 1
