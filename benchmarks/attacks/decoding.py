"""Small files that cost whoever opens them gigabytes or minutes, sent by somebody signed up.

python -m benchmarks.attacks decoding
"""

from __future__ import annotations

import re
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
        for name, attack in ATTACKS.items():
            rows.append(_row(site, name, ann, shown, partial(attack, mallory)))
    return rows


def _row(
    site: AttackedSite, name: str, ann: Person, shown: str, attack: Callable[[], Sequence[Answer]]
) -> Row:
    def page() -> bool:
        return ann.get(shown).status == 200

    with Watch(site, **{"somebody else’s page": page}) as seen:
        answers = attack()
    return {"sent": name, "answers": _counted(answers)} | seen.row()


def _counted(answers: Sequence[Answer]) -> str:
    kinds = sorted({(one.status, one.said) for one in answers})
    found = [(status, said, sum(a.status == status for a in answers)) for status, said in kinds]
    return "; ".join(f"{count} × {status} {said}".strip() for status, said, count in found)


def _idle(person: Person, draft: str) -> list[Answer]:
    return [person.get(draft) for _ in range(20)]


def _one(name: str, make: Callable[[], bytes], person: Person) -> list[Answer]:
    return [person.send(person.draft(), name, make(), timeout=PATIENCE_S)]


def _several(name: str, make: Callable[[], bytes], person: Person) -> list[Answer]:
    """Six of them at once, each different by what follows its end."""
    draft, content = person.draft(), make()
    with ThreadPoolExecutor(AT_ONCE) as senders:
        return list(
            senders.map(
                lambda number: person.send(
                    draft, name, content + bytes([number]), timeout=PATIENCE_S
                ),
                range(AT_ONCE),
            )
        )


def _with_thumbnails(name: str, make: Callable[[], bytes], person: Person) -> list[Answer]:
    """A photo, then its small picture, asked for six times at once."""
    draft = person.draft()
    answers = [person.send(draft, name, make(), timeout=PATIENCE_S)]
    page = person.get(draft).body.decode()
    small = re.findall(rf'src="({re.escape(draft)}photos/[^"]+)"', page)[:1] * AT_ONCE
    with ThreadPoolExecutor(AT_ONCE) as askers:
        return answers + list(askers.map(partial(person.get, timeout=PATIENCE_S), small))


ATTACKS: dict[str, Callable[[Person], Sequence[Answer]]] = {
    "MP4, 66 million samples": partial(_one, "a.mp4", bombs.many_samples),
    "MP4, 3 such tracks": partial(_one, "b.mp4", partial(bombs.many_samples, tracks=3)),
    "JPEG, 3,500 scans": partial(_with_thumbnails, "c.jpg", bombs.many_scans),
    "6 PNGs of 100 megapixels": partial(_several, "d.png", bombs.many_pixels),
    "MOV, 12,000 × 12,000": partial(_one, "e.mov", bombs.large_frames),
}
