"""How a job's figures were measured, in plain words: which photos, which model, at which size."""

from __future__ import annotations

from typing import TypedDict

from django.utils.translation import gettext, ngettext

from recon.models import Figures, Job
from recon.pipeline.results import Conditions
from recon.web.result.metrics import conditions_of


class Measurement(TypedDict):
    """What the page says beside the figures. Names no photo, so a share link may show it too."""

    said: str  # the protocol, and what became of the scene after it was measured, in a sentence
    each_once: bool  # each photo was held out once
    exposure: bool  # exposure was matched
    size: int | None  # px, the longest side compared, where the photos are larger


def measurement_of(job: Job, *, conditions: Conditions | None = None) -> Measurement:
    """`conditions` stands in for what `conditions_of` reads."""
    conditions = conditions or conditions_of(job)
    return {
        "said": _protocol(job, conditions.held_out, conditions.train),
        "each_once": _each_once(job),
        "exposure": job.figures.psnr_corrected is not None,
        "size": conditions.max_image_size if conditions.at_photo else None,
    }


def _each_once(job: Job) -> bool:
    return job.figures.protocol == Figures.Protocol.CROSS_VALIDATION


def _protocol(job: Job, held_out: int, training: int) -> str:
    """Which photos the figures are of, and which the scene was made of; empty without figures."""
    if job.figures.psnr is None:
        return ""
    photos = held_out + training
    measured = _each(photos) if _each_once(job) else _split(held_out, photos)
    shown = _finished(photos) if job.figures.refined else _left_out(job, held_out)
    return f"{measured} {shown}"


def _each(photos: int) -> str:
    if not photos:
        return gettext(
            "Each photo was kept aside once: every figure comes from a scene made without the "
            "photo that it is compared with."
        )
    return gettext(
        "Each of the {photos} photos was kept aside once: every figure comes from a scene made "
        "without the photo that it is compared with."
    ).format(photos=photos)


def _split(held_out: int, photos: int) -> str:
    if not photos:
        return gettext(
            "Some photos were kept aside: the figures come from a scene made without them."
        )
    return ngettext(
        "{held_out} of {photos} photos was kept aside: the figures come from a scene made "
        "without it.",
        "{held_out} of {photos} photos were kept aside: the figures come from a scene made "
        "without them.",
        held_out,
    ).format(held_out=held_out, photos=photos)


def _finished(photos: int) -> str:
    if not photos:
        return gettext("The scene that you see was then finished with all photos.")
    said = gettext("The scene that you see was then finished with all {photos} photos.")
    return said.format(photos=photos)


def _left_out(job: Job, held_out: int) -> str:
    if not _each_once(job):
        return ngettext(
            "The scene that you see is made without it.",
            "The scene that you see is made without them.",
            held_out,
        )
    if not held_out:
        return gettext("The scene that you see is made without some of them.")
    said = gettext("The scene that you see is made without {held_out} of them.")
    return said.format(held_out=held_out)
