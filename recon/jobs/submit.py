"""Makes jobs: from uploads, from the photos of an earlier job, from the sample photos.

Files first, then the rows in one transaction, then the queue when that has committed. If anything
fails on the way, neither a row nor a file is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from recon.jobs import lifecycle, tags, titles
from recon.jobs.folder import mirror, photo_files
from recon.jobs.people import quotas, team_log
from recon.jobs.photo_upload import check_upload
from recon.jobs.samples import sample_photos
from recon.jobs.site_config import resolved_config, usual_wishes
from recon.models import Job, Photo, Share, Team
from recon.pipeline.known_poses.placement import link_poses
from recon.pipeline.photos.photo_count import check_count
from recon.pipeline.wishes import Wishes


def create_job(
    owner: User,
    uploads: Sequence[UploadedFile],
    *,
    team: Team | None = None,
    title: str = "",
    wishes: Wishes | None = None,
    shared: bool = False,
    sharing: Mapping[str, object] | None = None,
) -> Job:
    """A new job on uploaded photos, queued when the transaction commits.

    Without `wishes` it gets the site's usual ones; `sharing` are the other columns of `Share`.
    Raises UserError for what is wrong with the photos, `quotas.may_start`'s, and
    PipelineError("disk_full") when they find no room.
    """
    check_count(len(uploads), settings.MIN_PHOTOS, settings.MAX_PHOTOS)
    checked = [check_upload(upload) for upload in uploads]
    job = new_job(owner, team=team, title=title, wishes=wishes)
    job.share = Share(is_on=shared, **(sharing or {}))
    with photo_files.new_folder(job):
        photos = []
        for number, (upload, facts) in enumerate(zip(uploads, checked, strict=True), start=1):
            photo = photo_files.photo_row(job, number, upload, facts)
            photo_files.write(upload, photo.path)
            photo_files.keep_small(photo, facts)
            photos.append(photo)
        _commit(job, photos)
    if shared:
        team_log.note_scenes([job], team_log.Kind.SCENE_SHARED, owner)
    return job


def run_again(
    job: Job,
    *,
    title: str | None = None,
    wishes: Wishes | None = None,
    by: User | None = None,
) -> Job:
    """A new job on the same photos, where `job` belongs; their files are shared, not copied.

    What is not given is as in `job`, `by` as in `new_job_like`. Raises
    UserError("photo_unreadable") where a file is gone, and `quotas.may_start`'s.
    """
    again = new_job_like(job, title=title, wishes=wishes, by=by)
    again.photos_from = job
    again.is_sample = job.is_sample
    with photo_files.new_folder(again):
        photos = photo_files.link_photos(job, again)
        link_poses(job.workspace, again.workspace)
        check_count(len(photos), settings.MIN_PHOTOS, settings.MAX_PHOTOS)
        _commit(again, photos, source=job)
    tags.copy(job, again)
    return again


def create_sample_job(owner: User, *, gives_way: bool = False) -> Job:
    """A new job on the photos that the project renders itself. One that nobody requested
    `gives_way` to what people start. Raises `quotas.may_start`'s.
    """
    job = new_job(owner)
    job.title = job.automatic_title = titles.unused_title(job, gettext("Sample photos"))
    job.is_sample = True
    job.gives_way = gives_way
    with photo_files.new_folder(job):
        photos = []
        for position, sample in enumerate(sample_photos(), start=1):
            photo = Photo(
                job=job,
                position=position,
                name=sample.path.name,
                original_name=sample.path.name,
                sha256=sample.sha256,
                size=sample.path.stat().st_size,
                width=sample.width,
                height=sample.height,
            )
            photo_files.link(sample.path, photo.path, shown_as=photo.name)
            photos.append(photo)
        _commit(job, photos)
    return job


def new_job(
    owner: User, *, team: Team | None = None, title: str = "", wishes: Wishes | None = None
) -> Job:
    """A job with these wishes, or with the site's usual ones. Not saved, and not shared."""
    wishes = wishes or usual_wishes()
    job = Job(
        owner=owner,
        team=team,
        title=clean_title(title),
        wishes=wishes,
        config=resolved_config(wishes).to_dict(),
    )
    job.share = Share()
    return job


def new_job_like(
    job: Job,
    *,
    title: str | None = None,
    wishes: Wishes | None = None,
    by: User | None = None,
) -> Job:
    """A job that belongs where `job` does, with its title and wishes where none are given. In a
    team it is whose wish it is (`by`): people take turns, not teams. Not saved."""
    title = job.title if title is None else title
    owner = by if by is not None and job.team_id is not None else job.owner
    made = new_job(owner, team=job.team, title=title, wishes=wishes or job.wishes)
    made.automatic_title = job.automatic_title
    return made


def clean_title(title: str) -> str:
    """As much of the typed text as fits into a title."""
    return title.strip()[:120]


def _commit(job: Job, photos: Sequence[Photo], *, source: Job | None = None) -> None:
    """`source`: the job that has the photos' files; None: they lie here, just sent."""
    stored = mirror.upload(job, [photo.path for photo in photos]) if source is None else []
    with transaction.atomic():
        quotas.may_start(job, sum(photo.size for photo in photos))
        named = titles.titles_of(job, job.title, photos, shared=job.share.is_on)
        for column, value in named.items():
            setattr(job, column, value)
        job.save(force_insert=True)
        Photo.objects.bulk_create(photos)
        if source is not None:
            photo_files.list_linked(source, job, photos)
        mirror.record(stored)
        lifecycle.put_in_line(job)
