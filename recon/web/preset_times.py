"""What each preset gives and takes on this machine, as the forms say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.jobs import time_left
from recon.models import Job
from recon.templatetags.wording import about

#: What is reckoned with before there are photos: a phone's.
TYPICAL = ((4000, 3000),) * 10

_SAID = {
    Job.Preset.DRAFT: _("Small and quick: {time} here with {count} photos."),
    Job.Preset.STANDARD: _("More detail: {time} here with {count} photos."),
    Job.Preset.HIGH: _("The most detail and the biggest file: {time} here with {count} photos."),
}


@dataclass(frozen=True)
class PresetOption:
    """One preset to choose."""

    value: str
    label: str
    said: str
    time: str  # what it takes here, "about 3 min"


def preset_options(sizes: Sequence[tuple[int, int]] = ()) -> list[PresetOption]:
    """The presets for photos of these sizes (width, height in px), or of as many as are typical
    where there are too few yet."""
    sizes = sizes if len(sizes) >= settings.MIN_PHOTOS else TYPICAL
    seconds = time_left.preset_times(sizes)
    times = {preset: about(_middle(*seconds[preset])) for preset in _SAID}
    return [
        PresetOption(
            value=preset.value,
            label=str(preset.label),
            said=str(said).format(time=times[preset], count=len(sizes)),
            time=times[preset],
        )
        for preset, said in _SAID.items()
    ]


def usual_time() -> str:
    """What a scene takes here that asks for nothing special."""
    seconds = time_left.preset_times(TYPICAL)[settings.DEFAULT_PRESET]
    said = gettext("{time} here with {count} photos")
    return said.format(time=about(_middle(*seconds)), count=len(TYPICAL))


def _middle(low: float, high: float) -> float:
    """Of a range that is as wide in either direction in logarithms."""
    return float((low * high) ** 0.5)
