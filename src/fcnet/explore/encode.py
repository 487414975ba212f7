"""Tables of numbers as the page takes them: float32 or whole numbers, all in one deflated block."""

import base64
import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["float32", "int16", "int8", "uint8"]

ROUNDINGS: tuple[Kind, ...] = ("float32", "int16", "int8")
"""Of weights, from exact to small."""


@dataclass(frozen=True)
class Rounded:
    """A table as it is embedded.

    kind : of its numbers
    numbers : (P, Q) of that kind
    scale : (Q,) float32, which the columns of whole numbers are multiplied by; None for numbers as they are
    """

    kind: Kind
    numbers: NDArray[Any]
    scale: NDArray[np.float32] | None = None

    @property
    def value(self) -> NDArray[np.float64]:
        """What the page computes with, (P, Q)."""
        numbers = self.numbers.astype(np.float64)
        return numbers if self.scale is None else numbers * self.scale.astype(np.float64)


def rounded(table: NDArray[Any], kind: Kind) -> Rounded:
    """A table (P, Q) in numbers of that kind; each column of whole numbers uses all that the kind has."""
    if kind == "float32":
        return Rounded(kind, table.astype(np.float32))
    most = np.iinfo(kind).max
    largest = np.abs(table).max(axis=0)
    scale = np.where(largest > 0, largest / most, 1).astype(np.float32)
    return Rounded(kind, np.rint(table / scale).clip(-most, most).astype(kind), scale)


@dataclass
class Pack:
    """The numbers of a page, one after the other."""

    content: bytearray = field(default_factory=bytearray)

    def add(self, table: Rounded) -> dict[str, Any]:
        """Take a table in; returns where the page finds it."""
        told = {"kind": table.kind, "shape": list(table.numbers.shape), "at": self._append(table.numbers)}
        return told if table.scale is None else told | {"scale": self._append(table.scale)}

    def numbers(self, numbers: NDArray[Any]) -> dict[str, Any]:
        """Take a row of float32 or uint8 numbers in as it is."""
        kind: Kind = "uint8" if numbers.dtype == np.uint8 else "float32"
        with np.errstate(over="ignore"):  # what is too large is refused in words where the network computes
            return self.add(Rounded(kind, numbers.reshape(1, -1).astype(kind)))

    def text(self) -> str:
        """All of it, deflated, in base64."""
        return base64.b64encode(zlib.compress(self.content, 9)).decode()

    def _append(self, numbers: NDArray[Any]) -> int:
        start = len(self.content)
        self.content += numbers.astype(numbers.dtype.newbyteorder("<")).tobytes()
        return start
