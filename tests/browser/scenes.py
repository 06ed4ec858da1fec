"""A small scene whose every part is known: three coloured blobs on COLMAP's axes."""

from __future__ import annotations

import io
import struct
from typing import Any

from PIL import Image
from playwright.sync_api import Locator

RED, GREEN, BLUE = (220, 40, 40), (40, 200, 60), (60, 90, 230)

#: A camera three units in front, looking along z; COLMAP's y points down, so up is -y.
VIEW = {
    "position": [0.0, 0.0, -3.0],
    "target": [0.0, 0.0, 0.0],
    "up": [0.0, -1.0, 0.0],
    "fov_y_degrees": 50.0,
}
#: Where the blobs are, x right, y down, z forward.
BLOBS = {RED: (0.0, -0.9, 0.0), GREEN: (0.9, 0.0, 0.0), BLUE: (0.0, 0.0, 0.0)}


def splat_bytes() -> bytes:
    """The .splat layout, 32 bytes each: float32 position and scale, uint8 RGBA and quaternion."""
    return b"".join(
        struct.pack("<6f8B", *position, 0.12, 0.12, 0.12, *colour, 255, 255, 128, 128, 128)
        for colour, position in BLOBS.items()
    )


def picture(element: Locator) -> Image.Image:
    return Image.open(io.BytesIO(element.screenshot())).convert("RGB")


def blob_at(image: Image.Image, x: float, y: float) -> tuple[int, int, int]:
    """The colour at a place given in shares of the picture's width and height."""
    pixel: Any = image.getpixel((int(x * image.width), int(y * image.height)))
    return pixel


def looks_like(seen: tuple[int, int, int], colour: tuple[int, int, int]) -> bool:
    """Edges of splats are soft and colours are packed, so only about the same."""
    return all(abs(a - b) < 60 for a, b in zip(seen, colour, strict=True))
