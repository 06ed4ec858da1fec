"""Faults such as people make, planted in good photos at their original size.

Everything is drawn from a given generator, so that a benchmark's faults are the same every time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import fftconvolve

#: Blur, as parts of the longest side: the radius of an out-of-focus disk, the length of a smear.
DEFOCUS, MOTION = (0.002, 0.0035, 0.006), (0.004, 0.007, 0.012)

NOISE = 2.0  # grey levels; a sensor adds it after the lens has blurred
EXPOSURES = {"2 EV darker": -2.0, "2 EV brighter": 2.0}
_GAMMA = 2.2

Fault = Callable[[Image.Image, np.random.Generator], Image.Image]


def blurs() -> dict[str, Fault]:
    """By name: out of focus and moved, each in three strengths."""

    def defocused(part: float) -> Fault:
        return lambda image, rng: _blur(image, _disk(part * max(image.size)), rng)

    def moved(part: float) -> Fault:
        return lambda image, rng: _blur(
            image, _line(part * max(image.size), rng.uniform(0, np.pi)), rng
        )

    found = {f"defocus {100 * part:g}%": defocused(part) for part in DEFOCUS}
    return found | {f"motion {100 * part:g}%": moved(part) for part in MOTION}


def copies() -> dict[str, Fault]:
    """By name: how the second copy of a photo differs."""
    return {
        "re-encoded": lambda image, rng: image,
        "cropped": _crop,
        "shifted": _shift,
        "brightened": lambda image, rng: _expose(image, float(rng.choice([-0.5, 0.5]))),
    }


def exposures() -> dict[str, Fault]:
    def exposed(steps: float) -> Fault:
        return lambda image, rng: _expose(image, steps)

    return {name: exposed(steps) for name, steps in EXPOSURES.items()}


def plant(fault: Fault, source: Path, target: Path, rng: np.random.Generator) -> None:
    """Writes the photo `source` with `fault` to `target`, as a JPEG of medium quality."""
    with Image.open(source) as image:
        changed = fault(image.convert("RGB"), rng)
        changed.save(target, "JPEG", quality=int(rng.integers(75, 93)), exif=image.getexif())


def _blur(image: Image.Image, kernel: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    border = kernel.shape[0] // 2
    pixels = np.asarray(image, np.float32)
    padded = np.pad(pixels, ((border, border), (border, border), (0, 0)), "reflect")
    soft = np.stack([fftconvolve(padded[..., c], kernel, "valid") for c in range(3)], axis=-1)
    soft += rng.normal(0, NOISE, soft.shape[:2])[..., None]
    return Image.fromarray(np.clip(soft + 0.5, 0, 255).astype(np.uint8))


def _disk(radius: float) -> NDArray[np.float64]:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    weights = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return weights / weights.sum()


def _line(length: float, angle: float) -> NDArray[np.float64]:
    reach = int(np.ceil(length / 2)) + 1
    weights = np.zeros((2 * reach + 1, 2 * reach + 1))
    along = np.linspace(-length / 2, length / 2, int(8 * length) + 2)
    xs, ys = reach + along * np.cos(angle), reach + along * np.sin(angle)
    for x, y in zip(xs, ys, strict=True):
        column, row = int(x), int(y)
        right, below = x - column, y - row
        weights[row : row + 2, column : column + 2] += np.outer(
            [1 - below, below], [1 - right, right]
        )
    return weights / weights.sum()


def _crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cuts 1 to 4% off every edge, and scales back to the old size."""
    width, height = image.size
    left, top, right, bottom = rng.uniform(0.01, 0.04, 4)
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return image.resize(image.size, Image.Resampling.LANCZOS, box=box)


def _shift(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cuts 2 to 5% off one edge in each direction, without scaling."""
    width, height = image.size
    x, y = (int(rng.uniform(0.02, 0.05) * side) for side in image.size)
    return image.crop((x, 0, width, height - y))


def _expose(image: Image.Image, steps: float) -> Image.Image:
    """`steps` EV brighter, clipped as in a sensor."""
    light = (np.asarray(image, np.float32) / 255) ** _GAMMA * 2**steps
    return Image.fromarray((np.clip(light, 0, 1) ** (1 / _GAMMA) * 255 + 0.5).astype(np.uint8))
