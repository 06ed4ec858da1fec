"""One password tried on many accounts, and many passwords on one, while its owner signs in.

python -m benchmarks.attacks spraying
"""

from __future__ import annotations

from functools import partial

from benchmarks.attacks.guessing import all_of, visitor
from benchmarks.attacks.site import PASSWORD, Answer, AttackedSite, Person, attacked_site

ACCOUNTS = 40


def run() -> list[dict[str, str]]:
    with attacked_site(TRUST_PROXY="on") as site:
        home = visitor(site, "203.0.113.5")
        _sign_in(home, "ann@example.org", PASSWORD)  # has signed in before, as people have
        many = [f"person{number}@example.org" for number in range(ACCOUNTS)]
        networks = [f"2001:db8:0:1::{number:x}" for number in range(ACCOUNTS)]
        senders = [f"198.51.100.{number}" for number in range(100)]
        return [
            _row(site, "40 accounts, one address", many, ["192.0.2.1"]),
            _row(site, "40 accounts, one IPv6 /64", many, networks),
            _row(site, "one account, 100 addresses", ["ann@example.org"] * 100, senders),
            _honest(home, "its owner, browser known, meanwhile"),
            _honest(
                visitor(site, "192.0.2.77"), "another person, meanwhile", "mallory@example.org"
            ),
        ]


def _row(site: AttackedSite, attack: str, emails: list[str], senders: list[str]) -> dict[str, str]:
    guesses = [
        partial(_guess, site, email, senders[number % len(senders)])
        for number, email in enumerate(emails)
    ]
    tries = all_of(guesses)
    return {
        "attack": attack,
        "guesses told how they did": str(tries.count(400)),
        "refused": str(tries.count(429)),
        "took": f"{tries.seconds:.1f} s",
    }


def _honest(person: Person, who: str, email: str = "ann@example.org") -> dict[str, str]:
    person.post("/accounts/sign-out/", {})
    person.get("/accounts/sign-in/")
    answer = _sign_in(person, email, PASSWORD)
    got_in = "signs in" if answer.status == 200 else f"kept out: {answer.status}"
    return {
        "attack": who,
        "guesses told how they did": got_in,
        "refused": "",
        "took": f"{answer.seconds:.1f} s",
    }


def _guess(site: AttackedSite, email: str, address: str) -> Answer:
    return _sign_in(visitor(site, address), email, "Summer2026!")


def _sign_in(person: Person, email: str, password: str) -> Answer:
    return person.post("/accounts/sign-in/", {"username": email, "password": password})
