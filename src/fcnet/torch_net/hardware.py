"""The device and the arithmetic of a training: named by the user, or found."""

from typing import Any

import torch

from fcnet.errors import DataError

PRECISIONS = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


def choose_device(asked: str, local_rank: int = 0) -> torch.device:
    """The device of this process.

    Parameters
    ----------
    asked : "auto", "cpu", "cuda" or "mps"
    local_rank : this process among those on its machine: which of several GPUs it takes

    Raises
    ------
    DataError : `device is D, and PyTorch V finds none here, ...`; more processes than GPUs
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(name for name, found in there.items() if found) if asked == "auto" else asked
    if not there[kind]:
        raise DataError(
            f"device is {asked!r}, and PyTorch {torch.__version__} finds none here; "
            f"leave it out, or install PyTorch for it"
        )
    if kind != "cuda":
        return torch.device(kind)
    if local_rank >= torch.cuda.device_count():
        raise DataError(
            f"process {local_rank} finds {torch.cuda.device_count()} GPUs, "
            f"start one process a GPU with torchrun --nproc-per-node gpu"
        )
    return torch.device("cuda", local_rank)


def choose_precision(asked: str, device: torch.device) -> torch.dtype:
    """The arithmetic of the products: the one asked for, or with "auto" the one that suits the device.

    Raises
    ------
    DataError : float64 on a device that lacks it
    """
    if asked == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    if asked == "float64" and device.type == "mps":
        raise DataError("precision is 'float64', which mps does not have; choose float32 or --device cpu")
    return PRECISIONS[asked]


def has_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 itself: AVX512-BF16 or AMX on a CPU, CUDA from Ampere on."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def described() -> dict[str, Any]:
    """What PyTorch finds here and what "auto" stands for, in words and numbers that JSON can hold."""
    device = choose_device("auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "version": torch.__version__, "kind": device.type, "device": name, "threads": torch.get_num_threads(),
        "bfloat16": has_bfloat16(device),
        "precision": str(choose_precision("auto", device)).removeprefix("torch."),
    }  # fmt: skip


def named_gpu() -> str:
    """The name of the GPU of NVIDIA that a training would take.

    Raises
    ------
    DataError : PyTorch finds none
    """
    return torch.cuda.get_device_name(choose_device("cuda"))
