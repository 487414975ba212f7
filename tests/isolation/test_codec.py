"""What travels arrives as it was, and bytes that are no frame are refused before they cost anything."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fcnet.judge.child.codec import DTYPES, CodecError, pack, read_frame, unpack

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


def travelled(value: Any) -> Any:
    frame = read_frame(io.BytesIO(pack(value)).read, 1 << 24)
    assert frame is not None
    return unpack(frame)


@given(values)
def test_values_arrive_as_they_were(value: Any) -> None:
    assert repr(travelled(value)) == repr(value)


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda name: arrays.arrays(name, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    )
)
def test_arrays_arrive_bit_for_bit(array: Any) -> None:
    for given_array in (array, array.T, array.astype(array.dtype.newbyteorder(">"))):
        got = travelled({"a": given_array})["a"]
        assert got.dtype == array.dtype
        assert got.shape == given_array.shape
        assert got.tobytes() == np.ascontiguousarray(given_array).astype(array.dtype).tobytes()
        assert got.flags.writeable


def test_a_subclass_arrives_as_what_it_is_made_of() -> None:
    class Liar(np.ndarray):
        def tobytes(self, *_: Any) -> bytes:
            return b""

        def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
            return 0

    class Number(float):
        def __repr__(self) -> str:
            return "nan"

    got = travelled([np.arange(3.0).view(Liar), Number(2.5)])
    assert type(got[0]) is np.ndarray
    assert got[0].tolist() == [0, 1, 2]
    assert got[1] == 2.5


@pytest.mark.parametrize(
    "value",
    [object(), {1: 2}, np.array([object()]), np.array(["text"]), {"a": {1, 2}}, 10**500, b"bytes"],
    ids=lambda value: type(value).__name__,
)
def test_other_things_do_not_travel(value: Any) -> None:
    with pytest.raises(CodecError):
        pack(value)


def test_nesting_has_an_end() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(CodecError, match="nested"):
        pack(value)


def framed(node: Any, rest: bytes = b"") -> bytes:
    header = node if isinstance(node, bytes) else json.dumps(node).encode()
    return struct.pack(">I", len(header)) + header + rest


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0\0",
        struct.pack(">I", 1 << 31) + b"[]",
        framed(b"[" * 100_000),
        framed(b"{not json"),
        framed(b"\xff\xfe"),
        framed({"s": 1}),
        framed(["x", 1]),
        framed(["i", "1" * 10_000]),
        framed(["i", "one"]),
        framed(["f", "1.0; import os"]),
        framed(["s", 5]),
        framed(["d", [["key"]]]),
        framed(["d", [[1, None]]]),
        framed(["a", "object", [1], 8], b"x" * 8),
        framed(["a", "float64", [2], 8], b"x" * 8),
        framed(["a", "float64", [-1], 8], b"x" * 8),
        framed(["a", "float64", [True], 8], b"x" * 8),
        framed(["a", "float64", [1 << 39, 1 << 39], 8], b"x" * 8),
        framed(["a", "float64", [1 << 40], 8 << 40]),
        framed(["a", "float64", [1] * 40, 8], b"x" * 8),
        framed(["a", "float64", ["1"], 8], b"x" * 8),
    ],
)
def test_what_is_no_frame_is_refused(payload: bytes) -> None:
    with pytest.raises(CodecError):
        unpack(payload)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_a_frame_with_other_bytes_in_it_is_read_or_refused(noise: bytes, place: int) -> None:
    frame = bytearray(pack({"a": np.arange(4.0), "b": [1, "x", 2.5]})[8:])
    frame[place : place + len(noise)] = noise
    with contextlib.suppress(CodecError):
        unpack(frame)


def test_a_length_is_believed_only_as_bytes_arrive() -> None:
    tracemalloc.start()
    with pytest.raises(CodecError, match="ends inside"):
        read_frame(io.BytesIO(struct.pack(">Q", 1 << 40) + b"x").read, 1 << 41)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()
    with pytest.raises(CodecError, match="are allowed"):
        read_frame(io.BytesIO(struct.pack(">Q", 1 << 40)).read, 1 << 20)
    assert read_frame(io.BytesIO(b"").read, 10) is None
