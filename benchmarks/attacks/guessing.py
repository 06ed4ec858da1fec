"""What the attacks on accounts and links share: many visitors at once, without an account."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.attacks.site import Answer, AttackedSite, Person
from scripts.temporary_site import ROOT, site_environment

#: As a proxy in front would set it; sites that are attacked from several addresses trust it.
FORWARDED = "X-Forwarded-For"


def visitor(site: AttackedSite, address: str = "") -> Person:
    """Somebody without an account, from `address`, with the cookie that guards forms."""
    somebody = Person(site.address, "")
    if address:
        somebody.opener.addheaders = [(FORWARDED, address)]
    somebody.get("/accounts/sign-in/")
    return somebody


@dataclass
class Tries:
    """How often each status came back, and how long it all took."""

    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, *statuses: int) -> int:
        return sum(answer.status in statuses for answer in self.answers)

    def __str__(self) -> str:
        counts = Counter(answer.status for answer in self.answers)
        return ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))


def all_of(tries: Iterable[Callable[[], Answer]], *, at_once: int = 8) -> Tries:
    waiting, began = list(tries), time.monotonic()
    with ThreadPoolExecutor(at_once) as threads:
        answers = list(threads.map(lambda one: one(), waiting))
    return Tries(answers, time.monotonic() - began)


def in_site(site: AttackedSite, program: str, *arguments: str) -> str:
    """The output of a small program that runs with the site's settings."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, django\ndjango.setup()\n{program}", *arguments],
        env=site_environment(site.folder, **site.settings),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines()[-1]


def accounts(site: AttackedSite) -> int:
    program = "from accounts.models import User\nprint(User.objects.count())"
    return int(in_site(site, program))


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
