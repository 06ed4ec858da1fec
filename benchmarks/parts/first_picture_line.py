"""What comes over the line in one visit of `benchmarks/first_picture.py`, and when."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

KINDS = ("html", "css", "script", "wasm", "first part", "whole scene", "pictures", "other")
#: What the first picture waits for, besides the scene.
NEEDED = ("html", "css", "script", "wasm")


@dataclass(frozen=True)
class Visit:
    line_s: float  # to the last byte that was needed
    ready_s: float  # until all is read and sorted, and can be drawn
    picture_s: float
    whole_s: float
    received: Counter[str]  # bytes until the picture, by kind


class Line:
    """What the browser says about its requests. Times are seconds from the navigation's start."""

    def __init__(self) -> None:
        self.began = 0.0
        self.kinds: dict[str, str] = {}  # by request
        self.arrived: list[tuple[float, str, int]] = []  # when, request, bytes
        self.whole: dict[str, tuple[float, int]] = {}  # when, bytes; by finished request

    def requestWillBeSent(self, event: dict[str, Any]) -> None:
        self.began = self.began or event["timestamp"]
        self.kinds[event["requestId"]] = kind_of(event["type"], event["request"]["url"])

    def dataReceived(self, event: dict[str, Any]) -> None:
        when = event["timestamp"] - self.began
        self.arrived.append((when, event["requestId"], event["encodedDataLength"]))

    def loadingFinished(self, event: dict[str, Any]) -> None:
        when = event["timestamp"] - self.began
        self.whole[event["requestId"]] = when, event["encodedDataLength"]

    def visit(self, ready_s: float, picture_s: float, whole_s: float) -> Visit:
        received: Counter[str] = Counter()
        parts = [(w, r, n) for w, r, n in self.arrived if self._end_of(r) > picture_s]
        ended = [(when, request, count) for request, (when, count) in self.whole.items()]
        for when, request, count in [*parts, *ended]:
            if when <= picture_s:
                received[self.kinds.get(request, "other")] += count
        has_part = "first part" in received
        needed = {*NEEDED, "first part" if has_part else "whole scene"}
        line_s = max(self._end_of(one) for one, kind in self.kinds.items() if kind in needed)
        return Visit(line_s, ready_s, picture_s, whole_s, received)

    def _end_of(self, request: str) -> float:
        return self.whole.get(request, (math.inf, 0))[0]


def kind_of(said: str, url: str) -> str:
    path = urlsplit(url).path
    if not url.startswith("http"):
        return "other"  # workers, from blobs
    if path.endswith(".wasm"):
        return "wasm"
    if path.endswith(("scene.first", "files/first")):
        return "first part"
    if path.endswith(("spz", "splat")):
        return "whole scene"
    known = {"Document": "html", "Stylesheet": "css", "Script": "script", "Image": "pictures"}
    return known.get(said, "other")
