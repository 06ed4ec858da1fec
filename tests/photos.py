"""Photos for tests: real sets if this machine has them, otherwise the project's own rendered ones.

The real sets are research data and never part of the project. They are in `RECON_PHOTOS` (default:
`shared/photos` next to the project's folder). A test that only makes sense on one of them is marked
`real_photos("name")`: if the set is missing, the test is deselected, which pytest counts and
reports, and a similar test on rendered photos runs everywhere.
"""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recon.samples import SETS, write_photos
from recon.samples.scene import Surface
from tests.no_skips import in_ci
from tests.run_folder import dear, once

PROJECT = Path(__file__).resolve().parent.parent


def _lit_once(place: Callable[[], list[Surface]]) -> Callable[[], list[Surface]]:
    """`place`, lit by one process of the run for all of them, and for all the sets rendered in it.

    Lighting takes seconds and always gives the same result: a test renders in another process and
    compares.
    """
    name = f"lit-{place.__name__}"

    def light(folder: Path) -> None:
        (folder / "surfaces.pickle").write_bytes(pickle.dumps(place()))

    @functools.cache
    def surfaces() -> list[Surface]:
        with (once(name, light) / "surfaces.pickle").open("rb") as file:
            lit: list[Surface] = pickle.load(file)  # noqa: S301 - this test run wrote it
        return lit

    return dear(surfaces)


_LIT_ONCE = {place: _lit_once(place) for place in {s.place for s in SETS.values()}}
SETS.update({name: replace(chosen, place=_LIT_ONCE[chosen.place]) for name, chosen in SETS.items()})


def real_folder(name: str) -> Path:
    root = os.environ.get("RECON_PHOTOS")
    return (Path(root) if root else PROJECT.parent / "shared" / "photos") / name


def has_real(name: str) -> bool:
    """Whether tests may ask for the set. In CI always: there a missing set is a failure."""
    return in_ci() or real_folder(name).is_dir()


def real_photos(name: str) -> list[Path]:
    """The set's photos by name; a test that gets here without them has failed."""
    if not real_folder(name).is_dir():
        pytest.fail(
            f"{real_folder(name)} is missing. CI needs it; elsewhere the test that wants it is "
            f"marked real_photos({name!r})."
        )
    return sorted(p for p in real_folder(name).iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))


def photos_of(name: str) -> tuple[list[Path], bool]:
    """The set's photos and True, or the sample photos and False if it is missing."""
    if has_real(name):
        return real_photos(name), True
    return rendered_photos(), False


def rendered_photos() -> list[Path]:
    """The sample photos as a newcomer gets them, rendered once per run."""
    return sorted(once("sample-photos", _render).glob("*.jpg"))


def _render(folder: Path) -> None:
    write_photos(folder)
