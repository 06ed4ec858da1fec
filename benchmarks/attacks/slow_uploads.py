"""Twenty honest uploads on slow lines, each by a different person.

    python -m benchmarks.attacks slow_uploads

Each once held a thread for as long as it took; with twenty of them the site stood still.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from benchmarks.attacks.site import Person, attacked_site, form
from benchmarks.attacks.slow import Client, Crowd, count_ends, slow_upload
from benchmarks.attacks.watching import Watch, questions_of

#: Bytes per second, as from a phone on a bad evening.
RATE = 150_000
#: Side in pixels of the smallest photo of noise, and the step between photos: 1.8 to 5 MB, 12 to 35
#: s.
LEAST_SIDE, STEP = 800, 30
CROWDS = (0, 20)


def run() -> list[dict[str, str]]:
    rows = []
    people = [f"person{number}@example.org" for number in range(max(CROWDS))]
    with attacked_site("ann@example.org", *people) as site:
        ann = site.person("ann@example.org")
        for count in CROWDS:
            senders = [site.person(name) for name in people[:count]]
            uploads = [_upload(site.port, one, number) for number, one in enumerate(senders)]
            with Watch(site, **questions_of(ann)) as seen, Crowd(uploads) as crowd:
                crowd.wait(at_least_s=10)
            rows.append({"uploads": str(count), "answers": count_ends(crowd.ended)} | seen.row())
    return rows


def _upload(port: int, person: Person, number: int) -> Client:
    draft = person.draft()
    body, kind = form({}, {f"{number}.jpg": noise(number)})
    headers = person.headers() | {"Content-Type": kind, "Accept": "application/json"}
    return slow_upload(port, f"{draft}photos/", headers, body, rate=RATE)


def noise(seed: int) -> bytes:
    """A photo that compression can't make smaller."""
    side = LEAST_SIDE + STEP * seed
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=98, subsampling=0)
    return file.getvalue()
