"""The photo check on a folder of photos, a little at a time: each call does what is new.

Writes a report to the check's folder in one piece, so that nobody ever reads half of one. See
docs/develop/photo-check.md.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from PIL import Image

from recon.pipeline.config import PreflightConfig
from recon.pipeline.decoding import opening
from recon.pipeline.errors import PipelineError, UserError
from recon.pipeline.photo_check import check_cache
from recon.pipeline.photo_check.check_cache import PairKey
from recon.pipeline.photo_check.report import CheckedPhoto, CheckReport
from recon.pipeline.photos.photo_file import decode
from recon.pipeline.photos.prepare import to_rgb
from recon.poses.colmap.pairs import Pair
from recon.poses.photo_check import photo_look, quick_pairs
from recon.poses.photo_check.check_limits import CheckLimits
from recon.poses.photo_check.findings import Finding, PhotoSet
from recon.poses.photo_check.photo_look import PhotoLook
from recon.poses.photo_check.quick_pairs import PairFacts
from recon.poses.photo_check.set_check import SetCheck, check_set
from recon.reporting import Progress, silent

#: Threads; the check runs beside a site and beside jobs.
THREADS = min(os.cpu_count() or 1, 4)

#: Pixels from which on that matters, and modes in which neighbouring pixels can be averaged.
_ENORMOUS = 24_000_000
_REDUCED_WELL = ("L", "LA", "RGB", "RGBA", "CMYK")

_LOOKING = 0.6  # of the time; the rest compares pairs

logger = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")


def check(
    photos: Sequence[Path],
    folder: Path,
    *,
    limits: CheckLimits | None = None,
    progress: Progress = silent,
) -> CheckReport:
    """Checks the files `photos`, in the person's order, and writes the report to `folder`.

    Returns the report. Whatever is wrong with one file is a finding about it, never an exception;
    one that is gone meanwhile is left out, and the report is not `complete`.
    """
    by_name = {path.name: path for path in photos if path.is_file()}
    digests = {name: _digest(path) for name, path in by_name.items()}
    looks, refused = _looks(by_name, digests, folder, progress)
    pairs = _pairs(looks, digests, folder, progress)
    checked, odd = _check_together(looks, pairs, limits or CheckLimits())
    report = CheckReport(
        sent=tuple(path.name for path in photos),
        photos=tuple(
            _about(name, look, checked) for name, look in looks.items() if name in checked.standings
        ),
        pairs=tuple(
            Pair(min(edge), max(edge), facts.inliers) for edge, facts in checked.linked.items()
        ),
        groups=tuple(map(tuple, checked.groups)),
        findings=(*(refused[name] for name in by_name if name in refused), *odd, *checked.findings),
        complete=len(by_name) == len(photos),
    )
    check_cache.forget_others(folder, digests.values())
    report.write(folder)
    return report


def _looks(
    photos: Mapping[str, Path], digests: Mapping[str, str], folder: Path, progress: Progress
) -> tuple[dict[str, PhotoLook], dict[str, Finding]]:
    """By name, of the photos that can be looked at; and the findings about the others."""
    files = {digests[name]: path for name, path in photos.items()}  # one of each content

    def look(digest: str) -> PhotoLook | Exception:
        earlier = check_cache.read_look(folder, digest)
        if earlier is not None:
            return earlier
        try:
            new = look_at(files[digest])
        except PipelineError:  # this machine's fault, not the photo's
            raise
        except Exception as error:
            return error
        check_cache.write_look(folder, digest, new)
        return new

    def told(done: int) -> None:
        progress(_LOOKING * done / len(files), "photo", number=done, total=len(files))

    found = dict(zip(files, _in_threads(look, list(files), told), strict=True))
    looks, refused = {}, {}
    for name in photos:
        seen = found[digests[name]]
        if isinstance(seen, PhotoLook):
            looks[name] = seen
        else:
            refused[name] = _explain_refusal(name, seen)
    return looks, refused


def _explain_refusal(name: str, error: Exception) -> Finding:
    """The finding about a photo that could not be looked at."""
    if not isinstance(error, UserError):
        logger.warning("%s could not be looked at", name, exc_info=error)
    if isinstance(error, OSError):
        return Finding("unreadable", (name,))
    if not isinstance(error, UserError):
        return Finding("not_looked_at", (name,))
    if error.code == "photo_unreadable":
        return Finding("unreadable", (name,))
    return Finding(error.code, (name,), error.facts)


def look_at(path: Path) -> PhotoLook:
    """One photo file, in a process of its own. Raises UserError."""
    return opening.own_opener().look_at(path)


def look_here(path: Path, name: str) -> PhotoLook:
    """The same in this process, decoded only as large as the check needs it. Raises UserError."""
    limits = PreflightConfig()
    decoded = decode(
        path,
        name=name,
        min_image_size=limits.min_image_size,
        max_megapixels=limits.max_megapixels,
        longest_needed=photo_look.WORKING_SIZE,
    )
    with decoded.image:
        upright = to_rgb(replace(decoded, image=_reduce(decoded.image)).upright())
    return photo_look.look(upright, path, size=(decoded.width, decoded.height))


def _reduce(image: Image.Image) -> Image.Image:
    """An enormous picture as small as a JPEG's decoder would have made it: each step after this
    one copies all pixels, and several photos are looked at side by side."""
    factor = max(image.size) // photo_look.WORKING_SIZE
    if image.width * image.height <= _ENORMOUS or factor < 2 or image.mode not in _REDUCED_WELL:
        return image
    return image.reduce(factor)


def _pairs(
    looks: Mapping[str, PhotoLook], digests: Mapping[str, str], folder: Path, progress: Progress
) -> dict[tuple[str, str], PairFacts]:
    """The facts of every pair, by names in the order of `looks`."""
    by_digest = {digests[name]: look.features for name, look in looks.items()}
    earlier = check_cache.read_pairs(folder)
    keys = {_key(digests[a], digests[b]) for a, b in combinations(looks, 2)}
    new = sorted(keys - earlier.keys())

    def compare(key: PairKey) -> PairFacts:
        try:
            return quick_pairs.compare(by_digest[key[0]], by_digest[key[1]])
        except Exception:
            logger.warning("Two photos could not be compared", exc_info=True)
            return quick_pairs.NOTHING

    def told(done: int) -> None:
        reached = _LOOKING + (1 - _LOOKING) * done / len(new)
        progress(reached, "pair", number=done, total=len(new))

    compared = dict(zip(new, _in_threads(compare, new, told), strict=True))
    facts = {key: earlier[key] for key in keys & earlier.keys()} | compared
    if facts.keys() != earlier.keys():
        check_cache.write_pairs(folder, facts)
    return {
        (a, b): _turn_pair(facts[_key(digests[a], digests[b])], swapped=digests[a] > digests[b])
        for a, b in combinations(looks, 2)
    }


def _key(a: str, b: str) -> PairKey:
    return (a, b) if a <= b else (b, a)


def _turn_pair(facts: PairFacts, *, swapped: bool) -> PairFacts:
    return quick_pairs.reversed_pair(facts) if swapped else facts


def _check_together(
    looks: Mapping[str, PhotoLook], pairs: Mapping[tuple[str, str], PairFacts], limits: CheckLimits
) -> tuple[SetCheck, list[Finding]]:
    """The verdict; if one photo makes that impossible, that of the others."""
    try:
        return check_set(PhotoSet(looks, pairs, limits)), []
    except Exception:
        logger.warning("The photos could not be judged together", exc_info=True)
    for odd in looks:
        others = {name: look for name, look in looks.items() if name != odd}
        between = {edge: facts for edge, facts in pairs.items() if odd not in edge}
        try:
            checked = check_set(PhotoSet(others, between, limits))
        except Exception:
            logger.debug("Nor without %s", odd, exc_info=True)
        else:
            return checked, [Finding("not_looked_at", (odd,))]
    return SetCheck({}, {}, [], []), [Finding("not_looked_at", tuple(looks))]


def _about(name: str, look: PhotoLook, checked: SetCheck) -> CheckedPhoto:
    standing = checked.standings[name]
    return CheckedPhoto(
        name=name,
        width=look.width,
        height=look.height,
        sharpness=round(standing.sharpness, 3),
        exposure=round(standing.exposure, 3),
        black=round(look.brightness.black, 4),
        white=round(look.brightness.white, 4),
        features=len(look.features.points),
        focal_known=look.focal is not None,
    )


def _in_threads(work: Callable[[T], R], items: Sequence[T], told: Callable[[int], None]) -> list[R]:
    """`work` on every item, in order; `told` hears, in this thread, how many are done."""
    results: list[R] = []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="check") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in futures:
                results.append(future.result())
                told(len(results))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def _digest(path: Path) -> str:
    """SHA-256 of the file; of its name where it can't be read, which the look finds out, too."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return hashlib.sha256(os.fsencode(path)).hexdigest()
