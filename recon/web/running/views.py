"""What can already be seen of a running job, as files: for its owner, and behind its link."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from pathlib import Path

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.jobs import sharing
from recon.jobs.folder import mirror
from recon.models import Artifact, Job, Share
from recon.splats.snapshots import read_snapshot
from recon.web.access import (
    NotThere,
    check_asked_by_page,
    own_job_or_404,
    shared_job_or_404,
    signed_in,
    unlisted,
)
from recon.web.running import cloud, features_picture
from recon.web.serving import GONE, check_contained, serve_file

#: The files of a set of snapshots, as `recon.splats.live` names them, and their media types.
_SNAPSHOT = re.compile(r"(scene-[0-9a-f-]{1,40}\.splat|render-[0-9a-f-]{1,40}\.jpg)")
_MEDIA = {".splat": "application/octet-stream", ".jpg": "image/jpeg"}


@require_safe
@signed_in
def features(request: SignedInRequest, pk: uuid.UUID) -> HttpResponseBase:
    """One of the photos with its features drawn on it. Only its owner gets it."""
    picture = features_picture.features_of(own_job_or_404(request, pk))
    if picture is None:
        raise NotThere(GONE)
    return serve_file(request, picture, "features.jpg", "image/jpeg", saved=False)


@require_safe
@signed_in
def own_cloud(request: SignedInRequest, pk: uuid.UUID) -> HttpResponseBase:
    return _cloud(request, own_job_or_404(request, pk))


@require_safe
@signed_in
def snapshot(request: SignedInRequest, pk: uuid.UUID, name: str) -> HttpResponseBase:
    return _snapshot(request, own_job_or_404(request, pk), name)


@require_safe
@unlisted
def public_cloud(request: HttpRequest, pub_key: str) -> HttpResponseBase:
    job = shared_job_or_404(request, pub_key)
    if job.share.downloads == Share.Downloads.NOTHING:
        check_asked_by_page(request)
    return _cloud(request, job)


@require_safe
@unlisted
def public_snapshot(request: HttpRequest, pub_key: str, name: str) -> HttpResponseBase:
    """A scene in training is a scene too: it must not be a way around a download that is not
    offered.
    """
    job = shared_job_or_404(request, pub_key)
    if name.endswith(".splat") and not sharing.may_download(job, Artifact.Kind.SPLAT):
        check_asked_by_page(request)
    return _snapshot(request, job, name)


def _cloud(request: HttpRequest, job: Job) -> HttpResponseBase:
    """Points and cameras, JSON as in `recon.web.running.cloud`."""
    content = cloud.cloud_of(job)
    if content is None:
        raise NotThere(GONE)
    return serve_file(request, content, "cloud.json", "application/json", saved=False)


def _snapshot(request: HttpRequest, job: Job, name: str) -> HttpResponseBase:
    """A file of the scene in training; where it is gone already, what came after it.

    Two sets are kept, for seconds, and none beyond the end: who is slow to fetch one still gets a
    scene.
    """
    if not _SNAPSHOT.fullmatch(name):
        raise NotThere(GONE)
    workspace = job.workspace
    mirror.pull(job, *(mirror.path_of(job, one) for one in (workspace.snapshot, workspace.poster)))
    path = job.workspace.snapshot / name
    media = _MEDIA[path.suffix]
    with suppress(NotThere):
        return serve_file(request, check_contained(job, path), name, media, saved=False)
    return serve_file(
        request, check_contained(job, _successor(job, path)), name, media, saved=False
    )


def _successor(job: Job, path: Path) -> Path:
    """Of `path`'s kind, the last snapshot's or else the finished scene's; `path` without either."""
    workspace = job.workspace
    newest = read_snapshot(workspace.snapshot)
    if path.suffix == ".jpg":
        return newest.render if newest else workspace.poster
    if newest:
        return newest.splat
    return next(workspace.point_cloud.glob("iteration_*/scene.splat"), path)
