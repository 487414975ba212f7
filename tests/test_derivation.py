"""The derivation is proved, its lines are the code's, and a wrong equation is refused."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import fcnet.two_layernet
from derivation import backward, deep, forward
from derivation.backward import BACKWARD
from derivation.deep import DEEP, deep_chain
from derivation.equation import Equation, code, run
from derivation.forward import FORWARD
from derivation.proof import TWO_LAYERS, Proof, is_zero, prove, prove_all, random_values
from derivation.record import record, shown
from derivation.typeset import SHAPES, formula, line
from fcnet.net.network import Network
from fcnet.report.derivation import RECORD, derivation
from fcnet.two_layernet import TwoLayerNet

EQUATIONS = (*FORWARD, *BACKWARD, *DEEP)
SMALL = (1, 2, 2)


@pytest.mark.parametrize("equation", EQUATIONS, ids=lambda equation: equation.__name__)
def test_every_equation_is_proved(equation: type[Equation]) -> None:
    (proof,) = (proof for proof in prove_all() if proof.equation is equation)
    assert proof.holds, proof.failures
    assert proof.networks >= 5
    derived = equation.derivative is not None or equation in (
        deep.LayerError,
        deep.LayerWeights,
        deep.LayerBias,
    )
    assert (proof.entries > 0) == derived
    if derived:
        assert proof.branches >= 16


def test_the_derivatives_are_those_that_the_exercise_names() -> None:
    named = {equation.name: equation.derivative for equation in BACKWARD if equation.derivative}
    assert named["delta3"] == ("J", "z3")
    assert named["dJ_dW2"] == ("J", "W2")
    assert {by for of, by in named.values() if of == "J_tilde"} == {"W1", "b1", "W2", "b2"}


WRONG = [
    (backward.OutputWeightsPenalised, "line", lambda dJ_dW2, reg, W2: dJ_dW2 + reg * W2),
    (backward.OutputWeightsPenalised, "form", lambda dJ_dW2, reg, W2: dJ_dW2 + reg * W2),
    (backward.OutputError, "line", lambda z3, Delta, N: fcnet.two_layernet.softmax(z3) - Delta),
    (backward.OutputBias, "line", lambda delta3: delta3.mean(axis=0)),
    (backward.HiddenError, "line", lambda delta3, W2: delta3 @ W2.T),
    (backward.HiddenError, "form", lambda delta3, W2: delta3 @ W2.T),
    (backward.HiddenBias, "form", lambda delta2: -delta2.sum(axis=0)),
    (backward.HiddenBias, "line", lambda delta2: delta2.sum(axis=0, keepdims=True)),
    (forward.Objective, "line", lambda J, reg, norms: J + reg / 2 * norms),
]


@pytest.mark.parametrize(("equation", "part", "wrong"), WRONG)
def test_a_wrong_equation_is_refused(equation: type[Equation], part: str, wrong: Any) -> None:
    mutant = type("Mutant", (equation,), {part: staticmethod(wrong)})
    chain = [replace(s, equation=mutant) if s.equation is equation else s for s in TWO_LAYERS]
    (proof,) = prove(chain, SMALL, equations={mutant})
    assert not proof.holds
    assert any(failure.startswith("NumPy" if part == "line" else "SymPy") for failure in proof.failures)


def test_what_is_not_zero_is_not_taken_for_it() -> None:
    x, y = sympy.symbols("x y", real=True)
    assert is_zero(0)
    assert is_zero(sympy.exp(2 * x) - sympy.exp(x) ** 2)
    assert is_zero(sympy.exp(-x) - 1 / sympy.exp(x))
    assert not is_zero(1e-300 * x)
    assert not is_zero(sympy.exp(x) - sympy.exp(y))
    assert not is_zero(sympy.exp(x + y) - sympy.exp(x - y))


def test_the_lines_are_those_of_the_code() -> None:
    """Every line but that of Delta, which the code fills in two statements, stands in `two_layernet.py`."""
    tree = ast.parse(Path(fcnet.two_layernet.__file__).read_text())
    there = {ast.dump(node) for node in ast.walk(tree) if isinstance(node, ast.expr)}
    lines = {equation.__name__: ast.dump(code(equation)) for equation in (*FORWARD, *BACKWARD)}
    assert {name for name, dumped in lines.items() if dumped not in there} == {"Labels"}


@given(seed=st.integers(0, 2**32 - 1))
def test_the_chain_is_the_network(seed: int) -> None:
    given_values = random_values(2, np.random.default_rng(seed))
    values = run(TWO_LAYERS, given_values, "line")
    net = TwoLayerNet(1, 1, 1).with_params({name: given_values[name] for name in ("W1", "b1", "W2", "b2")})
    loss, grads = net.loss(values["X"], values["y"], reg=values["reg"])
    np.testing.assert_allclose(values["J_tilde"], loss, rtol=1e-12)
    for name, gradient in grads.items():
        np.testing.assert_allclose(values[f"d{name}"], gradient, rtol=1e-12, atol=1e-14)


@given(seed=st.integers(0, 2**32 - 1), layers=st.integers(1, 5))
def test_the_recursion_is_the_fast_network_of_any_depth(seed: int, layers: int) -> None:
    given_values = random_values(layers, np.random.default_rng(seed))
    values = run(deep_chain(layers), given_values, "line")
    names = [f"{letter}{n}" for n in range(1, layers + 1) for letter in "Wb"]
    sizes = [values["X"].shape[1], *(len(values[f"b{n}"]) for n in range(1, layers + 1))]
    net = Network.plain(sizes, np.random.default_rng(0), dtype=np.float64).with_params(
        {n: values[n] for n in names}
    )
    loss, grads = net.loss(values["X"], values["y"], values["reg"])
    np.testing.assert_allclose(values["J_tilde"], loss, rtol=1e-12)
    for name in names:
        np.testing.assert_allclose(values[f"d{name}"], grads[name], rtol=1e-11, atol=1e-13)


def test_the_shapes_beneath_the_factors_are_the_real_ones() -> None:
    size = {"N": 7, "D": 5, "H": 4, "K": 3}
    rng = np.random.default_rng(0)
    values: dict[str, Any] = {"X": rng.standard_normal((7, 5)), "y": rng.integers(3, size=7)}
    values |= {"W1": rng.standard_normal((5, 4)), "b1": np.zeros(4), "W2": rng.standard_normal((4, 3))}
    values |= {"b2": np.zeros(3), "N": 7, "K": 3, "reg": 0.1, "example": np.arange(7)}
    values = run(TWO_LAYERS, values, "line")
    for name in SHAPES.keys() - {"a", "W", "b", "z", "delta_above"}:
        assert values[name].shape == tuple(size[letter] for letter in SHAPES[name].split(" \\times ")), name


@pytest.mark.parametrize("equation", EQUATIONS, ids=lambda equation: equation.__name__)
def test_a_formula_names_what_its_line_uses(equation: type[Equation]) -> None:
    latex = formula(equation)
    assert latex.startswith(f"{equation.left} = ")
    assert latex.count("{") == latex.count("}")
    assert line(equation).startswith(f"{equation.name} = ")
    if "reg" in line(equation):
        assert "\\lambda" in latex.removeprefix(equation.left)
    if ".T" in line(equation):
        assert "\\top" in latex


def test_the_record_that_users_read_is_up_to_date() -> None:
    """A user's report shows it, and proves nothing anew."""
    assert json.loads(RECORD.read_text()) == record()


def test_the_record_does_not_depend_on_the_machine() -> None:
    proof = Proof(backward.OutputBias, 3, 16, 5, 1e-16, ())
    assert shown(proof) == shown(replace(proof, error=9e-15))


def test_the_page_has_every_equation_and_no_backslash_that_markdown_would_eat() -> None:
    page = derivation()
    assert len(re.findall("^### ", page, flags=re.MULTILINE)) == len(EQUATIONS) == page.count("in code ✓:")
    for equation in EQUATIONS:
        assert page.count(f"```math\n{formula(equation)}\n```\n\n```python\n{line(equation)}\n```") == 1
    assert page.count("**Proved**") == 1
    outside = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    assert "$$" not in outside
    for inline in re.findall(r"\$([^$]+)\$", outside):
        assert not re.search(r"\\[^a-zA-Z]", inline), inline


def test_an_equation_that_is_not_proved_is_named() -> None:
    wrong = record()
    wrong["equations"] = wrong["equations"] | {"Loss": wrong["equations"]["Loss"] | {"failures": ["wrong"]}}
    page = derivation(wrong)
    assert "**NOT PROVED:** Loss." in page
    assert page.count("in code not proved:") == 1
    assert "**Proved**" not in page


def test_a_report_shows_the_derivation_without_sympy() -> None:
    code = (
        "import sys; sys.modules['sympy'] = None\n"
        "from fcnet.report.derivation import derivation\n"
        "from fcnet.report.page.render import to_html\n"
        "html = to_html(derivation()); assert html.count('<math') > 100, html.count('<math')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
