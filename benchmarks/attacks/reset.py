"""Mails that somebody did not ask for, and what the time of an answer tells.

python -m benchmarks.attacks reset
"""

from __future__ import annotations

import statistics
import time
from functools import partial

from benchmarks.attacks.guessing import Tries, all_of, milliseconds, visitor
from benchmarks.attacks.mail_server import MailServer, mail_server
from benchmarks.attacks.site import Answer, AttackedSite, attacked_site

HOW_MANY, MEASURED = 60, 10
#: How long mails are waited for once the last request was answered.
SENT_WITHIN_S = 20.0


def run() -> list[dict[str, str]]:
    people = [f"p{number}@example.org" for number in range(MEASURED)]
    with (
        mail_server() as server,
        attacked_site("ann@example.org", *people, TRUST_PROXY="on", EMAIL_URL=server.url) as site,
    ):
        return [
            _times(site, server, "10 known addresses", people),
            _times(site, server, "10 unknown addresses", [f"x-{one}" for one in people]),
            _flood(site, server, "60 for one person, one sender", "192.0.2.1"),
            _flood(site, server, "60 for one person, 60 senders", ""),
        ]


def _times(
    site: AttackedSite, server: MailServer, attack: str, emails: list[str]
) -> dict[str, str]:
    """One after the other, each from an address of its own."""
    asks = [partial(_ask, site, email, f"198.51.100.{n}") for n, email in enumerate(emails)]
    return _row(server, attack, all_of(asks, at_once=1))


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
