"""Everybody who uses the site, in a process of their own: open pages, uploads, and a bare view.

    python -m benchmarks.load.client < plan.json > answers.jsonl

Each answer is a line: when (s), what, status, ms, whether a wave of uploads was under way.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.load.pictures import picture

PAGE, NEWS, SAME, UPLOAD, BARE = "a page opened", "its news", "its news, none", "an upload", "bare"
#: A CSRF token is whatever cookie and header agree on.
TOKEN = "t" * 32
#: As in static/js/running/polling.js.
EVERY_S, SLOWEST_S, PATIENCE, GROWTH = 2.0, 15.0, 5, 1.5
BARE_EVERY_S, WAVE_EVERY_S = 0.5, 60.0
#: All pages are open after so long.
OPENED_IN_S = 20.0
ENDED, GONE = 286, 404
VERSION = re.compile(r'hx-get="([^"]+)"')
#: How often the page may be asked for news at most, where the page itself says so.
RARELY = re.compile(r'data-every="([\d.]+)"')


@dataclass
class Visit:
    """What happened so far, and to whom it can still happen."""

    client: httpx.AsyncClient
    site: str
    bare: str
    until: float
    unopened: deque[list[str]]  # pages that nobody has opened yet: path, session
    in_wave: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    async def ask(
        self, what: str, address: str, headers: dict[str, str] | None = None, **sent: Any
    ) -> httpx.Response | None:
        """A GET, or a POST of what is `sent`. None where nobody answered."""
        began, answer = time.monotonic(), None
        try:
            method = "POST" if sent else "GET"
            answer = await self.client.request(method, address, headers=headers, **sent)
        except httpx.HTTPError as error:
            print(f"{what}: {error!r}", file=sys.stderr)
        ms = 1000 * (time.monotonic() - began)
        status = answer.status_code if answer is not None else 0
        named = SAME if what == NEWS and status == 204 else what
        line = [round(began - self.began, 3), named, status, round(ms, 1), self.in_wave]
        sys.stdout.write(json.dumps(line) + "\n")
        return answer


async def main() -> None:
    plan = json.load(sys.stdin)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        visit = Visit(client, plan["site"], plan["bare"], time.monotonic() + plan["seconds"],
                      _spread(plan["pages"], plan["open"]))  # fmt: skip
        tasks = [stay(visit, number / plan["open"]) for number in range(plan["open"])]
        tasks += [look_at_bare(visit), upload_in_waves(visit, plan["uploaders"])]
        await asyncio.gather(*tasks)


def _spread(pages: list[list[str]], count: int) -> deque[list[str]]:
    """First some from everywhere in the line, then the others from its beginning."""
    step = max(1, len(pages) // count)
    first = pages[::step]
    return deque([*first, *(page for page in pages if page not in first)])


async def stay(visit: Visit, part: float) -> None:
    """Has a page open until its job ends; then the next."""
    await asyncio.sleep(OPENED_IN_S * part)
    while visit.unopened and not visit.is_over:
        path, session = visit.unopened.popleft()
        answer = await visit.ask(PAGE, visit.site + path, _as(session))
        where = _news_at(answer)
        if where is not None:
            await poll(visit, where, session, _rarely(answer))


async def poll(visit: Visit, where: str, session: str, every: float) -> None:
    """As the page's script does."""
    quiet = failures = 0
    while not visit.is_over:
        slower = max(quiet - PATIENCE + 1, failures, 0)
        await asyncio.sleep(min(every * GROWTH**slower, max(SLOWEST_S, every)))
        headers = {"HX-Request": "true", **_as(session)}
        answer = await visit.ask(NEWS, visit.site + where, headers)
        status = answer.status_code if answer is not None else 0
        if status in (ENDED, GONE):
            return
        failures = 0 if 200 <= status < 300 else failures + 1
        quiet = quiet + 1 if status == 204 else 0
        if status == 200:
            where, every = _news_at(answer) or where, _rarely(answer)


async def look_at_bare(visit: Visit) -> None:
    while not visit.is_over:
        await visit.ask(BARE, visit.bare)
        await asyncio.sleep(BARE_EVERY_S)


async def upload_in_waves(visit: Visit, sessions: list[str]) -> None:
    """Everybody sends a photo at the same moment, once a minute."""
    chance = random.Random(1)  # noqa: S311
    while not visit.is_over:
        await asyncio.sleep(WAVE_EVERY_S / 4)
        photos = [await asyncio.to_thread(picture, chance) for _ in sessions]
        visit.in_wave = True
        await asyncio.gather(
            *(upload(visit, who, photo) for who, photo in zip(sessions, photos, strict=True))
        )
        visit.in_wave = False
        await asyncio.sleep(3 * WAVE_EVERY_S / 4)


async def upload(visit: Visit, session: str, photo: bytes) -> None:
    """A draft, a photo in it as the page's script sends it, and the draft is thrown away."""
    headers = {
        "Cookie": f"instarecon_session={session}; instarecon_csrf={TOKEN}",
        "X-CSRFToken": TOKEN,
        "Referer": f"{visit.site}/",
        "Accept": "application/json",
    }
    new = {"title": "load"}
    made = await visit.ask("a draft made", f"{visit.site}/jobs/drafts/", headers, data=new)
    if made is None or made.status_code >= 400:
        return
    draft = visit.site + made.json()["location"]
    while True:
        photos = {"photos": ("a.jpg", photo)}
        answer = await visit.ask(UPLOAD, f"{draft}photos/", headers, files=photos)
        later = answer.headers.get("Retry-After") if answer is not None else None
        if answer is None or answer.status_code != 503 or later is None:
            break
        await asyncio.sleep(float(later))
    await visit.ask("a draft deleted", f"{draft}delete/", headers, data=new)


def _as(session: str) -> dict[str, str]:
    return {"Cookie": f"instarecon_session={session}"}


def _news_at(answer: httpx.Response | None) -> str | None:
    """Where the page asks for news; None where it does not."""
    if answer is None or answer.status_code != 200:
        return None
    part = answer.text.partition('id="progress"')[2][:1000]
    found = VERSION.search(part)
    return found[1].replace("&amp;", "&") if found else None


def _rarely(answer: httpx.Response | None) -> float:
    part = answer.text.partition('id="progress"')[2][:1000] if answer is not None else ""
    found = RARELY.search(part)
    return float(found[1]) if found else EVERY_S


if __name__ == "__main__":
    asyncio.run(main())
