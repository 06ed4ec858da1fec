"""When attempts at a model have shown enough: by what they led to, never by the time taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from recon.poses.ladder.candidates import CONVINCING, SAME_FIT
from recon.poses.models.agreement import agreements

if TYPE_CHECKING:
    from pycolmap import Reconstruction

#: Image ids of an attempt's first two photos; None where the mapper chooses them.
Start: TypeAlias = "tuple[int, int] | None"

#: They are tried where the mapper's own start led to so large a part of the photos. If the matches
#: don't suffice for that, other starts fail too.
_CARRIES = 0.5


@dataclass(frozen=True)
class AttemptEnd:
    """What an attempt led to: its largest model."""

    start: Start
    photos: frozenset[str]  # names; none where there is no model
    fitting: float  # part of the verified matches between them

    @classmethod
    def of(cls, start: Start, models: Sequence[Reconstruction], database: Path) -> AttemptEnd:
        """The end of an attempt that made `models`, best first, of the matches in `database`."""
        if not models:
            return cls(start, frozenset(), 0.0)
        model = models[0]
        fit = agreements(model, database)
        fitting = sum(a.fitting for a in fit) / max(sum(a.matches for a in fit), 1)
        return cls(start, frozenset(model.images[i].name for i in model.reg_image_ids()), fitting)

    def repeats(self, other: AttemptEnd) -> bool:
        """Whether it is the same as another start's: the same photos, placed as well."""
        return (
            self.start != other.start
            and self.photos == other.photos
            and abs(self.fitting - other.fitting) <= SAME_FIT
        )


def enough(ends: Sequence[AttemptEnd], coming: Start, total: int) -> bool:
    """Whether no other attempt at a model of `total` photos is worth making.

    That is so where the last one has all photos and nearly all verified matches fit; where the next
    one would be from a given start, `coming`, and the mapper's own led nowhere; and where the last
    repeats the end of another start, and none has more photos: then it is the matches that say so.
    """
    last, most = ends[-1], max(len(end.photos) for end in ends)
    if len(last.photos) == total and last.fitting >= CONVINCING:
        return True
    if coming is not None and most < _CARRIES * total:
        return True
    return len(last.photos) == most and any(last.repeats(end) for end in ends)
