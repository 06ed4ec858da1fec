"""The limits on signing in and up, and what each counts.

A wrong password counts for the account and network together, for the network (guessing at many
accounts from one place) and for the account (guessing from many places). The last would let anybody
lock out somebody else, so a browser that has signed in to the account before, and proves it by a
cookie, is counted by itself and by nothing else ("device cookies", as OWASP describes them).
"""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest

from accounts import devices, networks
from accounts.throttling import DAY, HOUR, MINUTE, Counter, Limit

SIGN_IN = Limit("sign_in", 6, 15 * MINUTE)
SIGN_IN_BY_ADDRESS = Limit("sign_in_by_address", 20, 15 * MINUTE)
SIGN_IN_BY_ACCOUNT = Limit("sign_in_by_account", 60, HOUR)
#: Begun at the provider and brought back: each of these has the site ask it something.
BY_PROVIDER = Limit("provider", 300, 15 * MINUTE)
SIGN_UPS = (Limit("sign_up", 5, HOUR), Limit("sign_up", 10, DAY))
MAILS_BY_ADDRESS = (Limit("mail_by_address", 10, HOUR), Limit("mail_by_address", 30, DAY))
#: For one recipient. Requests beyond this get the same answer, and nothing is sent.
MAILS_TO_ONE = (Limit("mail_to_one", 3, HOUR), Limit("mail_to_one", 6, DAY))

#: A whole site's network (an IPv6 /48) may do this many times as much as one of its networks.
SITE_FACTOR = 8


def one_spelling(email: object) -> str:
    """An address in one spelling: it signs in whatever its case, so it counts as one."""
    return str(email).strip().lower()[:254]


def by_network(request: HttpRequest, *limits: Limit) -> list[Counter]:
    """Counters for where the request comes from."""
    counters = [Counter(limit, networks.network(request)) for limit in limits]
    if site := networks.site_network(request):
        large = [replace(limit, amount=limit.amount * SITE_FACTOR) for limit in limits]
        counters += [Counter(limit, site) for limit in large]
    return counters


def sign_in(request: HttpRequest, email: str) -> list[Counter]:
    """Whom a wrong password for `email` counts for."""
    account = one_spelling(email)
    device = devices.device_of(request, account)
    if device:
        return [Counter(SIGN_IN, f"{account} {device}")]
    return [
        Counter(SIGN_IN, f"{account} {networks.network(request)}"),
        *by_network(request, SIGN_IN_BY_ADDRESS),
        *by_account(account),
    ]


def by_account(email: str) -> list[Counter]:
    return [Counter(SIGN_IN_BY_ACCOUNT, one_spelling(email))]


def mails_to(email: str) -> list[Counter]:
    return [Counter(limit, one_spelling(email)) for limit in MAILS_TO_ONE]
