"""One person's flood of small videos, while somebody else only wants photos checked.

python -m benchmarks.attacks videos_flood
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable

import av
import numpy as np
from PIL import Image

from benchmarks.attacks.site import Person, attacked_site

VIDEOS, IN_A_DRAFT, PATIENCE_S = 60, 5, 180.0
SECONDS, FPS, SIZE = 6, 30, (640, 480)

Row = dict[str, str]


def run() -> list[Row]:
    with attacked_site(QUOTA_STORED_MB="20") as site:
        mallory, ann = (site.person(name) for name in site.people)
        rows = [_row("nothing", "", ann, 0)]
        began = time.monotonic()
        sent = _flood(mallory, _video())
        said = "; ".join(f"{count} × {answer}" for answer, count in sorted(sent.items()))
        rows.append(_row(f"{VIDEOS} videos in {time.monotonic() - began:.0f} s", said, ann, 1))
    return rows


def _flood(person: Person, content: bytes) -> Counter[str]:
    """Sends videos that all differ; when a draft accepts no more, a new one follows."""
    answers: Counter[str] = Counter()
    draft = person.draft()
    for number in range(VIDEOS):
        if number and number % IN_A_DRAFT == 0:
            draft = person.draft()
        box = b"\0\0\0\x0cfree" + number.to_bytes(4)
        answer = person.send(draft, "walk.mp4", content + box)
        answers[f"{answer.status} {answer.said}".strip()] += 1
    return answers


def _row(sent: str, answers: str, ann: Person, seed: int) -> Row:
    """How long somebody else's photos wait for their check, and a video for its frames."""
    draft = ann.draft()
    for number in range(3):
        ann.send(draft, f"{number}.jpg", _photo(10 * seed + number))
    checked = _seconds(lambda: b"Looking at the photos" not in ann.get(f"{draft}check/").body)
    with_video = ann.draft()
    ann.send(with_video, "mine.mp4", _video(seed + 1))
    taken = _seconds(lambda: b"every 2s" not in ann.get(f"{with_video}videos/").body)
    return {
        "sent": sent,
        "answers": answers,
        "somebody else’s photos checked after, s": checked,
        "frames of their video taken after, s": taken,
    }


def _seconds(done: Callable[[], bool]) -> str:
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > PATIENCE_S:
            return f"not in {PATIENCE_S:.0f}"
        time.sleep(0.2)
    return f"{time.monotonic() - began:.1f}"


def _photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (480, 640, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    return file.getvalue()


def _video(seed: int = 0) -> bytes:
    """A walk along a wall of noise."""
    width, height = SIZE
    wall = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 2, 3), np.uint8)
    wall = wall.repeat(8, axis=0).repeat(8, axis=1)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(SECONDS * FPS):
            seen = wall[:, 4 * number : 4 * number + width]
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(seen))))
        output.mux(stream.encode())
    return file.getvalue()
