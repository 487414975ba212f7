"""The objective without its gradients is that of `loss` to the last bit, and leaves the network as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from fcnet.audit import audit_gradients
from fcnet.errors import DataError
from fcnet.net.architecture import Architecture
from fcnet.net.network import Network

RNG = np.random.default_rng(2)
X, Y = RNG.standard_normal((5, 3)), np.arange(5) % 2


def network(**kind: Any) -> Network:
    architecture = Architecture.of(3, [4, 4], 2, **kind)
    return Network(architecture, np.random.default_rng(0), dtype=np.float64, label_smoothing=0.1)


def elsewhere(net: Network, dtype: type) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {n: (v + rng.standard_normal(v.shape)).astype(dtype) * dtype(1) for n, v in net.params.items()}


@pytest.mark.parametrize(
    "kind", [{}, {"activation": "gelu", "norm": "layernorm", "blocks": 1}, {"blocks": 1}]
)
@pytest.mark.parametrize("anew", [False, True])
def test_it_is_that_of_a_network_with_these_parameters(kind: dict[str, Any], anew: bool) -> None:
    net = network(**kind)
    before = {name: value.copy() for name, value in net.params.items()}
    objective = net.objective(X, Y, 0.1, anew)
    assert objective is not None
    for dtype in (np.float64, np.complex128, np.float64):
        for params in (elsewhere(net, dtype), {n: v.astype(dtype) for n, v in before.items()}):
            told, seen = objective(params)
            there = net.with_params(params)
            assert told == there.loss(X, Y, 0.1)[0]
            assert np.iscomplexobj(told) == (dtype is np.complex128)
            expected = there.preactivations(X)
            assert len(seen) == len(expected)
            assert all(np.array_equal(one, other) for one, other in zip(seen, expected, strict=True))
    assert all(np.array_equal(value, before[name]) for name, value in net.params.items())


def test_pre_activations_stay_what_they_were() -> None:
    net = network()
    objective = net.objective(X, Y, 0.1)
    assert objective is not None
    _, seen = objective(net.params)
    kept = [one.copy() for one in seen]
    objective(elsewhere(net, np.float64))
    assert all(np.array_equal(one, other) for one, other in zip(seen, kept, strict=True))


def test_wrong_examples_are_refused() -> None:
    with pytest.raises(DataError, match=r"X has shape \(5, 2\)"):
        network().objective(X[:, :2], Y, 0.1)
    with pytest.raises(DataError, match="label 2 in row 1 of y is out of range"):
        network().objective(X, Y + 1, 0.1)


class Doubled(Network):
    """Another loss, and the copies have it too."""

    def loss(self, *given: Any, **options: Any) -> Any:
        J, grads = super().loss(*given, **options)  # type: ignore[misc]
        return 2 * J, {name: 2 * grad for name, grad in grads.items()}

    def with_params(self, params: Mapping[str, Any]) -> Doubled:
        copies = {name: np.array(value) for name, value in params.items()}
        dtype = np.result_type(*copies.values())
        return type(self)(self.architecture, np.random.default_rng(0), dtype=dtype, params=copies)


class WronglyDoubled(Doubled):
    def loss(self, *given: Any, **options: Any) -> Any:
        J, grads = super().loss(*given, **options)
        return J, {name: grad / 2 for name, grad in grads.items()}


class Times(Network):
    """Another loss, by a factor of its own that no constructor knows."""

    factor, slope = 3.0, 3.0

    def loss(self, *given: Any, **options: Any) -> Any:
        J, grads = super().loss(*given, **options)  # type: ignore[misc]
        return self.factor * J, {name: self.slope * grad for name, grad in grads.items()}


class WronglyTimes(Times):
    slope = 1.0


def test_a_subclass_is_audited_by_its_own_loss() -> None:
    for kind, passed in ((Doubled, True), (WronglyDoubled, False), (Times, True), (WronglyTimes, False)):
        net = kind(Architecture.of(3, [4], 2), np.random.default_rng(0), dtype=np.float64)
        assert net.objective(X, Y, 0.1) is None
        assert audit_gradients(net, X, Y, 0.1, steps=(1e-5,)).passed == passed


def test_a_copy_with_other_parameters_has_what_a_subclass_adds() -> None:
    net = Times(Architecture.of(3, [4], 2), np.random.default_rng(0), dtype=np.float64)
    net.factor = 5.0
    other = net.with_params(elsewhere(net, np.float64))
    assert isinstance(other, Times)
    assert other.factor == 5.0
    assert not any(np.shares_memory(other.params[name], value) for name, value in net.params.items())
