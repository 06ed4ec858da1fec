"""A share link's state: on or off, its password, its views, and what it offers. Changes only rows.
When a link ends is the row's to say: `Share.is_over`.

Each change is an UPDATE of its own columns, so two tabs can't undo each other's other settings.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

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


def open_links() -> QuerySet[Job]:
    """The jobs whose link works now, password or not. A draft is never public."""
    return Job.objects.with_rows().filter(link_is_open()).exclude(status=Job.Status.DRAFT)


def change(job: Job, **changes: object) -> None:
    """Writes these columns of `Share`, in the job's row and in `job`."""
    Share.objects.filter(job=job).update(**changes)
    for name, value in changes.items():
        setattr(job.share, name, value)


def switch_on(jobs: Iterable[Job]) -> None:
    """A link that had expired works again, without an expiry: that is what the switch says."""
    chosen = Share.objects.filter(job__in=[job.pk for job in jobs])
    chosen.filter(until__lte=timezone.now()).update(until=None)
    chosen.update(is_on=True)


def switch_off(jobs: Iterable[Job]) -> None:
    Share.objects.filter(job__in=[job.pk for job in jobs]).update(is_on=False)


def renew(job: Job) -> None:
    """A new link, switched on; the old one never works again."""
    change(job, is_on=True, key=new_key())


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
    """The scenes on a person's public page: marked, done, and open to everybody."""
    marked = open_links().filter(owner_id=owner_pk, share__in_gallery=True, share__password="")
    return marked.filter(status=Job.Status.COMPLETED)
