"""Requests whose heads never end, from one machine without an account.

    python -m benchmarks.attacks slow_heads

Once, sixteen threads served everything, each waiting for one client: 32 such requests stopped the
site.
"""

from __future__ import annotations

import time

from benchmarks.attacks.site import attacked_site
from benchmarks.attacks.slow import Crowd, count_ends, half_head
from benchmarks.attacks.watching import Watch, questions_of

SECONDS = 20
#: How many at a time; 32 were once enough to stop the site.
CROWDS = (0, 32, 200, 1000)


def run() -> list[dict[str, str]]:
    rows = []
    with attacked_site() as site:
        ann = site.person(site.people[1])
        for count in CROWDS:
            with (
                Crowd([half_head(site.port) for _ in range(count)]) as crowd,
                Watch(site, **questions_of(ann)) as seen,
            ):
                time.sleep(SECONDS)
            rows.append({"half heads": str(count), "ended": count_ends(crowd.ended)} | seen.row())
    return rows
