"""The type of NumPy arrays whose numbers may be of any kind; docstrings give shapes."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
