"""Why a job waits: a code for programs, and a sentence for whoever waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext, ngettext

from recon.jobs.workers import needs
from recon.models import Job, Worker
from recon.pipeline.words.sizes import MB, size_in_words

#: Stable: programs go by them (docs/use/api-v1.md).
Code = Literal[
    "preset_not_served", "workers_away", "workers_draining", "no_worker_yet", "earlier_jobs",
    "workers_busy", "starting",
]  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Why a job waits."""

    code: Code
    text: str


def obstacle_of(job: Job, workers: Iterable[Worker]) -> str:
    """What keeps a waiting job from being done, or from being done well; "" where nothing does, or
    where no worker has ever registered."""
    workers = list(workers)
    if not job.is_pending or not workers:
        return ""
    suitable = needs.suitable(job, workers)
    serving = [one for one in suitable if _serves(one)]
    if serving:
        return _about_small_cards(job, serving, workers)
    return _nobody_serves(job, suitable, workers).text


def reason_of(job: Job, place: int) -> Reason:
    """Why a job waits that is the `place`-th in line: 1 is next."""
    workers = list(Worker.objects.all())
    suitable = needs.suitable(job, workers)
    serving = [one for one in suitable if _serves(one)]
    if not workers:
        return Reason("no_worker_yet", gettext("No machine has made a scene here yet."))
    if not serving:
        return _nobody_serves(job, suitable, workers)
    if place > 1:
        said = ngettext(
            "{count} scene comes first.", "{count} scenes come first.", place - 1
        ).format(count=place - 1)
        return Reason("earlier_jobs", said)
    if all(one.job_id for one in serving):
        said = gettext("It is next: the machines that can make it are busy with other scenes.")
        return Reason("workers_busy", said)
    return Reason("starting", gettext("It begins in a moment."))


def _serves(worker: Worker) -> bool:
    return worker.is_present and not worker.is_drained


def _nobody_serves(job: Job, suitable: Sequence[Worker], workers: Sequence[Worker]) -> Reason:
    """Where none of the `suitable` workers takes jobs now."""
    if not suitable:
        said = gettext("No machine of this site does the preset “{preset}”.")
        return Reason("preset_not_served", said.format(preset=job.preset_label))
    is_there = any(one.is_present for one in suitable)
    code: Code = "workers_draining" if is_there else "workers_away"
    if any(_serves(one) for one in workers):
        said = gettext(
            "It needs a graphics card with {needed}, and no machine that has one takes scenes at"
            " the moment."
        )
        return Reason(code, said.format(needed=size_in_words(job.gpu_memory_mb * MB)))
    return Reason(code, gettext("No machine takes scenes at the moment."))


def _about_small_cards(job: Job, serving: Sequence[Worker], workers: Sequence[Worker]) -> str:
    """Where all that would do it have too small a card."""
    if not all(needs.is_too_small(one, job) for one in serving):
        return ""
    return gettext(
        "It probably needs {needed} of graphics memory, and the largest card here has"
        " {largest}. If that is too little, the scene is trained at a lower resolution."
    ).format(
        needed=size_in_words(job.gpu_memory_mb * MB),
        largest=size_in_words((needs.largest_card(workers) or 0) * MB),
    )
