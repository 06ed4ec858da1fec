"""The windows that pages are tried in: a phone's and a desk's."""

from __future__ import annotations

import pytest

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}

#: Device pixels per CSS px, for tests that only want a scene to be drawn. A software renderer draws
#: it here, so half the resolution is a quarter of the work. Not for layout: a line is a pixel wide.
COARSE = 0.5

SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])

#: Each size and each way once; all four pairs would cost twice as much and hardly find more.
SIZES_AND_SCRIPTS = pytest.mark.parametrize(
    ("size", "scripts"), [(PHONE, True), (DESK, False)], ids=["phone", "desk without scripts"]
)
