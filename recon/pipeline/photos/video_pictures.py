"""A decoded frame -> the picture that a player shows: in square pixels, turned and mirrored.

The pixel aspect comes first: it is of the picture as stored. The display matrix says where the
stored axes go, to the right and down; it may mirror, as some phones' editors do.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

#: Pixel aspects beyond these, or below one over these, are nonsense in the index.
MOST_ASPECT = Fraction(4)

_SQUARE = Fraction(1)

#: FFmpeg's matrix ((a, b), (c, d)): a stored pixel (x, y) is shown at (ax + cy, bx + dy). By the
#: signs of a and d where the axes keep their places, of b and c where they change them.
_SAME_AXES = {
    (1, 1): None,
    (-1, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, -1): Image.Transpose.ROTATE_180,
}
_SWAPPED_AXES = {
    (1, 1): Image.Transpose.TRANSPOSE,
    (-1, -1): Image.Transpose.TRANSVERSE,
    (1, -1): Image.Transpose.ROTATE_270,
    (-1, 1): Image.Transpose.ROTATE_90,
}


def picture_of(frame: av.VideoFrame, aspect: Fraction) -> Image.Image:
    """The whole frame as it is shown; `aspect` is width over height of a stored pixel."""
    image: Image.Image = frame.to_image()
    size = shown_size(image.size, aspect)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    turn = turn_of(frame)
    return image if turn is None else image.transpose(turn)


def shown_size(size: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """`size` (px, as stored) in square pixels, never fewer on either side."""
    width, height = size
    if aspect > 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def aspect_of(stream: VideoStream) -> Fraction:
    """Width over height of one pixel: the file's word, else the codec's, else 1."""
    aspect = stream.sample_aspect_ratio
    if not aspect or aspect <= 0 or not 1 / MOST_ASPECT <= aspect <= MOST_ASPECT:
        return _SQUARE
    return Fraction(aspect)


def turn_of(frame: av.VideoFrame) -> Image.Transpose | None:
    """How the frame is turned to be shown: the nearest of the eight ways without a slant."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")  # declared as text, which it is not
    if matrix is None or matrix.buffer_size < 36:
        return None
    a, b, _, c, d = struct.unpack("=5i", bytes(matrix)[:20])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _SAME_AXES[_sign(a), _sign(d)]
    return _SWAPPED_AXES[_sign(b), _sign(c)]


def is_spherical(frame: av.VideoFrame) -> bool:
    """Whether the file says that its frames show everything around."""
    return frame.side_data.get("SPHERICAL") is not None


def _sign(value: int) -> int:
    return -1 if value < 0 else 1
