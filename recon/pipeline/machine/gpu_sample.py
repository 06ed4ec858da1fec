"""What the driver says of a graphics card: its name, memory, use and temperature.

Asked through NVML, which does not touch CUDA: a worker that forks may ask, as long as nothing
stays open over the fork.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from recon.pipeline.words.sizes import MB

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GpuSample:
    """One card at one moment. What the driver does not tell is None."""

    name: str
    uuid: str
    memory_mb: int
    used_mb: int
    use_percent: int | None
    celsius: int | None


def sample_gpu() -> GpuSample | None:
    """The first card that CUDA_VISIBLE_DEVICES lets this process use, by the driver's numbers
    (CUDA_DEVICE_ORDER=PCI_BUS_ID); None where there is none, or no driver to ask."""
    wanted = _wanted()
    if wanted is None:
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        with _open(pynvml):
            return _ask(pynvml, _handle(pynvml, wanted))
    except pynvml.NVMLError as error:
        logger.debug("The driver says nothing of GPU %s: %s", wanted, error)
        return None


def _wanted() -> str | None:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return "0"
    first = visible.split(",")[0].strip()
    return None if first in ("", "-1") else first


@contextmanager
def _open(nvml: Any) -> Iterator[None]:
    nvml.nvmlInit()
    try:
        yield
    finally:
        nvml.nvmlShutdown()


def _handle(nvml: Any, wanted: str) -> Any:
    if wanted.isdigit():
        return nvml.nvmlDeviceGetHandleByIndex(int(wanted))
    return nvml.nvmlDeviceGetHandleByUUID(wanted)


def _ask(nvml: Any, card: Any) -> GpuSample:
    memory = nvml.nvmlDeviceGetMemoryInfo(card)

    def told(ask: Any) -> int | None:
        try:
            return int(ask())
        except nvml.NVMLError:  # some cards, and parts of cards, do not say
            return None

    return GpuSample(
        name=_text(nvml.nvmlDeviceGetName(card)),
        uuid=_text(nvml.nvmlDeviceGetUUID(card)),
        memory_mb=int(memory.total) // MB,
        used_mb=int(memory.used) // MB,
        use_percent=told(lambda: nvml.nvmlDeviceGetUtilizationRates(card).gpu),
        celsius=told(lambda: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU)),
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
