"""Whether each job ended once, and nothing is left of the box that was cut off."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from django.conf import settings

from benchmarks.boxes.site import Site
from benchmarks.faults import judging
from recon.jobs.folder import mirror
from recon.models import Artifact, Job, StoredFile
from recon.pipeline.progress import WORKING_STEPS

#: Bytes of a Gaussian in a .splat file.
SPLAT_BYTES = 32


@dataclass
class Verdict:
    """Sentences about what should not be, by kind; and what is no fault, but worth knowing."""

    not_done: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    unlisted: int = 0  # objects of attempts that were cut off, before they are swept

    @property
    def sentences(self) -> list[str]:
        lists = {name: found for name, found in vars(self).items() if isinstance(found, list)}
        return [f"{name}: {one}" for name, found in lists.items() for one in found]


def judge(site: Site, accepted: Collection[str], *, real: bool, before: dict[str, Any]) -> Verdict:
    """All jobs have ended. `before` is `facts_of_ended` from when the box was still cut off. Ends
    all programs of the site."""
    verdict = Verdict()
    there = {str(job.pk): job for job in Job.objects.all()}
    verdict.not_done += [f"{pk} was accepted and is gone" for pk in accepted if pk not in there]
    verdict.twice += [f"{pk} was sent by nobody" for pk in there if pk not in accepted]
    for job in there.values():
        verdict.not_done += not_done(job) if real else judging.lost(job)
        verdict.twice += twice(job) if real else judging.doubled(job)
    now = facts_of_ended()
    verdict.late += [f"{pk} has changed after its end" for pk in before if now[pk] != before[pk]]
    for box in site.boxes.values():
        verdict.processes += [f"{box.name}: {line}" for line in box.end_programs()]
    verdict.unlisted = len(unlisted(site))
    for box in site.boxes.values():
        with mock.patch.object(settings, "DATA_DIR", box.folder / "data"):
            judging.clean()
            verdict.files += [f"{box.name}: {one}" for one in temporary_files()]
    verdict.files += [f"object {key} has no row" for key in unlisted(site)]
    verdict.files += [f"row {key} has no object" for key in missing(site)]
    return verdict


def facts_of_ended() -> dict[str, Any]:
    """Whatever a late write could change of jobs that have ended, by their numbers."""
    return {
        str(job.pk): (
            job.status,
            job.attempt,
            job.completed_at,
            sorted(job.artifacts.values_list("kind", "path", "size", "sha256")),
            sorted(job.stored_files.values_list("path", "key", "sha256")),
            sorted(job.stage_runs.values_list("attempt", "step", "outcome")),
        )
        for job in Job.objects.filter(status__in=Job.ENDED)
    }


def not_done(job: Job) -> Iterator[str]:
    """Whether a real reconstruction has not ended with its scene."""
    if job.status != Job.Status.COMPLETED:
        yield f"{job.pk} is {job.status}: {job.error_code}"
        return
    mirror.pull(job)
    found = {one.kind: one for one in job.artifacts.all()}
    scene = found.get(Artifact.Kind.SPLAT)
    if scene is None or not scene.file.is_file():
        yield f"{job.pk} is done and has no scene"
        return
    size = scene.file.stat().st_size
    if not size or size % SPLAT_BYTES or size != scene.size:
        yield f"{job.pk} has half a scene"
    for row in StoredFile.objects.filter(job=job):
        content = (job.folder / row.path).read_bytes()
        if hashlib.sha256(content).hexdigest() != row.sha256:
            yield f"{job.pk} has another {row.path} than was sent"


def twice(job: Job) -> Iterator[str]:
    """What there is twice of what a real reconstruction has once."""
    if job.notices.count() > 1:
        yield f"{job.pk} has {job.notices.count()} notices"
    ends = job.stage_runs.filter(step=WORKING_STEPS[-1].value, outcome="done").count()
    if ends != 1:
        yield f"{job.pk} finished {ends} times"
    kinds = list(job.artifacts.values_list("kind", flat=True))
    if len(set(kinds)) != len(kinds):
        yield f"{job.pk} has two files of a kind"


def unlisted(site: Site) -> set[str]:
    return _objects(site) - set(StoredFile.objects.values_list("key", flat=True))


def missing(site: Site) -> set[str]:
    return set(StoredFile.objects.values_list("key", flat=True)) - _objects(site)


def temporary_files() -> Iterator[str]:
    """What a writer on this machine has left in jobs' folders, and uploads that nobody reads."""
    data = settings.DATA_DIR
    for path in (data / "jobs").glob("*/**/.*"):
        if path.name != judging.lock.LOCK_NAME:
            yield f"{path.relative_to(data)} is left"
    yield from (f"{path.name} is left" for path in (data / "incoming").glob("*"))


def _objects(site: Site) -> set[str]:
    return {key for key in site.store.objects() if "/" in key}
