"""Slows down guessing at share links' passwords (`accounts.throttling`).

Wrong tries count for each link and network together, for the network (guessing at many links), and
for the link (guessing from many networks). The session of somebody who has entered the password
remembers that, so no guesser keeps them out.
"""

from __future__ import annotations

from django.http import HttpRequest

from accounts import networks, sign_in_limits, throttling
from accounts.throttling import HOUR, MINUTE, Counter, Limit
from recon.jobs import sharing
from recon.models import Job

LINK = Limit("link", 6, 15 * MINUTE)
LINK_BY_ADDRESS = Limit("link_by_address", 30, 15 * MINUTE)
LINK_IN_ALL = Limit("link_in_all", 200, HOUR)


def password_is_right(request: HttpRequest, job: Job, password: str) -> bool:
    """Raises TooMany instead of saying whether it is."""
    counters = [
        Counter(LINK, f"{job.pk} {networks.network(request)}"),
        *sign_in_limits.by_network(request, LINK_BY_ADDRESS),
        Counter(LINK_IN_ALL, str(job.pk)),
    ]
    throttling.check(counters)
    if not sharing.password_is_right(job, password):
        throttling.note_wrong(counters)
        return False
    throttling.check(counters)  # others, sent at the same time, may have filled them
    return True
