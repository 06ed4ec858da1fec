"""What a page says of a job, to its owner and to people with its link.

`PublicJob` is all that a share link's templates get to see: no photos, no file names, no log, no
words that may quote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recon.jobs import sharing
from recon.jobs.folder import mirror
from recon.models import Artifact, Job
from recon.pipeline.quality import Verdict

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

OWN_DOWNLOADS = {
    Artifact.Kind.SPZ: _("Scene as shown, small (SPZ)"),
    Artifact.Kind.SCENE_PLY: _("Scene as shown (PLY)"),
    Artifact.Kind.TURNTABLE: _("Turntable video (MP4)"),
    Artifact.Kind.SPLAT: _("Scene as shown (.splat)"),
    Artifact.Kind.POSTER: _("Picture (JPEG)"),
    Artifact.Kind.PLY: _("All Gaussians, unfiltered (PLY)"),
    Artifact.Kind.FILTERED_PLY: _("Without stray spots (PLY)"),
    Artifact.Kind.COLMAP: _("COLMAP model (zip)"),
    Artifact.Kind.RESULTS: _("Quality figures (JSON)"),
    Artifact.Kind.CAMERAS: _("Camera poses (JSON)"),
}
#: What most people want of these: a scene made before there was SPZ has .splat for it. The others
#: are folded away.
_WANTED = (Artifact.Kind.SPZ, Artifact.Kind.SCENE_PLY, Artifact.Kind.TURNTABLE)
#: The scene's PLYs, each a part of the one before it or all of it: those of one size are the same.
_PLYS = (Artifact.Kind.SCENE_PLY, Artifact.Kind.PLY, Artifact.Kind.FILTERED_PLY)
#: Kinds of artifacts that the viewer reads; of those that a job has it gets the smallest.
VIEWER_SCENES = ("spz", "splat")
#: What a share link may offer to take away: by which address and under which name. Room is short
#: there.
PUBLIC_DOWNLOADS = {
    Artifact.Kind.SCENE_PLY: ("recon:public_ply", _("Scene (PLY)")),
    Artifact.Kind.SPLAT: ("recon:public_splat", _("Scene (.splat)")),
    Artifact.Kind.SPZ: ("recon:public_spz", _("Scene (SPZ)")),
    Artifact.Kind.TURNTABLE: ("recon:public_turntable", _("Video (MP4)")),
}


class Download(TypedDict):
    """A file that may be taken away."""

    kind: str
    label: StrOrPromise
    url: str
    size: int  # bytes
    folded: NotRequired[bool]  # among those that few people want


class Viewer(TypedDict):
    """What `_viewer.html` needs."""

    scene_url: str
    bytes: int
    poster_url: str
    view: dict[str, object] | None
    title: str
    views_url: NotRequired[str]
    file_name: NotRequired[str]
    first_url: NotRequired[str]  # of the part that is shown first; empty without one
    first_bytes: NotRequired[int]
    to_load: NotRequired[int]  # bytes, of both
    turns: NotRequired[bool]  # until it is touched
    cover_url: NotRequired[str]  # where the owner sends another picture


class SceneChoice(TypedDict):
    """One of the two scenes that a run makes, with and without stray spots."""

    key: str
    url: str
    size: int  # bytes
    count: int | None  # Gaussians
    delivered: bool
    current: bool


@dataclass(frozen=True, kw_only=True)
class PublicJob:
    """The facts of a job that anybody with its link may know."""

    name: str
    description: str
    status: str
    get_status_display: str
    step: str
    percent: float
    has_ended: bool
    is_completed: bool
    is_failed: bool
    is_processing: bool
    is_pending: bool
    pub_key: str
    view: dict[str, object] | None
    gaussian_count: int | None
    verdict: Verdict | None  # None also where the owner hides the figures: it is made of them

    @classmethod
    def of(cls, job: Job) -> PublicJob:
        return cls(
            name=job.name,
            description=job.share.description,
            status=job.status,
            get_status_display=job.get_status_display(),
            step=job.step,
            percent=job.percent,
            has_ended=job.has_ended,
            is_completed=job.is_completed,
            is_failed=job.is_failed,
            is_processing=job.is_processing,
            is_pending=job.is_pending,
            pub_key=job.share.key,
            view=job.start_view,
            gaussian_count=job.figures.gaussian_count,
            verdict=job.verdict if job.share.shows_figures else None,
        )


def share_url(job: Job) -> str:
    """The absolute address to send to a friend; it works while the job is shared."""
    return settings.BASE_URL.rstrip("/") + reverse("recon:public", args=(job.share.key,))


def elapsed_seconds(job: Job) -> float | None:
    """Seconds that the last attempt has worked so far, or worked in all. None before it starts."""
    if job.started_at is None:
        return None
    return ((job.completed_at or timezone.now()) - job.started_at).total_seconds()


def poster_of(job: Job) -> Artifact | None:
    """The finished scene's picture."""
    if not job.is_completed:
        return None
    return next((one for one in job.artifacts.all() if one.kind == Artifact.Kind.POSTER), None)


def poster_url(job: Job, address: str) -> str:
    """`address` of a poster, or of what is made of it, so that no copy of an earlier one is shown;
    "" where there is none."""
    poster = poster_of(job)
    return f"{address}?v={poster.mark}" if poster else ""


def own_downloads(job: Job) -> list[Download]:
    """The files that the owner may fetch, each folded away or not. A PLY that is the same as one
    before it is left out."""
    sizes = _sizes(job)
    of_a_size = {sizes[kind]: kind for kind in reversed(_PLYS) if kind in sizes}
    again = set(_PLYS) - set(of_a_size.values())
    offers = {
        kind: (reverse("recon:file", args=(job.pk, kind.value)), label)
        for kind, label in OWN_DOWNLOADS.items()
        if kind not in again
    }
    wanted = _WANTED if Artifact.Kind.SPZ in sizes else (Artifact.Kind.SPLAT, *_WANTED)
    return [{**one, "folded": one["kind"] not in wanted} for one in _downloads(sizes, offers)]


def public_downloads(job: Job) -> list[Download]:
    """Those that a share link offers, in the same form: nothing with a photo or its name, and
    nothing that its owner keeps back."""
    return _downloads(
        _sizes(job),
        {
            kind: (reverse(name, args=(job.share.key,)), label)
            for kind, (name, label) in PUBLIC_DOWNLOADS.items()
            if sharing.may_download(job, kind)
        },
    )


def own_viewer(job: Job) -> Viewer | None:
    """The viewer on the job's page, or None where there is no scene to show."""
    return _viewer(
        job,
        scenes={kind: reverse("recon:file", args=(job.pk, kind)) for kind in VIEWER_SCENES},
        first_address=reverse("recon:file", args=(job.pk, Artifact.Kind.FIRST.value)),
        poster_address=reverse("recon:file", args=(job.pk, Artifact.Kind.POSTER.value)),
        views_url=reverse("recon:views", args=(job.pk,)),
    )


def scene_choices(job: Job, chosen: str) -> list[SceneChoice]:
    """The scene with and without stray spots, for the owner. [] where the filter took nothing away,
    or a file is gone.

    `chosen` is a key, of the one to show; anything else shows the delivered one.
    """
    if not job.is_completed:
        return []
    artifacts = {artifact.kind: artifact for artifact in job.artifacts.all()}
    counts = {kind: _gaussians_in(artifacts.get(kind)) for kind in _CHOICES}
    if None in counts.values() or len(set(counts.values())) == 1:
        return []
    delivered = artifacts.get(Artifact.Kind.SCENE_PLY)
    keys = list(_CHOICES.values())
    choices: list[SceneChoice] = []
    for kind, key in _CHOICES.items():
        is_delivered = delivered is not None and artifacts[kind].path == delivered.path
        formats = VIEWER_SCENES if is_delivered else (Artifact.Kind.OTHER_SPZ,)
        shown = min(
            (artifacts[one] for one in formats if one in artifacts),
            key=lambda artifact: artifact.size,
            default=artifacts[kind],  # a PLY is several times as large
        )
        choices.append(
            {
                "key": key,
                "url": reverse("recon:file", args=(job.pk, shown.kind)),
                "size": shown.size,
                "count": counts[kind],
                "delivered": is_delivered,
                "current": key == chosen if chosen in keys else is_delivered,
            }
        )
    return choices


#: Files of the two, and how addresses call them.
_CHOICES = {Artifact.Kind.FILTERED_PLY: "filtered", Artifact.Kind.PLY: "all"}


def _gaussians_in(artifact: Artifact | None) -> int | None:
    """How many Gaussians a PLY has; None where it is gone."""
    return artifact.gaussians if artifact and mirror.has(artifact.job, artifact.path) else None


def public_viewer(job: Job) -> Viewer | None:
    """The same for the page behind a share link, where the scene turns until it is touched."""
    viewer = _viewer(
        job,
        scenes={kind: _public_scene(job, kind) for kind in VIEWER_SCENES},
        first_address=reverse(
            "recon:public_scene", args=(job.share.key, Artifact.Kind.FIRST.value)
        ),
        poster_address=reverse("recon:public_poster", args=(job.share.key,)),
        views_url=reverse("recon:public_views", args=(job.share.key,)),
    )
    if viewer:
        viewer["turns"] = True
    return viewer


def _public_scene(job: Job, kind: str) -> str:
    """Where the viewer behind a share link gets the scene: where everybody may, or from an address
    of its own."""
    if sharing.may_download(job, kind):
        name, _label = PUBLIC_DOWNLOADS[Artifact.Kind(kind)]
        return reverse(name, args=(job.share.key,))
    return reverse("recon:public_scene", args=(job.share.key, kind))


def _downloads(
    sizes: Mapping[str, int], offers: Mapping[Artifact.Kind, tuple[str, StrOrPromise]]
) -> list[Download]:
    """`offers`: address and label by kind; those of which a file is there, by its size."""
    return [
        {"kind": kind.value, "label": label, "url": url, "size": sizes[kind]}
        for kind, (url, label) in offers.items()
        if kind in sizes
    ]


def _viewer(
    job: Job, *, scenes: dict[str, str], first_address: str, poster_address: str, views_url: str
) -> Viewer | None:
    """`scenes`: addresses by kind of artifact; those that the job has are offered to the viewer."""
    sizes = _sizes(job)
    formats = [(sizes[kind], url) for kind, url in scenes.items() if kind in sizes]
    if not formats:
        return None
    size, scene_url = min(formats)
    first_size = sizes.get(Artifact.Kind.FIRST, 0)
    return {
        "scene_url": scene_url,
        "bytes": size,
        "first_url": first_address if first_size else "",
        "first_bytes": first_size,
        "to_load": first_size + size,
        "poster_url": poster_url(job, poster_address),
        "views_url": views_url,
        "view": job.start_view,
        "title": job.name,
        "file_name": job.file_stem,
    }


def _sizes(job: Job) -> dict[str, int]:
    """Bytes by kind of artifact; empty unless the job is done."""
    if not job.is_completed:
        return {}
    return {artifact.kind: artifact.size for artifact in job.artifacts.all()}
