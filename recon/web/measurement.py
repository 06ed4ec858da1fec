"""How a job's figures were measured, in plain words: which photos, which model, at which size."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import pluralize

from recon.models import Job
from recon.web.metrics import SCALES, recorded_of


def measurement_of(job: Job) -> dict[str, Any]:
    """What the page tells beside the figures. Names no photo, so a share link may tell it too.

    said: the protocol, and what became of the scene after it was measured, in a sentence
    each_once, exposure: whether each photo was held out once, and whether exposure was matched
    size, own_size: px, the longest side compared (None for the photos' own), and the figures at
    the photos' own size where they differ, else empty
    """
    recorded = recorded_of(job)
    split = recorded.get("split", {"train": [], "test": []})
    return {
        "said": _protocol(job, len(split["test"]), len(split["train"])),
        "each_once": _each_once(job),
        "exposure": job.psnr_corrected is not None,
        "size": recorded.get("max_image_size"),
        "own_size": _at_own_size(job, recorded),
    }


def _each_once(job: Job) -> bool:
    return job.protocol == Job.Protocol.CROSS_VALIDATION


def _protocol(job: Job, held_out: int, trained: int) -> str:
    """Which photos the figures are of, and which the scene was made of; empty without figures."""
    if job.psnr is None:
        return ""
    photos = held_out + trained
    all_of_them = f"all {photos} photos" if photos else "all photos"
    if _each_once(job):
        began = f"Each of the {photos} photos" if photos else "Each photo"
        said = (
            f"{began} was held out once: these figures are of models that never saw the photo "
            "they were compared with"
        )
    else:
        which = f"{held_out} of {photos} photos" if photos else "Some photos"
        was = pluralize(held_out, "was,were") if photos else "were"
        it = pluralize(held_out, "it,them") if photos else "them"
        said = f"{which} {was} held out: these figures are of a model that never saw {it}"
    if job.refined:
        return f"{said}. The scene shown was then finished with {all_of_them}."
    return f"{said}. The scene shown is made without {_left_out(job, held_out)}."


def _left_out(job: Job, held_out: int) -> str:
    if _each_once(job):
        return f"{held_out} of them" if held_out else "some of them"
    return "it" if held_out == 1 else "them"


def _at_own_size(job: Job, recorded: dict[str, Any]) -> str:
    try:
        of = recorded["cross_validation"] if _each_once(job) else recorded[recorded["scene"]]
        own = of["at_photo_size"]
    except KeyError:
        return ""
    return ", ".join(
        f"{scale.label} {scale.figure.format(own[scale.label])}"
        for scale in SCALES
        if own.get(scale.label) is not None and own[scale.label] != recorded[scale.key]
    )
