"""Reads the pickles of CIFAR, and can build nothing but dicts, lists, tuples, texts, numbers and arrays.

A pickle is a program for a small stack machine, and Python's own machine calls whatever the program names.
This is that machine with most of its instructions taken out. Where the program names a function it gets a
token that nothing can call; the few calls that a NumPy array consists of are carried out here, by hand.
Memory stays in proportion to the file: no instruction makes more than the bytes it is given, and their number
is bounded.
"""

import io
import math
import pickle
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_INSTRUCTIONS = 1_000_000
"""The largest file of CIFAR-100 takes about 400,000."""


class UnpickleError(Exception):
    """Why a pickle was refused; the caller adds where it lies and what to do."""


class _Token(Enum):
    """What a pickle may name: module and name, with NumPy's old spelling of its module."""

    RECONSTRUCT = "numpy.core.multiarray._reconstruct"
    NDARRAY = "numpy.ndarray"
    DTYPE = "numpy.dtype"
    ENCODE = "_codecs.encode"  # how Python 3 writes byte strings in protocol 2
    UINT8 = "numpy.dtype('u1')"  # the one result of DTYPE


class _Array:
    """An array under construction: made first, filled by a later instruction."""

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
    UnpickleError : anything else in it
    """
    try:
        content = _Machine(data).load()
    except KeyError as error:
        raise UnpickleError(f"it holds the instruction {bytes(error.args)!r}, of no use in data") from error
    except Exception as error:  # nonsense makes the machine fail in many ways
        raise (
            error if isinstance(error, UnpickleError) else UnpickleError(f"it makes no sense ({error})")
        ) from error
    if type(content) is not dict:
        raise UnpickleError(f"it holds a {type(content).__name__} where a dict belongs")
    arrays = {key: value.value for key, value in content.items() if isinstance(value, _Array)}
    if any(array is None for array in arrays.values()):
        raise UnpickleError("an array in it was never filled")
    return content | arrays


class _Machine(pickle._Unpickler):
    """Python's own machine with its instructions replaced by those in `dispatch`."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="bytes")
        self.stack: list[Any] = []
        self.instructions = 0
        self.left_to_encode = len(data)

    def find_class(self, module: str, name: str) -> Any:
        """The token of a function's name; every name that no data file needs is refused here."""
        try:
            return _Token(f"{module}.{name}".replace("numpy._core.", "numpy.core."))
        except ValueError:
            raise UnpickleError(f"it asks for {module:.60}.{name:.60}, which no data file needs") from None

    def call(self) -> None:
        """Carry out the one call that each token stands for."""
        arguments, function = self.stack.pop(), self.stack.pop()
        match function, arguments:
            case _Token.RECONSTRUCT, (_Token.NDARRAY, (0,), b"b" | "b"):
                self.stack.append(_Array())
            case _Token.DTYPE, (b"u1" | "u1" | b"|u1" | "|u1", *_):
                self.stack.append(_Token.UINT8)
            case _Token.DTYPE, (bytes() | str() as code, *_):
                raise UnpickleError(f"it holds an array of dtype {code!r:.40}, pixels are uint8")
            case _Token.ENCODE, (str() as text, "latin1"):
                self.left_to_encode -= len(text)  # a text stands in the file once, and is encoded once
                if self.left_to_encode < 0:
                    raise UnpickleError("it copies the same text again and again")
                self.stack.append(text.encode("latin1"))
            case _:
                raise UnpickleError("it calls a function in a way that no data file does")

    def fill(self) -> None:
        """Fill the array on top of the stack; the state of a dtype is not looked at, it is uint8 already."""
        state, target = self.stack.pop(), self.stack[-1]
        match target, state:
            case _Array(), (int(), tuple() as shape, _Token.UINT8, int() as columns, bytes() as raw):
                if not all(type(size) is int and size >= 0 for size in shape) or not 1 <= len(shape) <= 4:
                    raise UnpickleError("it holds an array without a shape")
                if math.prod(shape) != len(raw):
                    raise UnpickleError(f"it holds an array whose {len(raw)} bytes do not fill its shape")
                target.value = np.frombuffer(raw, np.uint8).reshape(shape, order="F" if columns else "C")
            case _Token.UINT8, tuple():
                pass
            case _:
                raise UnpickleError("it sets the state of an object in a way that no data file does")

    def set_item(self) -> None:
        """Set a key of the dict on top of the stack."""
        value, key = self.stack.pop(), self.stack.pop()
        self.update([key, value])

    def update(self, items: list[Any]) -> None:
        """Set keys in the dict on top of the stack; a nested tuple as a key would be hashed by recursion."""
        if type(self.stack[-1]) is not dict or not all(type(key) in (bytes, str, int) for key in items[::2]):
            raise UnpickleError("it makes no sense as a dict")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _counted(instruction: Callable[[Any], object]) -> Callable[[Any], None]:
    def run(machine: _Machine) -> None:
        machine.instructions += 1
        if machine.instructions > MAX_INSTRUCTIONS:
            raise UnpickleError(f"it has more than {MAX_INSTRUCTIONS} instructions")
        instruction(machine)

    return run


_KEPT = (
    pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE,
    pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.BINSTRING, pickle.SHORT_BINSTRING,
    pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8, pickle.BINUNICODE, pickle.SHORT_BINUNICODE,
    pickle.BINUNICODE8, pickle.EMPTY_DICT, pickle.EMPTY_LIST, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1,
    pickle.TUPLE2, pickle.TUPLE3, pickle.APPEND, pickle.APPENDS, pickle.BINPUT, pickle.LONG_BINPUT,
    pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET, pickle.GLOBAL, pickle.STACK_GLOBAL,
)  # fmt: skip
"""Python's own instructions that are harmless, because none of them calls anything."""

_OURS: dict[bytes, Callable[[Any], object]] = {
    pickle.REDUCE: _Machine.call,
    pickle.BUILD: _Machine.fill,
    pickle.SETITEM: _Machine.set_item,
    pickle.SETITEMS: lambda machine: machine.update(machine.pop_mark()),
}

_Machine.dispatch = {
    code[0]: _counted(_OURS.get(code) or pickle._Unpickler.dispatch[code[0]]) for code in (*_KEPT, *_OURS)
}
