"""Guesses at a share link's password, all at once.

python -m benchmarks.attacks link_password
"""

from __future__ import annotations

from functools import partial

from benchmarks.attacks.guessing import Tries, all_of, in_site, visitor
from benchmarks.attacks.site import Answer, Person, attacked_site

WORD, AT_ONCE = "under the mat", 40

_MAKE_LINK = """
from accounts.models import User
from recon.jobs import sharing
from recon.models import Job
job = Job.objects.create(owner=User.objects.first(), status="COMPLETED",
                         step="DONE")
sharing.change(job, is_on=True, password=sharing.hash_password(sys.argv[1]))
print(job.share.key)
"""


def run() -> list[dict[str, str]]:
    with attacked_site(TRUST_PROXY="on") as site:
        link = f"/v/{in_site(site, _MAKE_LINK, WORD)}"
        friend = visitor(site, "203.0.113.5")
        _enter(friend, link, WORD)
        at_once = [visitor(site, "192.0.2.1") for _ in range(AT_ONCE)]
        network = [visitor(site, f"2001:db8:0:1::{number:x}") for number in range(AT_ONCE)]
        newcomer = visitor(site, "203.0.113.6")
        return [
            _row("40 at once, one address", link, at_once),
            _row("40 at once, one IPv6 /64", link, network),
            _honest("who has entered it before, meanwhile", friend.get(link)),
            _honest("who enters it elsewhere, meanwhile", _enter(newcomer, link, WORD)),
        ]


def _row(attack: str, link: str, guessers: list[Person]) -> dict[str, str]:
    tries: Tries = all_of(
        (partial(_enter, one, link, f"guess {number}") for number, one in enumerate(guessers)),
        at_once=AT_ONCE,
    )
    return {
        "attack": attack,
        "guesses told how they did": str(tries.count(403)),
        "refused": str(tries.count(429)),
        "took": f"{tries.seconds:.1f} s",
    }


def _honest(who: str, answer: Answer) -> dict[str, str]:
    return {
        "attack": who,
        "guesses told how they did": "gets in" if answer.status == 200 else f"{answer.status}",
        "refused": "",
        "took": f"{answer.seconds:.1f} s",
    }


def _enter(person: Person, link: str, word: str) -> Answer:
    return person.post(f"{link}/enter/", {"password": word})
