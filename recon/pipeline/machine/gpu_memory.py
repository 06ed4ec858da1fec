"""How full the GPU is, in words for the job's log."""

from __future__ import annotations

from collections.abc import Callable

import torch


def memory_of(device: torch.device) -> Callable[[], str | None]:
    """Describes the GPU's memory; says nothing where there is no GPU to ask."""
    if device.type != "cuda":
        return lambda: None
    import pynvml

    try:
        pynvml.nvmlInit()
        # By UUID: with CUDA_VISIBLE_DEVICES, torch's device 0 need not be the driver's.
        uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except pynvml.NVMLError:
        return lambda: f"{torch.cuda.memory_allocated(device) / 2**20:.0f} MiB of GPU memory ours"

    def describe() -> str:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        peak = torch.cuda.max_memory_allocated(device)
        return (
            f"GPU memory {memory.used / 2**20:.0f} of {memory.total / 2**20:.0f} MiB in use, "
            f"{peak / 2**20:.0f} MiB by training at its peak"
        )

    return describe
