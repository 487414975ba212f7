"""Random architectures: rows of all kinds of layers, residual blocks and rows side by side among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from fcnet.net.architecture import Architecture, Spec
from fcnet.net.network import Network

ACTIVATIONS = st.sampled_from(["relu", "gelu", "tanh"]).map(lambda name: Spec.of("activation", function=name))
LINEAR = st.integers(1, 5).map(lambda units: Spec.of("linear", units=units))
NORM = st.just(Spec.of("layernorm"))
DROPOUT = st.just(Spec.of("dropout", p=0.4))


def rows(depth: int = 1) -> st.SearchStrategy[list[Spec]]:
    """Rows of layers of any order; `fitted` ends residual blocks and rows side by side as they must end."""
    kinds = [LINEAR, ACTIVATIONS, NORM, DROPOUT]
    if depth:
        kinds.append(rows(depth - 1).map(lambda inner: Spec.of("residual", layers=tuple(inner))))
        several = st.lists(rows(depth - 1).map(tuple), min_size=1, max_size=3)
        kinds.append(several.map(lambda inner: Spec.of("mean", rows=tuple(inner))))
    return st.lists(st.one_of(*kinds), min_size=1, max_size=4)


def fitted(specs: list[Spec], inputs: int) -> tuple[tuple[Spec, ...], int]:
    """The row with each residual block ended by as many units as it began with, and its last width."""
    row, width = [], inputs
    for spec in specs:
        if spec.kind == "residual":
            inner, end = fitted(list(dict(spec.options)["layers"]), width)
            if end != width:
                inner += (Spec.of("linear", units=width),)
            spec = Spec.of("residual", layers=inner)
        elif spec.kind == "mean":
            beside = [fitted(list(inner), width) for inner in dict(spec.options)["rows"]]
            width = beside[0][1]
            ends = Spec.of("linear", units=width)
            spec = Spec.of("mean", rows=tuple(r if end == width else (*r, ends) for r, end in beside))
        elif spec.kind == "linear":
            width = dict(spec.options)["units"]
        row.append(spec)
    return tuple(row), width


@st.composite
def architectures(draw: Any) -> Architecture:
    inputs, classes = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    row, _ = fitted(draw(rows()), inputs)
    return Architecture(inputs, (*row, Spec.of("linear", units=classes)))


def network(architecture: Architecture, seed: int, N: int) -> tuple[Network, Any, Any]:
    """A network in float64 whose parameters are all drawn and whose dropout masks stay, with examples."""
    rng = np.random.default_rng(seed)
    params = {p.name: rng.standard_normal(p.shape) for p in architecture.parameters}
    net = Network(architecture, rng, dtype=np.float64, params=params)
    for layer in net.dropouts:
        layer.fixed = (rng.random((N, layer.outputs)) < 0.6) / 0.6
    X, y = rng.standard_normal((N, architecture.inputs)), rng.integers(architecture.outputs, size=N)
    return net, X, y


def near_a_kink(net: Network, X: Any) -> bool:
    """Whether a ReLU sees a number so small that rounding decides, or exactly 0."""
    return any(np.abs(z).min() < 1e-9 for z in net.preactivations(X))
