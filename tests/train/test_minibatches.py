"""The order of examples follows from (seed, epoch) alone, and every example comes once."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnet.data.minibatches import minibatches, steps_per_epoch
from fcnet.errors import DataError


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    examples = draw(st.integers(1, 40))
    return examples, draw(st.integers(1, examples))


@given(sizes(), st.integers(1, 9), st.integers(0, 2**64), st.integers(0, 1000))
def test_every_row_comes_exactly_once_an_epoch(
    size: tuple[int, int], views: int, seed: int, epoch: int
) -> None:
    examples, batch_size = size
    batches = list(minibatches(examples, batch_size, views, seed, epoch))
    assert sorted(np.concatenate([batch.rows for batch in batches])) == list(range(examples))
    assert [len(batch.rows) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert len(batches) == steps_per_epoch(examples, batch_size)
    assert all(len(batch.views) == len(batch.rows) for batch in batches)
    assert all(0 <= view < views for batch in batches for view in batch.views)


@given(sizes(), st.data())
def test_skipping_gives_the_tail_of_the_epoch(size: tuple[int, int], data: st.DataObject) -> None:
    examples, batch_size = size
    skip = data.draw(st.integers(0, steps_per_epoch(examples, batch_size)))
    whole = list(minibatches(examples, batch_size, 5, 1, 2))
    tail = list(minibatches(examples, batch_size, 5, 1, 2, skip=skip))
    assert len(tail) == len(whole) - skip
    for late, same in zip(tail, whole[skip:], strict=True):
        np.testing.assert_array_equal(late.rows, same.rows)
        np.testing.assert_array_equal(late.views, same.views)


def order(seed: int, epoch: int) -> tuple[list[int], list[int]]:
    batch = next(minibatches(50, 50, 9, seed, epoch))
    return batch.rows.tolist(), batch.views.tolist()


def test_seed_and_epoch_decide_and_nothing_else() -> None:
    np.random.seed(0)
    first = order(3, 4)
    np.random.seed(1)
    assert order(3, 4) == first
    others = [order(3, 5), order(4, 4), order(4, 3), order(0, 0)]
    for rows, views in others:
        assert rows != first[0]
        assert views != first[1]


def test_all_deformations_are_equally_likely() -> None:
    """9,000 draws of 9: each is expected 1,000 times with a standard deviation of 30."""
    views = np.concatenate([batch.views for batch in minibatches(9000, 100, 9, 0, 0)])
    assert (np.abs(np.bincount(views, minlength=9) - 1000) < 150).all()


@pytest.mark.parametrize("batch_size", [0, -1, 11])
def test_a_batch_size_that_does_not_fit_is_refused(batch_size: int) -> None:
    message = f"batch_size is {batch_size}, choose from 1 to the 10 training examples"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        steps_per_epoch(10, batch_size)
