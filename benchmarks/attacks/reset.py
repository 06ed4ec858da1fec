"""Mails that nobody asked for, and what the response time gives away.

python -m benchmarks.attacks reset
"""

from __future__ import annotations

import statistics
import time
from functools import partial

from benchmarks.attacks.guessing import Tries, all_of, milliseconds, visitor
from benchmarks.attacks.mail_server import DELAY_S, MailServer, mail_server
from benchmarks.attacks.site import Answer, AttackedSite, attacked_site

HOW_MANY, MEASURED = 60, 10
#: Seconds to wait for mails once the last request has been answered.
SENT_WITHIN_S = 20.0


def run() -> list[dict[str, str]]:
    people = [f"p{number}@example.org" for number in range(MEASURED)]
    with (
        mail_server() as server,
        attacked_site("ann@example.org", *people, TRUST_PROXY="on", EMAIL_URL=server.url) as site,
    ):
        return [
            *_times(site, server, people),
            _flood(site, server, "60 for one person, one sender", "192.0.2.1"),
            _flood(site, server, "60 for the same, 60 senders", ""),
        ]


def _times(site: AttackedSite, server: MailServer, people: list[str]) -> list[dict[str, str]]:
    """Known and unknown addresses in turn, one at a time, each from a different sender."""
    known, unknown = Tries(), Tries()
    _ask(site, "nobody@example.org", "198.51.100.250")  # a process's first request is slow
    for number, email in enumerate(people):
        known.answers.append(_ask(site, email, f"198.51.100.{2 * number}"))
        time.sleep(2 * DELAY_S)  # a mail that is being sent must not slow the next request
        unknown.answers.append(_ask(site, f"x-{email}", f"198.51.100.{2 * number + 1}"))
    both = _row(server, "", known)
    return [
        both | {"attack": f"{MEASURED} known addresses"},
        _row(server, f"{MEASURED} unknown addresses, in turn with them", unknown),
    ]


def _flood(site: AttackedSite, server: MailServer, attack: str, sender: str) -> dict[str, str]:
    asks = [
        partial(_ask, site, "ann@example.org", sender or f"203.0.113.{number}")
        for number in range(HOW_MANY)
    ]
    return _row(server, attack, all_of(asks))


def _row(server: MailServer, attack: str, tries: Tries) -> dict[str, str]:
    time.sleep(SENT_WITHIN_S)
    sent, server.mails[:] = len(server.mails), []
    return {
        "attack": attack,
        "answers": str(tries),
        "median answer": milliseconds(statistics.median(one.seconds for one in tries.answers)),
        "mails sent": str(sent),
    }


def _ask(site: AttackedSite, email: str, address: str) -> Answer:
    return visitor(site, address).post("/accounts/reset/", {"email": email})
