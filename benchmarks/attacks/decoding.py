"""Small files that take gigabytes or minutes to open, sent by somebody with an account.

python -m benchmarks.attacks decoding
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.attacks import bombs
from benchmarks.attacks.site import Answer, AttackedSite, Person, attacked_site
from benchmarks.attacks.watching import Watch

PATIENCE_S = 240.0
AT_ONCE = 6

Row = dict[str, str]


def run() -> list[Row]:
    with attacked_site() as site:
        mallory, ann = (site.person(name) for name in site.people)
        shown = ann.draft()
        rows = [_row(site, "nothing", ann, shown, lambda: _idle(ann, shown))]
        for name, (attack, file_name, make) in ATTACKS.items():
            content = make()  # not part of the measurement
            sent = partial(attack, mallory, file_name, content)
            rows.append(_row(site, f"{name}, {len(content):,} bytes", ann, shown, sent))
    return rows


def _row(
    site: AttackedSite, name: str, ann: Person, shown: str, attack: Callable[[], Sequence[Answer]]
) -> Row:
    def page() -> bool:
        return ann.get(shown).status == 200

    with Watch(site, **{"somebody else’s page": page}) as seen:
        answers = attack()
    return {"sent": name, "answers": _count_answers(answers)} | seen.row()


def _count_answers(answers: Sequence[Answer]) -> str:
    kinds = sorted({(one.status, one.said) for one in answers})
    found = [(status, said, sum(a.status == status for a in answers)) for status, said in kinds]
    return "; ".join(f"{count} × {status} {said}".strip() for status, said, count in found)


def _idle(person: Person, draft: str) -> list[Answer]:
    return [person.get(draft) for _ in range(20)]


def _one(person: Person, name: str, content: bytes) -> list[Answer]:
    return [person.send(person.draft(), name, content, timeout=PATIENCE_S)]


def _until_done(person: Person, name: str, content: bytes) -> list[Answer]:
    """A video; waits until its frames are taken or it has failed."""
    draft = person.draft()
    answers = [person.send(draft, name, content, timeout=PATIENCE_S)]
    end = time.monotonic() + PATIENCE_S
    while b"every 2s" in person.get(f"{draft}videos/").body and time.monotonic() < end:
        time.sleep(0.5)
    return answers


def _several(person: Person, name: str, content: bytes) -> list[Answer]:
    """Six of them at once, each with a different byte appended."""
    draft = person.draft()

    def send(number: int) -> Answer:
        return person.send(draft, name, content + bytes([number]), timeout=PATIENCE_S)

    with ThreadPoolExecutor(AT_ONCE) as senders:
        return list(senders.map(send, range(AT_ONCE)))


def _with_thumbnails(person: Person, name: str, content: bytes) -> list[Answer]:
    """A photo, then its small picture, requested six times at once."""
    draft = person.draft()
    answers = [person.send(draft, name, content, timeout=PATIENCE_S)]
    page = person.get(draft).body.decode()
    small = re.findall(rf'src="({re.escape(draft)}photos/[^"]+)"', page)[:1] * AT_ONCE
    with ThreadPoolExecutor(AT_ONCE) as askers:
        return answers + list(askers.map(partial(person.get, timeout=PATIENCE_S), small))


Attack = Callable[[Person, str, bytes], Sequence[Answer]]
#: By what is sent: how, under which name, and the function that makes it.
ATTACKS: dict[str, tuple[Attack, str, Callable[[], bytes]]] = {
    "MP4, 66 million samples": (_one, "a.mp4", bombs.many_samples),
    "MP4, 3 such tracks": (_one, "b.mp4", partial(bombs.many_samples, tracks=3)),
    "JPEG, 3,500 scans": (_with_thumbnails, "c.jpg", bombs.many_scans),
    "6 PNGs of 100 megapixels": (_several, "d.png", bombs.many_pixels),
    "MOV, 12,000 × 12,000": (_until_done, "e.mov", bombs.large_frames),
}
