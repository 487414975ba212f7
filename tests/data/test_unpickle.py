"""The pickle reader builds data and nothing else, and agrees with Python's own on data."""

from __future__ import annotations

import os
import pickle
import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcnet.data import unpickle
from fcnet.data.unpickle import MAX_INSTRUCTIONS, UnpickleError, read_pickle

from .conftest import batch, python2_pickle


class Call:
    """Pickles to the call of any function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.function, self.arguments


def calls(marker: Path) -> dict[str, bytes]:
    """Pickles that make a file under Python's own reader, by every instruction that can call."""
    touch = f"import pathlib; pathlib.Path({str(marker)!r}).touch()"
    command = f"touch {marker}"
    return {
        "os.system": pickle.dumps({b"data": Call(os.system, command)}, 2),
        "exec": pickle.dumps({b"data": Call(exec, touch)}, 4),
        "eval": pickle.dumps({b"data": Call(eval, f"open({str(marker)!r}, 'w').close()")}, 5),
        "text": f"cos\nsystem\n(S'{command}'\ntR.".encode(),
        "INST": f"(S'{command}'\nios\nsystem\n.".encode(),
        "OBJ": f"(cos\nsystem\nS'{command}'\no.".encode(),
        "attribute of numpy": b"\x80\x04\x8c\x05numpy\x8c\x10_core.os.system!\x93.",
    }


@pytest.mark.parametrize("name", ["os.system", "exec", "eval", "text", "INST", "OBJ"])
def test_a_call_is_refused_and_not_made(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "called"
    with pytest.raises(UnpickleError):
        read_pickle(calls(marker)[name])
    assert not marker.exists()


@pytest.mark.parametrize("name", ["os.system", "exec", "eval", "text", "OBJ"])
def test_the_same_call_is_made_by_pythons_own_reader(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "called"
    pickle.loads(calls(marker)[name])
    assert marker.exists()


def make(body: bytes) -> bytes:
    """A pickled dict whose one value is built by `body`."""
    return b"\x80\x02}U\x04data" + body + b"s."


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"


def array_of(shape: bytes) -> bytes:
    """An array of two bytes that claims another shape."""
    return make(ARRAY + b"(K\x01" + shape + DTYPE + b"\x89U\x02abtb")


REFUSED = {
    "dtype object": (make(b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R"), "dtype b'O8'"),
    "dtype float": (make(b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"), "dtype b'f8'"),
    "dtype of fields": (make(b"cnumpy\ndtype\n]\x85R"), "calls a function"),
    "another class to reconstruct": (make(ARRAY.replace(b"ndarray\n", b"matrix\n")), "numpy.matrix"),
    "array of objects": (make(ARRAY.replace(b"U\x01b", b"U\x01O")), "calls a function"),
    "numpy.load": (make(b"cnumpy\nload\nU\x01x\x85R"), "asks for numpy.load"),
    "numpy.core.multiarray.scalar": (make(b"cnumpy.core.multiarray\nscalar\n"), "asks for"),
    "getattr": (make(b"c__builtin__\ngetattr\n"), "asks for"),
    "dotted name": (b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.tofile!\x93.", "asks for|makes no sense"),
    "a function as a value to call": (make(b"cnumpy\nndarray\nK\x05\x85R"), "calls a function"),
    "encode otherwise": (make(b"c_codecs\nencode\nX\x01\x00\x00\x00xU\x06rot_13\x86R"), "calls a func"),
    "calling an array": (make(ARRAY + b"K\x00\x85R"), "calls a function"),
    "state of a function": (make(b"cnumpy\nndarray\n}U\x01xK\x01sb"), "sets the state"),
    "state of a dict": (make(b"}}b"), "sets the state"),
    "slots": (make(b"cnumpy\nndarray\nN}U\x01xK\x01s\x86b"), "sets the state"),
    "array of another dtype": (make(ARRAY + b"(K\x01K\x02\x85NK\x00U\x02abtb"), "sets the state"),
    "array without state": (make(ARRAY), "never filled"),
    "array too large for its bytes": (array_of(b"J\xff\xff\xff\x7f\x85"), "fill"),
    "negative shape": (array_of(b"J\xfe\xff\xff\xffJ\xff\xff\xff\xff\x86"), "without a shape"),
    "persistent id": (make(b"K\x00Q"), "instruction b'Q'"),
    "text persistent id": (make(b"P0\n"), "instruction b'P'"),
    "extension": (make(b"\x82\x01"), "instruction"),
    "new object": (make(b"cnumpy\nndarray\n)\x81"), "instruction"),
    "set": (make(b"\x8f"), "instruction"),
    "out-of-band buffer": (make(b"\x97"), "instruction"),
    "huge long": (make(b"\x8b\xff\xff\xff\x7f"), "instruction"),
    "list as key": (b"\x80\x02}]K\x01s.", "makes no sense"),
    "tuple as key": (b"\x80\x02})K\x01s.", "makes no sense"),
    "length below zero": (make(b"T\xff\xff\xff\xff"), "makes no sense"),
    "odd items": (b"\x80\x02}(K\x01u.", "makes no sense"),
    "append to a tuple": (make(b")K\x01a"), "makes no sense"),
    "empty stack": (b"\x80\x02\x86.", "makes no sense"),
    "unknown memo": (b"\x80\x02h\x07.", "makes no sense"),
    "name without end": (make(b"c" + b"n" * 500), "asks for"),
    "nothing": (b"", "makes no sense"),
    "a list": (b"\x80\x02].", "where a dict belongs"),
    "text string": (make(b"X\x01\x00\x00\x00\xff"), "makes no sense"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_data_file_needs_is_refused(name: str) -> None:
    data, message = REFUSED[name]
    with pytest.raises(UnpickleError, match=message):
        read_pickle(data)


TEXT = b"X" + struct.pack("<I", 100_000) + b"x" * 100_000
ENCODE = b"c_codecs\nencode\nq\x02"
LATIN = b"X\x06\x00\x00\x00latin1q\x03"
COPY = b"h\x02h\x01h\x03\x86R"
"""The text in place 1 of the memo, once more as bytes."""

BOMBS: dict[str, bytes] = {
    "declared byte string": make(b"T\xff\xff\xff\x7f"),
    "negative byte string": make(b"T\xff\xff\xff\xff"),
    "declared long byte string": make(b"\x8e" + struct.pack("<Q", 1 << 40)),
    "declared text": make(b"\x8d" + struct.pack("<Q", (1 << 64) - 1)),
    "memo far out": make(b"K\x00r\xff\xff\xff\xff") + b"r\xff\xff\xff\xfe",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62),
    "frames without end": b"\x80\x04" + (b"\x95" + struct.pack("<Q", 1 << 40)) * 1000,
    "one text encoded a thousand times": make(
        b"(" + TEXT + b"q\x01" + ENCODE + LATIN + COPY * 1000 + b"t"
    ),
    "one text encoded twice": make(b"(" + TEXT + b"q\x01" + ENCODE + LATIN + COPY * 2 + b"t"),
    "one array in a thousand shapes": make(
        b"(" + b"U\xc8" + bytes(200) + b"q\x01"
        + (ARRAY + b"(K\x01K\xc8\x85" + DTYPE + b"\x89h\x01tb") * 1000 + b"t"
    ),
    "bytes as arguments": make(b"cnumpy\ndtype\n" + b"T" + struct.pack("<i", 10**6) + bytes(10**6) + b"R"),
    "an array of zeros without bytes": array_of(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"),
    "an array of 2 to the 2000": array_of(b"\x8a\xfb" + bytes(250) + b"\x01\x85"),
    "dimensions without end": array_of(b"(" + b"K\x01" * 100_000 + b"t"),
    "a dict of the same list": make(b"]q\x01(" + b"h\x01" * 10_000 + b"e"),
    "a list in itself": make(b"]q\x01h\x01a"),
    "a number of many digits": make(b"L" + b"9" * 100_000 + b"L\n"),
    "a number of many bytes": make(b"\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6),
    "nested tuples as a key": b"\x80\x02}" + b"K\x00" + b"\x85" * 200_000 + b"K\x01s.",
    "nested tuples as keys": b"\x80\x02}(" + b"K\x00" + b"\x85" * 200_000 + b"K\x01u.",
    "a name of a megabyte": make(b"c" + b"n" * 10**6 + b"\n" + b"m" * 10**6 + b"\n"),
    "a name made of texts": b"\x80\x04}" + TEXT + b"\x94" + b"h\x00h\x00\x93.",
    "quoted text": make(b"S'" + b"\\x41" * 25_000 + b"'\n"),
    "escaped text": make(b"V" + b"\\u0041" * 20_000 + b"\n"),
    "a duplicate": make(b"]" + b"2" * 10_000),
    "a set": make(b"\x8f(" + b"K\x01" * 1000 + b"\x90"),
    "a bytearray": make(b"\x96" + struct.pack("<Q", 1 << 50)),
    "a buffer": make(b"\x97"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_memory_stays_in_proportion(name: str) -> None:
    """Whether it is read or refused: at most a few times the file, and a hundred bytes an instruction."""
    raw = BOMBS[name]
    tracemalloc.start()
    try:
        with suppress(UnpickleError):
            read_pickle(raw)
        assert tracemalloc.get_traced_memory()[1] < 1e6 + 6 * len(raw) + 100 * raw.count(b"\x85")
    finally:
        tracemalloc.stop()


READABLE = {
    "one array in a thousand shapes",
    "memo far out",
    "a list in itself",
    "a dict of the same list",
    "one text encoded twice",
}


@pytest.mark.parametrize("name", [name for name in BOMBS if name not in READABLE])
def test_a_bomb_is_refused(name: str) -> None:
    with pytest.raises(UnpickleError):
        read_pickle(BOMBS[name])


def test_a_text_is_encoded_once() -> None:
    with pytest.raises(UnpickleError, match="it copies the same text again and again"):
        read_pickle(BOMBS["one text encoded a thousand times"])


@pytest.mark.parametrize("instruction", [b"]", b"(", b"}", b")", b"N"])
def test_an_instruction_for_every_byte_is_bounded_by_their_number(
    instruction: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real bound for one of them, a tenth of it for the others."""
    most = MAX_INSTRUCTIONS if instruction == b"N" else MAX_INSTRUCTIONS // 10
    monkeypatch.setattr(unpickle, "MAX_INSTRUCTIONS", most)
    with pytest.raises(UnpickleError, match=f"more than {most} "):
        read_pickle(b"\x80\x02" + instruction * (2 * most))


@pytest.mark.parametrize("nest", [b"]" * 200_000 + b"a" * 199_999, b"]" + b"\x85" * 200_000])
def test_deep_nesting_is_read_without_recursion(nest: bytes) -> None:
    assert set(read_pickle(make(nest))) == {b"data"}


def test_a_pickle_cut_anywhere_is_refused() -> None:
    whole = batch(0, rows=1)
    for length in [*range(150), *range(150, len(whole), 97)]:
        with pytest.raises(UnpickleError):
            read_pickle(whole[:length])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_pickle_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(batch(1, rows=1))
    header = [k for k in range(len(raw)) if k < 200 or k > len(raw) - 100]
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.sampled_from(header))] = data.draw(st.integers(0, 255))
    with suppress(UnpickleError):
        assert type(read_pickle(bytes(raw))) is dict


ATOMS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary() | st.text()
TREES = st.recursive(ATOMS, lambda t: st.lists(t, max_size=4) | st.tuples(t, t), max_leaves=8)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.binary() | st.text(), TREES, max_size=4), st.integers(3, 5))
def test_agrees_with_pythons_reader_on_data(value: dict[object, object], protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_both_spellings_of_numpy(core: str) -> None:
    value = {b"data": np.arange(12, dtype=np.uint8).reshape(3, 4), b"labels": [1, 2, 3]}
    found = read_pickle(python2_pickle(value, core))
    np.testing.assert_array_equal(found[b"data"], value[b"data"])  # type: ignore[arg-type]
    assert found[b"labels"] == [1, 2, 3]


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_as_numpy_writes_them(protocol: int, order: str) -> None:
    array = np.array(np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8), order=order)
    found = read_pickle(pickle.dumps({b"data": array}, protocol))[b"data"]
    np.testing.assert_array_equal(found, array)  # type: ignore[arg-type]
