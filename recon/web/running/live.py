"""What can already be seen of a running job: features, then points, then the scene growing.

`of_owner` and `of_link` differ in their addresses, and a shared page gets no picture of a photo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from django.urls import reverse
from django.utils.translation import gettext

from recon.jobs.folder import mirror
from recon.models import Job
from recon.splats.snapshots import read_snapshot
from recon.web.running import cloud, curve, features_picture
from recon.web.running.curve import Curve
from recon.web.scene import Viewer


@dataclass(frozen=True)
class Growing:
    """The scene in training, as its newest snapshot has it."""

    mark: str  # changes with each snapshot
    scene_url: str
    render_url: str
    view: dict[str, object] | None  # where `render_url` was taken from, as the viewer wants it
    step: int
    of: int
    held_out: bool
    curve: Curve | None


@dataclass(frozen=True)
class Live:
    """What there is to see; "" if nothing."""

    features_url: str
    cloud_url: str
    growing: Growing | None

    @property
    def shows(self) -> str:
        """The best of it: "scene", "cloud", "features", or "" while there is nothing."""
        if self.growing:
            return "scene"
        return "cloud" if self.cloud_url else "features" if self.features_url else ""

    @property
    def blank_viewer(self) -> Viewer:
        """A viewer for `_viewer.html` that the page's script fills in with the first scene."""
        return {"scene_url": "", "poster_url": "data:,", "view": None, "bytes": 0,
                "title": gettext("The scene so far")}  # fmt: skip

    @property
    def mark(self) -> str:
        """Changes whenever there is more to see."""
        grown = self.growing.mark if self.growing else ""
        return f"{self.features_url} {self.cloud_url} {grown}"


def of_owner(job: Job) -> Live:
    """For the job's page, photos included."""
    if not job.is_processing:
        return NOTHING
    features = features_picture.is_ready(job)
    return Live(
        features_url=reverse("recon:features", args=(job.pk,)) if features else "",
        cloud_url=reverse("recon:cloud", args=(job.pk,)) if cloud.is_ready(job) else "",
        growing=_growing(job, lambda name: reverse("recon:snapshot", args=(job.pk, name))),
    )


def of_link(job: Job) -> Live:
    """For the page behind a share link: nothing that shows a photo, and figures where its owner
    shows them."""
    if not job.is_processing:
        return NOTHING
    key = job.share.key
    growing = _growing(job, lambda name: reverse("recon:public_snapshot", args=(key, name)))
    if growing and not job.share.shows_figures:
        growing = replace(growing, curve=None)
    return Live(
        features_url="",
        cloud_url=reverse("recon:public_cloud", args=(key,)) if cloud.is_ready(job) else "",
        growing=growing,
    )


NOTHING = Live("", "", None)


def _growing(job: Job, url: Callable[[str], str]) -> Growing | None:
    mirror.pull(job, *(mirror.path_of(job, one) for one in _watched(job)), exactly=True)
    snapshot = read_snapshot(job.workspace.snapshot)
    if snapshot is None:
        return None
    size = job.config.get("train", {}).get("max_image_size")
    view = cloud.view_from(job.workspace, snapshot.photo, size)
    return Growing(
        mark=snapshot.splat.name,
        scene_url=url(snapshot.splat.name),
        render_url=url(snapshot.render.name),
        view=view.to_dict() if view else None,
        step=snapshot.step,
        of=snapshot.of,
        held_out=snapshot.held_out,
        curve=curve.of(snapshot),
    )


def _watched(job: Job) -> tuple[Path, ...]:
    return job.workspace.snapshot, job.workspace.sparse
