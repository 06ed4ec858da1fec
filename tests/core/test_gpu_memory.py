"""How much of a graphics card a job needs, beside what was measured, and what the driver says."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from recon.pipeline.forecast import gpu_memory
from recon.pipeline.machine.environment import MIN_FREE_GPU_MB
from recon.pipeline.machine.gpu_sample import GpuSample, sample_gpu
from recon.pipeline.wishes import Wishes
from recon.pipeline.wishes_to_settings import resolve
from recon.pipeline.words.sizes import MB

PHONE, LARGE = (4000, 3000), (8064, 6048)


@pytest.mark.parametrize(
    ("photos", "size", "reserved_gb"),
    [
        (20, (696, 521), 0.5),
        (11, (1600, 1180), 0.7),
        (11, (2947, 2173), 1.8),
        (20, (4000, 2994), 4.6),
    ],
)
def test_the_guess_is_a_little_more_than_was_measured(
    photos: int, size: tuple[int, int], reserved_gb: float
) -> None:
    """docs/measurements/engine.md: the standard preset, and the photos' full size."""
    config = resolve(Wishes("standard", original_resolution=True))
    guess = gpu_memory.needed_mb([size] * photos, config)
    measured = 1000 * reserved_gb + gpu_memory._CONTEXT_MB
    assert max(measured, MIN_FREE_GPU_MB) <= guess <= max(1.5 * measured, MIN_FREE_GPU_MB)


def test_more_and_larger_photos_and_a_higher_preset_need_more() -> None:
    def needs(preset: str, size: tuple[int, int], photos: int, *, full: bool) -> int:
        config = resolve(Wishes(preset, original_resolution=full))
        return gpu_memory.needed_mb([size] * photos, config)

    assert needs("quick", PHONE, 20, full=False) == MIN_FREE_GPU_MB
    rising = [
        needs("standard", PHONE, 5, full=True),
        needs("standard", PHONE, 20, full=True),
        needs("high", PHONE, 20, full=True),
        needs("high", LARGE, 20, full=True),
    ]
    assert rising == sorted(set(rising))
    assert needs("high", PHONE, 20, full=False) < 4000
    assert gpu_memory.needed_mb([], resolve(Wishes())) == MIN_FREE_GPU_MB


class Silent(Exception):
    pass


class Driver:
    """NVML as a card would answer it, by index and by UUID; the second does not tell its heat."""

    NVMLError, NVML_TEMPERATURE_GPU = Silent, 0
    cards = ("GPU-a", "GPU-b")

    def __init__(self) -> None:
        self.open = 0

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetHandleByIndex(self, number: int) -> str:
        if number >= len(self.cards):
            raise Silent
        return self.cards[number]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        return self.cards[self.cards.index(uuid)]

    def nvmlDeviceGetMemoryInfo(self, card: str) -> Any:
        return SimpleNamespace(total=24_000 * MB, used=1500 * MB)

    def nvmlDeviceGetName(self, card: str) -> bytes:
        return b"NVIDIA L4"

    def nvmlDeviceGetUUID(self, card: str) -> str:
        return card

    def nvmlDeviceGetUtilizationRates(self, card: str) -> Any:
        return SimpleNamespace(gpu=97)

    def nvmlDeviceGetTemperature(self, card: str, kind: int) -> int:
        if card == "GPU-b":
            raise Silent
        return 61


@pytest.mark.parametrize(
    ("visible", "uuid", "celsius"),
    [(None, "GPU-a", 61), ("0", "GPU-a", 61), ("1", "GPU-b", None), ("GPU-b,0", "GPU-b", None)],
)
def test_the_driver_is_asked_for_the_card_that_jobs_will_use(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, uuid: str, celsius: int | None
) -> None:
    driver = _with_driver(monkeypatch, visible)
    assert sample_gpu() == GpuSample("NVIDIA L4", uuid, 24_000, 1500, 97, celsius)
    assert driver.open == 0, "nothing stays open: the worker forks"


@pytest.mark.parametrize("visible", ["", "-1", "7"])
def test_without_a_card_there_is_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    driver = _with_driver(monkeypatch, visible)
    assert sample_gpu() is None
    assert driver.open == 0


def _with_driver(monkeypatch: pytest.MonkeyPatch, visible: str | None) -> Driver:
    driver = Driver()
    monkeypatch.setitem(sys.modules, "pynvml", driver)  # type: ignore[arg-type]
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    return driver
