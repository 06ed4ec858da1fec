"""How benchmarks score a scene: ours and the reference's in the same way, with the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from recon.splats import evaluation
from recon.splats.gaussians import Gaussians
from recon.splats.metrics import Lpips, LpipsUnavailable, load_lpips
from recon.splats.scene import PosedPhoto, load_view

#: px, longest side at which ours and the reference are compared, whatever they were trained at.
COMPARED_AT = 1600

#: "raw" and "corrected" (`recon.splats.exposure.expose_crosswise`) -> metric -> dB, SSIM, LPIPS.
Figures = dict[str, dict[str, float | None]]


def score(
    gaussians: Gaussians,
    photos: Sequence[PosedPhoto],
    images: Path,
    max_image_size: int | None,
    lpips: Lpips | None = None,
    exposures: Mapping[str, Tensor] | None = None,
) -> Figures:
    """Means over `photos`, as in the pipeline's own evaluation: raw, in the `exposures`
    predicted for them, and corrected."""
    views = (load_view(photo, images, max_image_size) for photo in photos)
    means = evaluation.score(gaussians, views, lpips, exposures).means
    kinds = {"raw": evaluation.METRICS, "corrected": evaluation.CORRECTED}
    return {
        kind: {metric: means[name] for metric, name in zip(evaluation.METRICS, names, strict=True)}
        for kind, names in kinds.items()
    }


def lpips_or_reason(device: torch.device, wanted: bool) -> tuple[Lpips | None, str | None]:
    """LPIPS, or why there is none."""
    if not wanted:
        return None, "not asked for"
    try:
        return load_lpips(device), None
    except LpipsUnavailable as reason:
        return None, str(reason)


def peak_memory(device: torch.device) -> dict[str, float]:
    """GB (1e9 bytes) at this process's peak so far: resident, and what torch took on the GPU."""
    peaks = {"rss": resident_peak()}
    if device.type == "cuda":
        peaks["allocated"] = torch.cuda.max_memory_allocated(device) / 1e9
        peaks["reserved"] = torch.cuda.max_memory_reserved(device) / 1e9
    return peaks


def resident_peak() -> float:
    """GB at the peak. Not `getrusage`, whose figure includes the program that started this one."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    raise OSError("/proc/self/status has no VmHWM")


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def limit_gpu_memory(device: torch.device, gigabytes: float | None) -> None:
    """Lets torch use at most `gigabytes` (1e9 bytes) of the GPU, as on a smaller card."""
    if device.type == "cuda" and gigabytes is not None:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(gigabytes * 1e9 / total, 1.0))
