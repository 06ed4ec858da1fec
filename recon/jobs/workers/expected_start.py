"""When a job that waits begins, from what each worker is at and which of those in front suit it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from recon.jobs.workers import needs
from recon.models import Job, Worker
from recon.pipeline.forecast.time_left import Range, begins_in, starts_in


class Waiting(NamedTuple):
    """What is known of a job in front."""

    duration: Range  # seconds
    preset: str
    gpu_memory_mb: int


def seconds_until(
    job: Job | None,
    running: Mapping[UUID, Range],
    ahead: Sequence[Waiting],
    workers: Sequence[Worker],
) -> Range | None:
    """Seconds until `job` begins, or one that any worker may do where it is None.

    `running` has what is left of the jobs that run, `ahead` those in front, in their order. None
    where no worker that takes jobs now may do it. Before any worker has registered, as many are
    counted as there should be.
    """
    serving = [one for one in workers if one.is_present and not one.is_drained]
    if not workers or (job is None and not serving):
        durations = [one.duration for one in ahead]
        return starts_in(list(running.values()), durations, settings.MAX_CONCURRENT_JOBS)
    largest = needs.largest_card(workers)

    def places(preset: str, memory_mb: int) -> list[int]:
        suit = (needs.suits(one, preset, memory_mb, largest) for one in serving)
        return [place for place, suits in enumerate(suit) if suits]

    own = places(job.wishes.preset, job.gpu_memory_mb) if job else list(range(len(serving)))
    if not own:
        return None
    free = [running.get(one.job_id, Range(0, 0)) if one.job_id else Range(0, 0) for one in serving]
    in_front = [(one.duration, places(one.preset, one.gpu_memory_mb)) for one in ahead]
    return begins_in(free, in_front, own)


def mean_of(waiting: Iterable[Waiting], count: int) -> list[Waiting]:
    """So many that each are the mean of these; none where there are none. Any worker may do them:
    they stand for jobs far in front."""
    ranges = [one.duration for one in waiting]
    if not ranges:
        return []
    low, high = (sum(side) / len(ranges) for side in zip(*ranges, strict=True))
    return [Waiting(Range(low, high), settings.DEFAULT_PRESET, 0)] * count
