"""Why a job waits although it may be its turn: a sentence for whoever waits for it."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext

from recon.jobs.workers import needs
from recon.models import Job, Worker
from recon.pipeline.words.sizes import MB, size_in_words


def obstacle_of(job: Job, workers: Iterable[Worker]) -> str:
    """What keeps a waiting job from being done, or from being done well; "" where nothing does, or
    where no worker has ever registered."""
    workers = list(workers)
    if not job.is_pending or not workers:
        return ""
    suitable = needs.suitable(job, workers)
    serving = [one for one in suitable if one.is_present and not one.is_drained]
    needed = size_in_words(job.gpu_memory_mb * MB)
    largest = needs.largest_card(workers)
    if serving:
        if all(needs.is_too_small(one, job) for one in serving):
            return gettext(
                "It probably needs {needed} of graphics memory, and the largest card here has"
                " {largest}. If that is too little, the scene is trained at a lower resolution."
            ).format(needed=needed, largest=size_in_words((largest or 0) * MB))
        return ""
    if not suitable:
        return gettext("No machine of this site does the preset “{preset}”.").format(
            preset=job.preset_label
        )
    if any(one.is_present and not one.is_drained for one in workers):
        return gettext(
            "It needs a graphics card with {needed}, and no machine that has one takes scenes at"
            " the moment."
        ).format(needed=needed)
    return gettext("No machine takes scenes at the moment.")
