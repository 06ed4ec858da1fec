"""Twenty honest uploads on slow lines, by somebody signed up.

    python -m benchmarks.attacks slow_uploads

Each held a thread for as long as it took; with twenty of them the site stood still.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from benchmarks.attacks.site import Person, attacked_site, form
from benchmarks.attacks.slow import Client, Crowd, counted, slow_upload
from benchmarks.attacks.watching import Watch, questions_of

#: Bytes per second, as from a phone on a bad evening.
RATE = 150_000
SIDE = 1100  # of a photo of noise: some 3 MB, 20 s
CROWDS = (0, 20)


def run() -> list[dict[str, str]]:
    rows = []
    with attacked_site() as site:
        mallory, ann = (site.person(name) for name in site.people)
        draft = mallory.draft()
        for count in CROWDS:
            uploads = [_upload(site.port, mallory, draft, number) for number in range(count)]
            with Watch(site, **questions_of(ann)) as seen, Crowd(uploads) as crowd:
                crowd.wait(at_least_s=10)
            rows.append({"uploads": str(count), "answers": counted(crowd.ended)} | seen.row())
    return rows


def _upload(port: int, person: Person, draft: str, number: int) -> Client:
    body, kind = form({}, {f"{number}.jpg": noise(number)})
    headers = person.headers() | {"Content-Type": kind, "Accept": "application/json"}
    return slow_upload(port, f"{draft}photos/", headers, body, rate=RATE)


def noise(seed: int) -> bytes:
    """A photo that no compression makes smaller."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=98, subsampling=0)
    return file.getvalue()
