"""Reads the pickles of CIFAR-10, and can build nothing but dicts, lists, byte strings and uint8 arrays.

A pickle is a program for a small stack machine, and Python's own machine calls whatever the program names.
This one knows the thirty-odd instructions that a data file needs. Where the program names a function it
gets a token that nothing can call; the three that occur in a NumPy array (under `numpy.core` as Python 2
wrote them, or `numpy._core`) are carried out here, by hand. Memory stays in proportion to the file: lengths
are checked against the bytes that are there, and the number of instructions is bounded.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Callable
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MAX_INSTRUCTIONS = 1_000_000
"""A batch of 10,000 rows takes about 40,000."""


class UnpickleError(Exception):
    """Why a pickle was refused; the caller adds where it lies and what to do."""


class _Token(Enum):
    """The functions that a pickle may name."""

    RECONSTRUCT = "numpy.core.multiarray._reconstruct"
    NDARRAY = "numpy.ndarray"
    DTYPE = "numpy.dtype"
    ENCODE = "_codecs.encode"  # how Python 3 writes byte strings in protocol 2
    UINT8 = "numpy.dtype('u1')"  # the one result of DTYPE


_NAMES = {
    "numpy.core.multiarray._reconstruct": _Token.RECONSTRUCT,
    "numpy._core.multiarray._reconstruct": _Token.RECONSTRUCT,
    "numpy.ndarray": _Token.NDARRAY,
    "numpy.dtype": _Token.DTYPE,
    "_codecs.encode": _Token.ENCODE,
}


class _Array:
    """An array under construction: named first, filled by a later instruction."""

    value: NDArray[np.uint8] | None = None


def read_pickle(data: bytes) -> dict[object, object]:
    """Read a pickled dict.

    Parameters
    ----------
    data : a pickle of protocol 2 to 5 whose outermost object is a dict; byte strings of Python 2 stay bytes

    Returns
    -------
    dict : keys are bytes, str or int; values are lists, tuples, dicts, bytes, str, int, bool, None, and
        read-only uint8 arrays

    Raises
    ------
    UnpickleError : anything else in it, named with its position in bytes
    """
    machine = _Machine(data)
    result = machine.run()
    if type(result) is not dict:
        raise UnpickleError(f"it holds a {type(result).__name__} where a dict belongs")
    return {key: _finished(value) for key, value in result.items()}


def _finished(value: object) -> object:
    if not isinstance(value, _Array):
        return value
    if value.value is None:
        raise UnpickleError("an array in it was never filled")
    return value.value


class _Machine:
    """The stack machine. `stack` is the part above the last mark; `below` holds the parts beneath it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        """Carry out instructions until STOP, and return the one object that is left."""
        for _ in range(MAX_INSTRUCTIONS):
            start = self.position
            code = self.take(1)
            if code == pickle.STOP:
                if len(self.stack) != 1 or self.below:
                    raise UnpickleError(f"it stops at byte {start} with its work unfinished")
                return self.stack[0]
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                raise UnpickleError(f"it holds the instruction {code!r} at byte {start}, of no use in data")
            try:
                instruction(self)
            except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
                raise UnpickleError(f"the instruction {code!r} at byte {start} makes no sense") from error
        raise UnpickleError(f"it has more than {MAX_INSTRUCTIONS} instructions")

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        end = self.position + length
        if length < 0 or end > len(self.data):
            raise UnpickleError(f"it ends at byte {len(self.data)}, in the middle of a value")
        start, self.position = self.position, end
        return self.data[start:end]

    def number(self, layout: str) -> int:
        """Return the next little-endian integer of `struct` layout `layout`."""
        (value,) = struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))
        return int(value)

    def skip(self, layout: str) -> None:
        """Pass over a number that changes nothing here."""
        self.number(layout)

    def line(self) -> str:
        """Return the ASCII text up to the next line feed."""
        end = self.data.index(b"\n", self.position, self.position + 200)
        text = self.take(end - self.position).decode("ascii")
        self.position += 1
        return text

    def above_mark(self) -> list[object]:
        """Take everything above the last mark off the stack."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def name(self, module: object, name: object) -> None:
        """Push the token of a function's name; every other name is refused here."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError
        token = _NAMES.get(f"{module}.{name}")
        if token is None:
            raise UnpickleError(f"it asks for {module:.60}.{name:.60}, which no data file needs")
        self.stack.append(token)

    def reduce(self) -> None:
        """Carry out the one call that each token stands for."""
        arguments = self.stack.pop()
        function = self.stack.pop()
        match function, arguments:
            case _Token.RECONSTRUCT, (_Token.NDARRAY, (0,), b"b" | "b"):
                self.stack.append(_Array())
            case _Token.DTYPE, (b"u1" | "u1" | b"|u1" | "|u1", *_):
                self.stack.append(_Token.UINT8)
            case _Token.DTYPE, (bytes() | str() as code, *_):
                raise UnpickleError(f"it holds an array of dtype {code!r:.40}, pixels are uint8")
            case _Token.ENCODE, (str() as text, "latin1"):
                self.stack.append(text.encode("latin1"))
            case _:
                raise UnpickleError("it calls a function in a way that no data file does")

    def build(self) -> None:
        """Fill the array on top of the stack; the state of a dtype is not looked at, it is uint8 already."""
        state = self.stack.pop()
        target = self.stack[-1]
        match target, state:
            case _Array(), (int(), tuple() as shape, _Token.UINT8, int() as columns, bytes() as raw):
                target.value = _shaped(raw, shape, "F" if columns else "C")
            case _Token.UINT8, tuple():
                pass
            case _:
                raise UnpickleError("it sets the state of an object in a way that no data file does")

    def extend(self, items: list[object]) -> None:
        """Append to the list on top of the stack."""
        if type(target := self.stack[-1]) is not list:
            raise TypeError
        target.extend(items)

    def update(self, items: list[object]) -> None:
        """Set keys and values, in turn, in the dict on top of the stack."""
        if type(target := self.stack[-1]) is not dict or len(items) % 2:
            raise TypeError
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (bytes, str, int):
                raise TypeError
            target[key] = value

    def tuple_of(self, count: int) -> None:
        """Replace the last `count` objects by their tuple."""
        if len(self.stack) < count:
            raise IndexError
        items = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.stack.append(items)

    def integer(self, length: int) -> None:
        """Push a signed integer of `length` bytes, at most eight."""
        if length > 8:
            raise ValueError
        self.stack.append(int.from_bytes(self.take(length), "little", signed=True))

    def mark(self) -> None:
        """Start a new stack above this one."""
        self.below.append(self.stack)
        self.stack = []


def _shaped(raw: bytes, shape: tuple[object, ...], order: Literal["C", "F"]) -> NDArray[np.uint8]:
    sizes = [size for size in shape if type(size) is int and size >= 0]
    if len(sizes) != len(shape) or not 1 <= len(shape) <= 4 or math.prod(sizes) != len(raw):
        raise UnpickleError(
            f"it holds an array of {len(raw)} bytes, which do not fill its shape {tuple(sizes)}"
        )
    return np.frombuffer(raw, np.uint8).reshape(sizes, order=order)


def _push(read: Callable[[_Machine], object]) -> Callable[[_Machine], None]:
    def instruction(machine: _Machine) -> None:
        value = read(machine)  # may replace the stack, so it comes first
        machine.stack.append(value)

    return instruction


def _remember(index: Callable[[_Machine], int]) -> Callable[[_Machine], None]:
    return lambda machine: machine.memo.__setitem__(index(machine), machine.stack[-1])


def _text(layout: str) -> Callable[[_Machine], None]:
    return _push(lambda m: m.take(m.number(layout)).decode("utf-8"))


def _bytes(layout: str) -> Callable[[_Machine], None]:
    return _push(lambda m: m.take(m.number(layout)))


def _stack_global(machine: _Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.name(module, name)


def _set_item(machine: _Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.update([key, value])


_INSTRUCTIONS: dict[bytes, Callable[[_Machine], None]] = {
    pickle.PROTO: lambda m: m.skip("B"),
    pickle.FRAME: lambda m: m.skip("Q"),
    pickle.NONE: _push(lambda m: None),
    pickle.NEWTRUE: _push(lambda m: True),
    pickle.NEWFALSE: _push(lambda m: False),
    pickle.BININT: _push(lambda m: m.number("i")),
    pickle.BININT1: _push(lambda m: m.number("B")),
    pickle.BININT2: _push(lambda m: m.number("H")),
    pickle.LONG1: lambda m: m.integer(m.number("B")),
    pickle.BINSTRING: _bytes("i"),
    pickle.SHORT_BINSTRING: _bytes("B"),
    pickle.BINBYTES: _bytes("I"),
    pickle.SHORT_BINBYTES: _bytes("B"),
    pickle.BINBYTES8: _bytes("Q"),
    pickle.BINUNICODE: _text("I"),
    pickle.SHORT_BINUNICODE: _text("B"),
    pickle.BINUNICODE8: _text("Q"),
    pickle.EMPTY_DICT: _push(lambda m: {}),
    pickle.EMPTY_LIST: _push(lambda m: []),
    pickle.EMPTY_TUPLE: _push(lambda m: ()),
    pickle.MARK: _Machine.mark,
    pickle.TUPLE: _push(lambda m: tuple(m.above_mark())),
    pickle.TUPLE1: lambda m: m.tuple_of(1),
    pickle.TUPLE2: lambda m: m.tuple_of(2),
    pickle.TUPLE3: lambda m: m.tuple_of(3),
    pickle.APPEND: lambda m: m.extend([m.stack.pop()]),
    pickle.APPENDS: lambda m: m.extend(m.above_mark()),
    pickle.SETITEM: _set_item,
    pickle.SETITEMS: lambda m: m.update(m.above_mark()),
    pickle.BINPUT: _remember(lambda m: m.number("B")),
    pickle.LONG_BINPUT: _remember(lambda m: m.number("I")),
    pickle.MEMOIZE: _remember(lambda m: len(m.memo)),
    pickle.BINGET: _push(lambda m: m.memo[m.number("B")]),
    pickle.LONG_BINGET: _push(lambda m: m.memo[m.number("I")]),
    pickle.GLOBAL: lambda m: m.name(m.line(), m.line()),
    pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: _Machine.reduce,
    pickle.BUILD: _Machine.build,
}
