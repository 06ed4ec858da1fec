"""A share link's state: on or off, its password, its views, and what it offers. Changes only rows.
When a link ends is the row's to say: `Share.is_over`.

Each change is an UPDATE of its own columns, so two tabs can't undo each other's other settings.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User
from recon.jobs.people import team_log
from recon.models import Artifact, Job, Share, link_is_open, new_key

#: The kinds of files that may be downloaded from a link, by what its owner chose.
_OFFERED: dict[str, tuple[Artifact.Kind, ...]] = {
    Share.Downloads.NOTHING: (),
    Share.Downloads.SPLAT: (Artifact.Kind.SPLAT, Artifact.Kind.SPZ),
    Share.Downloads.ALL: (
        Artifact.Kind.SCENE_PLY,
        Artifact.Kind.SPLAT,
        Artifact.Kind.SPZ,
        Artifact.Kind.TURNTABLE,
        Artifact.Kind.POSTER,
    ),
}

_KINDS = {True: team_log.Kind.SCENE_SHARED, False: team_log.Kind.SCENE_UNSHARED}


def open_links() -> QuerySet[Job]:
    """The jobs whose link works now, password or not. A draft is never public."""
    return Job.objects.with_rows().filter(link_is_open()).exclude(status=Job.Status.DRAFT)


@transaction.atomic
def change(job: Job, *, by: User | None = None, **changes: object) -> None:
    """Writes these columns of `Share`, in the job's row and in `job`. `by`: whose wish it is, for
    the log of the job's team; as below."""
    was_on = job.share.is_on
    Share.objects.filter(job=job).update(**changes)
    for name, value in changes.items():
        setattr(job.share, name, value)
    if job.share.is_on != was_on:
        team_log.note_scenes([job], _KINDS[job.share.is_on], by)


@transaction.atomic
def switch_on(jobs: Iterable[Job], *, by: User | None = None) -> None:
    """A link that had expired works again, without an expiry: that is what the switch says."""
    jobs = list(jobs)
    chosen = Share.objects.filter(job__in=[job.pk for job in jobs])
    chosen.filter(until__lte=timezone.now()).update(until=None)
    chosen.update(is_on=True)
    team_log.note_scenes(jobs, _KINDS[True], by)


@transaction.atomic
def switch_off(jobs: Iterable[Job], *, by: User | None = None) -> None:
    jobs = list(jobs)
    Share.objects.filter(job__in=[job.pk for job in jobs]).update(is_on=False)
    team_log.note_scenes(jobs, _KINDS[False], by)


def renew(job: Job, *, by: User | None = None) -> None:
    """A new link, switched on; the old one never works again."""
    change(job, by=by, is_on=True, key=new_key())


def end(job: Job, *, by: User | None = None) -> None:
    """The link never works again: sharing is off, and a later link is another one."""
    change(job, by=by, is_on=False, key=new_key())


def may_download(job: Job, kind: str) -> bool:
    """Whether the owner lets people with the link download this kind of file. A page gets what it
    shows in any case: see `recon.web.sharing.link_views`.
    """
    return kind in _OFFERED.get(job.share.downloads, ())


def hash_password(password: str) -> str:
    """What is stored of a link's password; nothing for an empty one, which means none."""
    return make_password(password) if password else ""


def password_is_right(job: Job, password: str) -> bool:
    return check_password(password, job.share.password)


def proof(job: Job) -> str:
    """What the session keeps of a visitor who has entered the password: void after a new link or
    password.
    """
    return salted_hmac("recon.jobs.sharing", f"{job.share.key}\n{job.share.password}").hexdigest()


def proves(job: Job, session_proof: str) -> bool:
    return constant_time_compare(session_proof, proof(job))


def count_view(job: Job) -> None:
    """Counted in the database: visitors come at the same time."""
    Share.objects.filter(job=job).update(views=F("views") + 1)


def gallery_of(owner_pk: int) -> QuerySet[Job]:
    """The scenes on a person's public page: their own, marked, done, and open to everybody."""
    marked = open_links().filter(owner_id=owner_pk, team=None)
    marked = marked.filter(share__in_gallery=True, share__password="")
    return marked.filter(status=Job.Status.COMPLETED)
