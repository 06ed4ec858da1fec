"""What a person may wish for a scene, through a form, a program, or the command line.

`wishes_to_settings.resolve` turns it into settings. A title is not a wish: it changes nothing about
the scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from recon.pipeline.records import VERSION, as_record

#: The one that is bearable on a laptop without a GPU.
QUICK = "quick"

#: From the quickest to the most detailed; `presets.PRESETS` has their settings.
PRESET_NAMES = (QUICK, "standard", "high")

#: What presets were called before, and are still called by programs and in stored rows.
EARLIER_NAMES = {"draft": QUICK}

#: What may be asked of the outlier filter.
OUTLIER_FILTERS = ("auto", "always", "never")


@dataclass(frozen=True)
class Wishes:
    """What was asked for, as it was asked. Raises ValueError for an unknown preset or filter."""

    preset: str = "standard"
    original_resolution: bool = False  # keep the photos' full size
    cross_validate: bool = False  # hold out every photo once, where there are few
    final_refine: bool = True  # deliver a model that was finished with all photos
    without_poses: bool = False  # don't use camera positions that came with the photos
    outlier_filter: str = "auto"  # one of OUTLIER_FILTERS; "auto" leaves it to the settings
    make_anyway: bool = False  # deliver the scene even if it is none

    def __post_init__(self) -> None:
        object.__setattr__(self, "preset", find_preset(self.preset))
        _check("preset", self.preset, PRESET_NAMES)
        _check("outlier_filter", self.outlier_filter, OUTLIER_FILTERS)

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> Wishes:
        """What `to_dict` wrote. A wish that is missing is not made. Raises records.RecordError."""
        return as_record(stored, cls, Path("wishes"))

    def to_dict(self) -> dict[str, object]:
        return {"version": VERSION, **asdict(self)}


def find_preset(name: str) -> str:
    """Today's name of a preset."""
    return EARLIER_NAMES.get(name, name)


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
