"""Photos of nothing, as large as a phone's."""

from __future__ import annotations

import io
import random

from PIL import Image

#: 12 megapixels, about 1.5 MB.
PHONE = (4000, 3000)


def picture(chance: random.Random, size: tuple[int, int] = PHONE) -> bytes:
    """A JPEG of soft patches, another each time."""
    patches = Image.frombytes("RGB", (40, 30), chance.randbytes(3600))
    file = io.BytesIO()
    patches.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=92)
    return file.getvalue()
