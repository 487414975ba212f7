"""The proof: each SymPy form against SymPy's own derivative, each NumPy line against the complex step.

In symbols: a small network of which every number is a symbol is differentiated by SymPy, on every branch of
its ReLUs, and the difference from the form must simplify to exactly 0. In numbers: networks of random sizes,
each line against the derivative that the complex step takes of the loss, and each form, evaluated, against
its line. The loss of both is the chain of equations itself, from the quantity in question upwards.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derivation.backward import BACKWARD
from derivation.deep import DEEP, deep_chain
from derivation.equation import Equation, Step, Values, plain, run
from derivation.forward import FORWARD
from fcnet.audit.numeric import COMPLEX_STEP
from fcnet.audit.tolerances import TOLERANCES, relative_error

READ = (*FORWARD, *BACKWARD, *DEEP)
"""Every equation that the derivation shows."""

TWO_LAYERS = tuple(plain(equation) for equation in (*FORWARD, *BACKWARD))
THREE_LAYERS = deep_chain(3)

SYMBOLIC_EXAMPLES = 2
SYMBOLIC_SIZES = {2: (2, 2, 3), 3: (2, 1, 1, 2)}
"""Inputs, hidden units, classes of the networks in symbols, by their number of layers."""

RANDOM_NETWORKS = 5
"""How many networks of random sizes, seeded, each line is held against."""

CLEAR = 1e-3
"""No pre-activation of a random network is closer to the kink than this."""


@dataclass(frozen=True)
class Proof:
    """What was checked of one equation.

    entries, branches : entries of the derivative, and branches of the ReLUs, for each of which SymPy's
        difference is exactly 0; both 0 where the equation is no derivative
    networks : random networks for which form and line agree, and line and complex step
    error : the largest relative error there, below the tolerance
    failures : one sentence for each thing that is wrong; proved if there is none
    """

    equation: type[Equation]
    entries: int
    branches: int
    networks: int
    error: float
    failures: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures


def prove(
    chain: Sequence[Step],
    sizes: Sequence[int],
    seed: int = 0,
    equations: Collection[type[Equation]] | None = None,
) -> list[Proof]:
    """Prove the equations of a chain.

    Parameters
    ----------
    chain : of a network with its loss and gradients
    sizes : of the network in symbols, from inputs to classes
    seed : what the random networks follow from
    equations : those to prove; all of the chain if not given

    Returns
    -------
    proofs : one for each equation, in the chain's order
    """
    proofs = []
    networks = [
        random_values(len(sizes) - 1, np.random.default_rng(seed + n)) for n in range(RANDOM_NETWORKS)
    ]
    for equation in dict.fromkeys(step.equation for step in chain):
        if equations is not None and equation not in equations:
            continue
        steps = [step for step in chain if step.equation is equation]
        entries, branches, failures = _in_symbols(chain, steps, sizes)
        errors = [_in_numbers(chain, step, values) for step in steps for values in networks]
        failures += sorted({failure for _, failure in errors if failure})
        worst = max(error for error, _ in errors)
        proofs.append(Proof(equation, entries, branches, len(networks), worst, tuple(failures)))
    return proofs


def symbols(sizes: Sequence[int]) -> dict[str, Any]:
    """Inputs, labels and parameters of a network in symbols, without the branches of its ReLUs."""
    N, K = SYMBOLIC_EXAMPLES, sizes[-1]
    values: dict[str, Any] = {"X": symbol("x", (N, sizes[0])), "N": N, "K": K, "example": np.arange(N)}
    values["y"] = np.arange(N) % K
    values["reg"] = sympy.Symbol("lambda", positive=True)
    for layer, shape in enumerate(pairwise(sizes), start=1):
        values[f"W{layer}"] = symbol(f"W{layer}", shape)
        values[f"b{layer}"] = symbol(f"b{layer}", shape[1:])
    values["all_W"] = [values[f"W{layer}"] for layer in range(1, len(sizes))]
    return values


def symbol(name: str, shape: Sequence[int]) -> NDArray[Any]:
    """An array of real symbols."""
    table = np.empty(tuple(shape), dtype=object)
    for place in np.ndindex(*shape):
        table[place] = sympy.Symbol("_".join([name, *map(str, place)]), real=True)
    return table


def branches(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Every way in which the hidden units of a network in symbols can be on and off."""
    shapes = [(SYMBOLIC_EXAMPLES, size) for size in sizes[1:-1]]
    count = sum(int(np.prod(shape)) for shape in shapes)
    ways = []
    for bits in product((True, False), repeat=count):
        left, way = list(bits), {}
        for layer, shape in enumerate(shapes, start=2):
            size = int(np.prod(shape))
            way[f"on{layer}"] = np.array(left[:size]).reshape(shape)
            left = left[size:]
        ways.append(way)
    return ways


def is_zero(expression: Any) -> bool:
    """Whether an expression simplifies to exactly 0, its exponentials taken as unknowns of their own.

    That is enough, and quick: what is 0 whatever stands for the exponentials is 0 for the exponentials.
    """
    expression = sympy.sympify(expression)
    unknown: dict[Any, Any] = {}
    replaced = {}
    for power in expression.atoms(sympy.exp):  # exp(c p) is the unknown of p to the power c
        content, exponent = power.args[0].primitive()
        if exponent.could_extract_minus_sign():
            content, exponent = -content, -exponent
        replaced[power] = unknown.setdefault(exponent, sympy.Dummy(positive=True)) ** content
    return bool(sympy.expand(sympy.numer(sympy.together(expression.xreplace(replaced)))) == 0)


def _in_symbols(
    chain: Sequence[Step], steps: Sequence[Step], sizes: Sequence[int]
) -> tuple[int, int, list[str]]:
    """Entries, branches and failures of an equation's derivatives."""
    entries, ways, failures = 0, branches(sizes), []
    for step in steps:
        if step.derivative is None:
            continue
        of, by = step.derivative
        for way in ways:
            given = symbols(sizes) | way
            by_value = given.get(by)
            if by_value is None:
                by_value = given[by] = symbol(by, run(chain, given, "form")[by].shape)
            values = run(chain, given, "form")
            total, said = np.sum(values[of]), values[step.name]
            for place in np.ndindex(*by_value.shape):
                if not is_zero(sympy.diff(total, by_value[place]) - said[place]):
                    failures.append(f"SymPy: {step.name}{list(place)} is not d{of}/d{by}")
            entries += by_value.size if way is ways[0] else 0
    return entries, len(ways) if entries else 0, list(dict.fromkeys(failures))


def random_values(layers: int, rng: np.random.Generator) -> dict[str, Any]:
    """Inputs, labels and parameters of a network of random sizes, clear of the kink, with its branch."""
    while True:
        N, *sizes = (int(size) for size in rng.integers(1, 6, layers + 2))
        values: dict[str, Any] = {"X": rng.standard_normal((N, sizes[0])), "N": N, "K": sizes[-1]}
        values |= {"y": rng.integers(sizes[-1], size=N), "example": np.arange(N), "reg": rng.uniform(0.01, 1)}
        for layer, shape in enumerate(pairwise(sizes), start=1):
            values[f"W{layer}"] = rng.standard_normal(shape)
            values[f"b{layer}"] = rng.standard_normal(shape[1])
        values["all_W"] = [values[f"W{layer}"] for layer in range(1, layers + 1)]
        computed = run(TWO_LAYERS if layers == 2 else deep_chain(layers), values, "line")
        hidden = {layer: computed[f"z{layer}"] for layer in range(2, layers + 1)}
        if all(np.abs(z).min() > CLEAR for z in hidden.values()):
            return values | {f"on{layer}": z > 0 for layer, z in hidden.items()}


def _in_numbers(chain: Sequence[Step], step: Step, given: Values) -> tuple[float, str]:
    """The largest relative error of a line against its form and the complex step, and what is wrong."""
    values = run(chain, given, "line")
    said = np.asarray(values[step.name], dtype=float)
    form = np.asarray(step.compute(values, "form"))
    references = {"its SymPy form": np.vectorize(float, otypes=[float])(form)}
    if step.derivative is not None:
        of, by = step.derivative
        references[f"the complex step of {of} by {by}"] = _complex_step(chain, given, of, by, values[by])
    worst = 0.0
    for name, truth in references.items():
        if truth.shape != said.shape:
            return np.inf, f"NumPy: {step.name} has the shape {said.shape}, {name} says {truth.shape}"
        error = float(relative_error(said, truth).max(initial=0.0))
        if not error < TOLERANCES["complex_step"]:
            return np.inf, f"NumPy: {step.name} is not {name}"
        worst = max(worst, error)
    return worst, ""


def _complex_step(
    chain: Sequence[Step], given: Values, of: str, by: str, at: NDArray[Any]
) -> NDArray[np.float64]:
    """The derivative of the sum of `of` by each entry of `by`, Im f(w + ih) / h."""
    derivative = np.empty(at.shape)
    for place in np.ndindex(*at.shape):
        moved = at.astype(np.complex128)
        moved[place] += COMPLEX_STEP * 1j
        # all_W holds the weights a second time, for the norm of any number of them
        all_W = [moved if by == f"W{n}" else W for n, W in enumerate(given["all_W"], start=1)]
        values = run(_up_to(chain, of), {**given, by: moved, "all_W": all_W}, "line")
        derivative[place] = np.sum(values[of]).imag / COMPLEX_STEP
    return derivative


def _up_to(chain: Sequence[Step], name: str) -> Sequence[Step]:
    """The chain as far as it gives that value."""
    place = next(n for n, step in enumerate(chain) if step.name == name)
    return chain[: place + 1]


@cache
def prove_all() -> tuple[Proof, ...]:
    """The proof of every equation of the derivation; some seconds, once a process."""
    deep = {proof.equation: proof for proof in prove(THREE_LAYERS, SYMBOLIC_SIZES[3])}
    two = {proof.equation: proof for proof in prove(TWO_LAYERS, SYMBOLIC_SIZES[2])}
    return tuple(proof for equation, proof in (deep | two).items() if equation in READ)
