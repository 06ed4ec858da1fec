"""A small scene whose every part is known: three coloured blobs on COLMAP's axes."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Sequence
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
#: Of each blob, so large that the viewer sees at its first check that something is drawn: it checks
#: 64 places in its picture, and waits for hundreds of frames if all of them miss.
RADIUS = 0.16


def ball(colour: tuple[int, int, int], place: Sequence[float], radius: float = RADIUS) -> bytes:
    """One splat, 32 bytes: float32 position and scale, uint8 RGBA and quaternion."""
    return struct.pack("<6f8B", *place, radius, radius, radius, *colour, 255, 255, 128, 128, 128)


def splat_bytes() -> bytes:
    """The blobs in the .splat layout."""
    return b"".join(ball(colour, place) for colour, place in BLOBS.items())


#: The next frame that is drawn into a canvas, scaled down; "" if there is none for long. A software
#: renderer takes seconds for a screenshot of something that moves.
NEXT_FRAME = """(canvas) => new Promise((resolve) => {
  const small = new OffscreenCanvas(64, 64).getContext("2d", { willReadFrequently: true });
  let left = 600;
  const look = () => {
    small.clearRect(0, 0, 64, 64);
    small.drawImage(canvas, 0, 0, 64, 64);
    const { data } = small.getImageData(0, 0, 64, 64);
    if (data.some((value) => value > 0)) resolve(data.join());
    else if (--left > 0) requestAnimationFrame(look); // nothing was drawn in this frame
    else resolve("");
  };
  requestAnimationFrame(look);
})"""


def moves(canvas: Locator, within_s: float = 60) -> bool:
    """Whether what is drawn into the canvas changes by itself; returns as soon as it does."""
    give_up_at = time.monotonic() + within_s
    first = canvas.evaluate(NEXT_FRAME)
    while first and time.monotonic() < give_up_at:
        if canvas.evaluate(NEXT_FRAME) not in ("", first):
            return True
    return False


def picture(element: Locator) -> Image.Image:
    return Image.open(io.BytesIO(element.screenshot())).convert("RGB")


def blob_at(image: Image.Image, x: float, y: float) -> tuple[int, int, int]:
    """The colour at a place given in shares of the picture's width and height."""
    pixel: Any = image.getpixel((int(x * image.width), int(y * image.height)))
    return pixel


def looks_like(seen: tuple[int, int, int], colour: tuple[int, int, int]) -> bool:
    """Edges of splats are soft and colours are packed, so only about the same."""
    return all(abs(a - b) < 60 for a, b in zip(seen, colour, strict=True))
