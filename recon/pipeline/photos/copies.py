"""Photos that were sent more than once: the best of each is kept, the copies are left out.

A copy on the other side of the train/held-out split would flatter the figures (measured: 26.1 dB
where the photos themselves have 12.4), and one on the same side only costs work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from recon.pipeline.errors import UserError
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.poses.photo_check import copies
from recon.reporting import Report


def leave_out_copies(
    prepared: Sequence[PreparedPhoto], folder: Path, size_of: Callable[[str], int]
) -> tuple[list[PreparedPhoto], dict[str, str]]:
    """The photos without copies of others, and the copies: original name -> that of the one kept.

    Their prepared files lie in `folder`; those of copies are deleted. `size_of` says how many
    bytes a photo had as it was sent, by its original name.
    """
    pictures = {photo.name: _small(folder / photo.name) for photo in prepared}
    by_name = {photo.name: photo for photo in prepared}
    left_out: dict[str, str] = {}
    for names in copies.groups(pictures):
        alike = [by_name[name] for name in names]
        best = max(alike, key=lambda photo: _worth(photo, size_of(photo.stored_name)))
        left_out |= {photo.stored_name: best.stored_name for photo in alike if photo is not best}
    for photo in prepared:
        if photo.stored_name in left_out:
            (folder / photo.name).unlink()
    return [photo for photo in prepared if photo.stored_name not in left_out], left_out


def warn_of_copies(left_out: dict[str, str], total: int, needed: int, report: Report) -> None:
    """Warns of the copies among `total` photos. Raises UserError where fewer than `needed` others
    are left."""
    if not left_out:
        return
    distinct = total - len(left_out)
    if distinct < needed:
        raise UserError("photos_identical", total=total, distinct=distinct)
    report.log(", ".join(f"{copy} = {best}" for copy, best in sorted(left_out.items())))
    report.warn("copies_left_out", count=len(left_out), total=total, photos=sorted(left_out))


def _small(path: Path) -> copies.Small:
    with Image.open(path) as photo:
        photo.draft("L", (2 * copies.LONGEST, 2 * copies.LONGEST))
        return copies.small(photo)


def _worth(photo: PreparedPhoto, size: int) -> tuple[int, bool, int]:
    """More pixels first; then metadata, which editors and messengers drop; then more bytes."""
    told = photo.focal is not None or photo.device is not None
    return photo.width * photo.height, told, size
