"""The type of an array of NumPy whose numbers are of any kind."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
