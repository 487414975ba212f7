"""Products in bfloat16 through oneDNN: C <- alpha op(A) op(B) + beta C, where A, B and C are float32.

Both factors are rounded to bfloat16 into a workspace, multiplied there, and added up in float32. oneDNN can
round by itself (its fpmath mode), but then some shapes and processors are multiplied in float32 after all.
The wheel `onednn-cpu-gomp` of the extra `bfloat16` holds the library, called through its interface in C.
"""

import ctypes
import platform
import sys
import threading
import weakref
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fcnet.arrays import Array
from fcnet.errors import DataError, MissingExtraError
from fcnet.extras import library_file, sentence
from fcnet.net.cblas import address

EXTRA, WHEEL = "bfloat16", "onednn-cpu-gomp"
"""The extra, and its package, which brings the library alone: the newer `onednn` needs 1.5 GB of others."""

INSTEAD = "give precision float32, or the engine torch"
"""What works wherever these products do not."""

_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_float
_CPU, _IN_ORDER, _OWN_SCRATCHPAD = 1, 1, 1
_BFLOAT16, _FLOAT32 = 2, 3
_SOURCE, _RESULT, _WEIGHTS, _SCRATCHPAD, _SCALE_OF_SOURCE = 1, 17, 33, 80, 4096 | 1
_SCRATCHPAD_NEEDED = 136
"""Constants of oneDNN's interface, of versions 3."""

_AVX512_BF16, _AMX = 0x80, 0x200
"""Bits of what the library says of the processor."""

_LINE = 64
"""Bytes of a line of the processor's cache, where arrays are best to begin."""


def file_of(wheel: str) -> Path | None:
    """The library of oneDNN that a wheel has installed, by its full version; None without the wheel.

    Two wheels of oneDNN overwrite each other's `libdnnl.so.3`, not `libdnnl.so.3.2`.
    """
    return library_file(wheel, r"libdnnl\.so\.\d+\.\d+")


@cache
def library() -> ctypes.CDLL:
    """The library.

    Raises
    ------
    MissingExtraError : `... needs oneDNN, which is not installed: pip install 'fcnet[bfloat16]'`
    DataError : it cannot be loaded, or there is no wheel for this system
    """
    path = file_of(WHEEL)
    if path is None:
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise DataError(f"precision bfloat16 needs oneDNN, whose wheel is for Linux on x86-64: {INSTEAD}")
        raise MissingExtraError(sentence("oneDNN", EXTRA))
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:  # libgomp.so.1 is the system's
        raise DataError(f"oneDNN cannot be loaded, {error}: install what is missing, or {INSTEAD}") from None
    loaded.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
    loaded.dnnl_primitive_desc_query_md.restype = _POINTER
    return loaded


def version() -> str:
    """The version of the library, such as "3.2.0". Raises as `library` does."""

    class Version(ctypes.Structure):
        _fields_ = [(part, ctypes.c_int) for part in ("major", "minor", "patch")]

    function = library().dnnl_version
    function.restype = ctypes.POINTER(Version)
    said = function().contents
    return f"{said.major}.{said.minor}.{said.patch}"


def hardware() -> str:
    """What this processor multiplies bfloat16 with: "AMX", "AVX512-BF16" or "". Raises as `library` does."""
    bits = library().dnnl_get_effective_cpu_isa()
    if not bits & _AVX512_BF16:
        return ""
    return "AMX" if bits & _AMX else "AVX512-BF16"


def require() -> None:
    """Make sure that bfloat16 can be multiplied here.

    Raises
    ------
    MissingExtraError, DataError : as `library`
    DataError : the processor cannot. oneDNN would round and multiply in software, 25 times as slowly as
        float32, or with AVX2 not at all.
    """
    if not hardware():
        raise DataError(
            f"precision is 'bfloat16', and this processor has neither AMX nor AVX512-BF16: {INSTEAD}"
        )


def prepared_gemm(
    A: Array, B: Array, C: Array, beta: float, transpose_A: bool, transpose_B: bool
) -> Callable[[float], None]:
    """The product of these arrays as a function of alpha, for any thread.

    It takes addresses: the caller makes sure that the arrays are C-contiguous, of one type, fit and live on.

    Raises
    ------
    ValueError : they are not float32
    MissingExtraError, DataError : as `library`
    """
    if C.dtype.char != "f":
        raise ValueError(f"no product in bfloat16: the arrays are {C.dtype}, not float32")
    (n, m), k = C.shape, A.shape[0] if transpose_A else A.shape[1]

    def run(alpha: float) -> None:
        multiply = _matmul(threading.get_ident(), n, k, m, beta, transpose_A, transpose_B)
        multiply(A, B, C, alpha)

    return run


class _Handle:
    """Something that oneDNN has made; destroyed with this object.

    kind : what it is, which its destructor is named after
    maker : the function that makes it, and its arguments
    """

    def __init__(self, kind: str, maker: str, *arguments: Any) -> None:
        self._as_parameter_ = _POINTER()
        _call(maker, ctypes.byref(self._as_parameter_), *arguments)
        finalizer = weakref.finalize(self, _call, f"{kind}_destroy", self._as_parameter_)
        finalizer.atexit = False  # the process ends, and the library with it


def _call(function: str, *arguments: Any) -> None:
    status = getattr(library(), f"dnnl_{function}")(*arguments)
    if status:
        raise RuntimeError(f"oneDNN: {function} returned {status}")


@cache
def _engine() -> _Handle:
    return _Handle("engine", "engine_create", _CPU, ctypes.c_size_t(0))


def _described(kind: int, sizes: tuple[int, ...], transposed: bool = False) -> _Handle:
    """An array of numbers of this kind that lies in memory row by row, or column by column."""
    strides = (1, *sizes[:1]) if transposed else (*sizes[1:], 1)
    numbers = ctypes.c_int64 * len(sizes)
    return _Handle(
        "memory_desc", "memory_desc_create_with_strides",
        len(sizes), numbers(*sizes), kind, numbers(*strides),
    )  # fmt: skip


class _Argument(ctypes.Structure):
    """An argument of a primitive: which one, and its memory."""

    _fields_ = [("place", ctypes.c_int), ("memory", _POINTER)]


class _Matmul:
    """C <- alpha op(A) op(B) + beta C for all arrays of these shapes, in one thread.

    Parameters
    ----------
    n, k, m : op(A) is (n, k), op(B) is (k, m), C is (n, m)
    beta, transpose_A, transpose_B : as for `blas.product`
    """

    def __init__(self, n: int, k: int, m: int, beta: float, transpose_A: bool, transpose_B: bool) -> None:
        factors = ((n, k), transpose_A), ((k, m), transpose_B)
        given, rounded = ([_described(kind, *one) for one in factors] for kind in (_FLOAT32, _BFLOAT16))
        result, single = _described(_FLOAT32, (n, m)), _described(_FLOAT32, (1,))
        product = _Handle(
            "primitive_desc", "matmul_primitive_desc_create",
            _engine(), *rounded, None, result, self._attributes(beta),
        )  # fmt: skip
        needed = _POINTER(library().dnnl_primitive_desc_query_md(product, _SCRATCHPAD_NEEDED, 0))
        self._sizes = [_padded(library().dnnl_memory_desc_get_size(one)) for one in (*rounded, needed)]
        self._alpha = _NUMBER()
        self._stream = _Handle("stream", "stream_create", _engine(), _IN_ORDER)
        self._memories = [self._memory(one) for one in (*given, result, *rounded, needed)]
        A32, B32, C32, A16, B16, scratchpad = self._memories
        self._scale = self._memory(single, ctypes.addressof(self._alpha))
        self._steps = [
            (self._rounding(given[0], rounded[0]), _arguments({_SOURCE: A32, _RESULT: A16})),
            (self._rounding(given[1], rounded[1]), _arguments({_SOURCE: B32, _RESULT: B16})),
            (
                _Handle("primitive", "primitive_create", product),
                _arguments(
                    {_SOURCE: A16, _WEIGHTS: B16, _RESULT: C32, _SCALE_OF_SOURCE: self._scale}
                    | {_SCRATCHPAD: scratchpad}
                ),
            ),
        ]

    @staticmethod
    def _attributes(beta: float) -> _Handle:
        """Alpha as a factor of the source that is known when the product is called, and beta."""
        attributes = _Handle("primitive_attr", "primitive_attr_create")
        _call("primitive_attr_set_scratchpad_mode", attributes, _OWN_SCRATCHPAD)
        _call("primitive_attr_set_scales_mask", attributes, _SOURCE, 0)
        if beta:
            after = _Handle("post_ops", "post_ops_create")
            _call("post_ops_append_sum", after, _NUMBER(beta), 0, 0)
            _call("primitive_attr_set_post_ops", attributes, after)
        return attributes

    @staticmethod
    def _memory(described: Any, at: int | None = None) -> _Handle:
        return _Handle("memory", "memory_create", described, _engine(), _POINTER(at))

    @staticmethod
    def _rounding(given: _Handle, rounded: _Handle) -> _Handle:
        """What rounds an array to the nearest numbers of bfloat16, ties to even."""
        described = _Handle(
            "primitive_desc", "reorder_primitive_desc_create", given, _engine(), rounded, _engine(), None
        )
        return _Handle("primitive", "primitive_create", described)

    def __call__(self, A: Array, B: Array, C: Array, alpha: float) -> None:
        self._alpha.value = alpha
        places = [address(A), address(B), address(C), *_workspace.places(self._sizes)]
        for memory, place in zip(self._memories, places, strict=True):
            _call("memory_set_data_handle", memory, _POINTER(place))
        for primitive, arguments in self._steps:
            _call("primitive_execute", primitive, self._stream, len(arguments), arguments)
        _call("stream_wait", self._stream)


@lru_cache(maxsize=256)
def _matmul(
    thread: int, n: int, k: int, m: int, beta: float, transpose_A: bool, transpose_B: bool
) -> _Matmul:
    """The product of these shapes for this thread, which no other one calls at the same time."""
    return _Matmul(n, k, m, beta, transpose_A, transpose_B)


def _arguments(memories: dict[int, _Handle]) -> Any:
    pairs = [_Argument(place, memory._as_parameter_) for place, memory in memories.items()]
    return (_Argument * len(pairs))(*pairs)


class _Workspace(threading.local):
    """Memory for what a product needs while it is computed, one for each thread."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def places(self, sizes: list[int]) -> list[int]:
        """Addresses of as many pieces, each at the beginning of a line."""
        if len(self._bytes) < sum(sizes) + _LINE:
            self._bytes = np.empty(sum(sizes) + _LINE, np.uint8)
        begin = _padded(address(self._bytes))
        return [begin + sum(sizes[:number]) for number in range(len(sizes))]


_workspace = _Workspace()


def _padded(number: int) -> int:
    """The next multiple of a line."""
    return -(-number // _LINE) * _LINE
