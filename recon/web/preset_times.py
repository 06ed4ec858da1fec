"""What each preset gives and how long it takes on this machine, as the forms say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.jobs.time_left import outlook
from recon.models import Job
from recon.pipeline.forecast.time_left import Range
from recon.templatetags.wording import time_range

#: A wait too short to mention, in seconds.
AT_ONCE_S = 10.0

#: What is assumed before there are photos: a phone's.
TYPICAL = ((4000, 3000),) * 10

_SAID = {
    Job.Preset.QUICK: _("Less detail: {time} here with {count} photos."),
    Job.Preset.STANDARD: _("More detail: {time} here with {count} photos."),
    Job.Preset.HIGH: _("The most detail and the biggest file: {time} here with {count} photos."),
}


@dataclass(frozen=True)
class PresetOption:
    """One preset to choose."""

    value: str
    label: str
    said: str
    time: str  # what it takes here, "2 to 3 min"


def preset_options(sizes: Sequence[tuple[int, int]] = ()) -> list[PresetOption]:
    """The presets for photos of these sizes (width, height in px), or of as many as are typical
    where there are too few yet."""
    sizes = _known_or_typical(sizes)
    return _options(outlook.preset_times(sizes), len(sizes))


def start_context(owner_pk: int | None, sizes: Sequence[tuple[int, int]] = ()) -> dict[str, object]:
    """What `_wishes.html` says about a scene of these photos if this person starts it now."""
    sizes = _known_or_typical(sizes)
    durations, start = outlook.times_from_now(sizes, owner_pk)
    return {"preset_options": _options(durations, len(sizes)), "line_said": _line_said(start)}


def _known_or_typical(sizes: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    return sizes if len(sizes) >= settings.MIN_PHOTOS else TYPICAL


def _options(durations: Mapping[str, Range], count: int) -> list[PresetOption]:
    times = {preset: time_range(durations[preset]) for preset in _SAID}
    return [
        PresetOption(
            value=preset.value,
            label=str(preset.label),
            said=str(said).format(time=times[preset], count=count),
            time=times[preset],
        )
        for preset, said in _SAID.items()
    ]


def usual_time() -> str:
    """How long a scene without special wishes takes here."""
    seconds = outlook.preset_times(TYPICAL)[settings.DEFAULT_PRESET]
    said = gettext("{time} here with {count} photos")
    return said.format(time=time_range(seconds), count=len(TYPICAL))


def _line_said(start: Range) -> str:
    """That a scene started now has to wait, and for how long; "" if it begins at once."""
    if start.high <= AT_ONCE_S:
        return ""
    said = gettext("Other scenes are made first: yours starts in {time}.")
    return said.format(time=time_range(start))
