"""Values and arrays as plain bytes, for the pipe between the judge and a submission's process.

Both ends use this file; it needs the standard library and NumPy. Nothing is pickled. A frame is

    length of the rest (8 bytes) | length of the header (4 bytes) | header (JSON) | the arrays' bytes

and the header says of each array its dtype, its shape and where its bytes start. What arrives is not trusted:
each length, shape and type is checked before anything is allocated from it.
"""

import json
import struct
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

Value = Any
"""None, bool, int, float, str, list, dict with str keys, or an array of one of `DTYPES`."""

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip

NAMES = {np.dtype(name): name for name in DTYPES}
LITTLE_ENDIAN = {name: np.dtype(name).newbyteorder("<") for name in DTYPES}
"""As they travel."""

HEADER_BYTES = 1 << 20
MOST_NODES = 200_000
MOST_DIMENSIONS = 16
MOST_DEPTH = 24
MOST_DIGITS = 400
LENGTH = struct.Struct(">Q")
HEADER = struct.Struct(">I")


class CodecError(ValueError):
    """A value that cannot travel, or bytes that are not a frame."""


def pack(value: Value) -> bytes:
    """The frame of a value.

    Scalars of NumPy travel as arrays of shape ().

    Raises
    ------
    CodecError : a type, a dtype or a depth that cannot travel
    """
    arrays: list[bytes] = []
    node = _node(value, arrays, [0], 0)
    header = json.dumps(node, separators=(",", ":")).encode("ascii")
    if len(header) > HEADER_BYTES:
        raise CodecError(f"the value needs a header of {len(header)} bytes, {HEADER_BYTES} may travel")
    size = HEADER.size + len(header) + sum(map(len, arrays))
    return b"".join([LENGTH.pack(size), HEADER.pack(len(header)), header, *arrays])


def unpack(payload: bytes | bytearray) -> Value:
    """The value of a frame, without its first 8 bytes; the arrays are copies and writable.

    Raises
    ------
    CodecError : the bytes are not a frame
    """
    if len(payload) < HEADER.size:
        raise CodecError("a frame without a header")
    (length,) = HEADER.unpack_from(payload)
    start = HEADER.size + length
    if length > HEADER_BYTES or start > len(payload):
        raise CodecError("a header longer than its frame")
    try:
        node = json.loads(bytes(payload[HEADER.size : start]))
        return _value(node, memoryview(payload)[start:], [0], 0)
    except CodecError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise CodecError(f"a damaged frame: {type(error).__name__}") from error


def read_frame(read: Callable[[int], bytes], limit: int) -> bytearray | None:
    """The next frame without its first 8 bytes, None at the end of the stream.

    Parameters
    ----------
    read : gives at most so many bytes, b"" at the end
    limit : bytes that a frame may have

    Raises
    ------
    CodecError : the frame is longer than `limit`, or the stream ends inside it
    """
    first = _exactly(read, LENGTH.size)
    if not first:
        return None
    if len(first) < LENGTH.size:
        raise CodecError("the stream ends inside a frame")
    (size,) = LENGTH.unpack(first)
    if size > limit:
        raise CodecError(f"a frame of {size} bytes, {limit} are allowed")
    frame = _exactly(read, size)
    if len(frame) < size:
        raise CodecError("the stream ends inside a frame")
    return frame


def _exactly(read: Callable[[int], bytes], size: int) -> bytearray:
    """So many bytes, fewer at the end of the stream. Memory grows with what arrives, not what is told."""
    got = bytearray()
    while len(got) < size:
        part = read(min(size - len(got), 1 << 20))
        if not part:
            break
        got += part
    return got


def _node(value: Value, arrays: list[bytes], count: list[int], depth: int) -> Any:
    """The header's entry for a value; the bytes of its arrays are appended to `arrays`."""
    count[0] += 1
    if count[0] > MOST_NODES or depth > MOST_DEPTH:
        raise CodecError("the value has too many parts or is nested too deeply")
    if value is None or value is True or value is False:
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _array_node(value, arrays)
    if isinstance(value, int):
        if int.bit_length(value) > 3 * MOST_DIGITS:
            raise CodecError("an integer with too many digits")
        return ["i", int.__repr__(value)]
    if isinstance(value, float):
        return ["f", float.__repr__(value)]
    if isinstance(value, str):
        return ["s", str.__str__(value)]
    if isinstance(value, list | tuple):
        parts = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return ["l", [_node(part, arrays, count, depth + 1) for part in parts]]
    if isinstance(value, dict):
        for key in dict.keys(value):
            if not isinstance(key, str):
                raise CodecError(f"a dict with a key of type {type(key).__name__}, keys are str")
        return ["d", [[str.__str__(k), _node(v, arrays, count, depth + 1)] for k, v in dict.items(value)]]
    raise CodecError(f"a value of type {type(value).__name__} cannot travel")


def _array_node(value: Any, arrays: list[bytes]) -> Any:
    array = np.array(value, copy=True, subok=False, order="C")
    name = NAMES.get(array.dtype.newbyteorder("="))
    if name is None:
        raise CodecError(f"an array of dtype {array.dtype} cannot travel")
    if array.ndim > MOST_DIMENSIONS:
        raise CodecError(f"an array of {array.ndim} dimensions cannot travel")
    arrays.append(array.astype(LITTLE_ENDIAN[name], copy=False).tobytes())
    return ["a", name, list(array.shape), len(arrays[-1])]


def _value(node: Any, rest: memoryview, position: list[int], depth: int) -> Value:
    """The value of a header's entry; `position` [0] is where the next array starts in `rest`."""
    if depth > MOST_DEPTH:
        raise CodecError("a value that is nested too deeply")
    match node:
        case None | True | False:
            return node
        case ["i", str(digits)] if len(digits) <= MOST_DIGITS + 1:
            return int(digits)
        case ["f", str(digits)] if len(digits) <= 40:
            return float(digits)
        case ["s", str(text)]:
            return text.encode("utf-8", "replace").decode("utf-8")
        case ["l", list(parts)]:
            return [_value(part, rest, position, depth + 1) for part in parts]
        case ["d", list(pairs)]:
            return {
                _value(["s", k], rest, position, depth): _value(v, rest, position, depth + 1)
                for k, v in pairs
            }
        case ["a", str(name), list(shape), int(size)]:
            return _array(name, shape, size, rest, position)
    raise CodecError("a frame with an unknown entry")


def _array(name: str, shape: list[Any], size: int, rest: memoryview, position: list[int]) -> Any:
    if name not in LITTLE_ENDIAN or len(shape) > MOST_DIMENSIONS:
        raise CodecError("an array of unknown dtype or of too many dimensions")
    if not all(type(n) is int and 0 <= n <= 1 << 40 for n in shape):
        raise CodecError("an array with an impossible shape")
    dtype = LITTLE_ENDIAN[name]
    start = position[0]
    if prod(shape) * dtype.itemsize != size or start + size > len(rest):
        raise CodecError("an array whose bytes do not fit its shape")
    position[0] = start + size
    return np.frombuffer(rest[start : start + size], dtype).reshape(shape).astype(dtype.newbyteorder("="))
