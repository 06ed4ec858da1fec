"""Accounts without end, each with quotas of its own.

python -m benchmarks.attacks sign_up
"""

from __future__ import annotations

from functools import partial

from benchmarks.attacks.guessing import accounts, all_of, visitor
from benchmarks.attacks.site import PASSWORD, Answer, AttackedSite, attacked_site

HOW_MANY = 60


def run() -> list[dict[str, str]]:
    with attacked_site(TRUST_PROXY="on", SIGN_UP="open") as site:
        return [
            _row(site, "60 from one address", ["192.0.2.1"] * HOW_MANY),
            _row(site, "60 from addresses of one IPv6 /64", _of_one_network()),
            _row(site, "1 from another address meanwhile", ["192.0.2.2"]),
        ]


def _of_one_network() -> list[str]:
    return [f"2001:db8:0:1::{number:x}" for number in range(1, HOW_MANY + 1)]


def _row(site: AttackedSite, attack: str, addresses: list[str]) -> dict[str, str]:
    before = accounts(site)
    tries = all_of(partial(_sign_up, site, attack, n, at) for n, at in enumerate(addresses))
    return {
        "attack": attack,
        "accounts made": str(accounts(site) - before),
        "answers": str(tries),
        "took": f"{tries.seconds:.1f} s",
    }


def _sign_up(site: AttackedSite, attack: str, number: int, address: str) -> Answer:
    email = f"{attack.replace(' ', '-').replace('/', '')}-{number}@example.org"
    return visitor(site, address).post("/accounts/sign-up/", {"email": email, "password": PASSWORD})
