"""What a job needs of the worker that does it, and which workers have that.

A card that is too small would train at a reduced resolution, so a job waits for one that is large
enough. Where no card that ever registered is, it goes to the largest: an estimate is no reason to
wait for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Max, Q

from recon.models import Job, Photo, Worker
from recon.pipeline.config import PipelineConfig, from_dict
from recon.pipeline.forecast.gpu_memory import needed_mb
from recon.pipeline.presets import PRESETS
from recon.pipeline.wishes import PRESET_NAMES


def gpu_memory_mb(job: Job) -> int:
    """Megabytes of a graphics card that it probably needs, from the rows of its photos."""
    sizes = list(Photo.objects.filter(job=job).order_by().values_list("width", "height"))
    return needed_mb(sizes, config_of(job))


def config_of(job: Job) -> PipelineConfig:
    """Its settings; the preset's where it has some that this version does not know."""
    base = PRESETS[job.wishes.preset]
    try:
        return from_dict(job.config, base=base)
    except ValueError:
        return base


def what_suits(worker: Worker) -> Q:
    """The condition on jobs that this worker may do."""
    suits = Q()
    if set(worker.presets) < set(PRESET_NAMES):
        suits &= Q(wishes__preset__in=worker.presets)
    largest = Worker.objects.aggregate(largest=Max("gpu_memory_mb"))["largest"]
    if worker.gpu_memory_mb is not None and worker.gpu_memory_mb < (largest or 0):
        suits &= Q(gpu_memory_mb__lte=worker.gpu_memory_mb)
    return suits


def largest_card(workers: Iterable[Worker]) -> int | None:
    """Megabytes of the largest card among them; None where all work on the CPU."""
    return max((w.gpu_memory_mb for w in workers if w.gpu_memory_mb is not None), default=None)


def suitable(job: Job, workers: Sequence[Worker]) -> list[Worker]:
    """Those of all `workers` that ever registered which may do the job, present or not."""
    largest, wanted = largest_card(workers), (job.wishes.preset, job.gpu_memory_mb)
    return [worker for worker in workers if suits(worker, *wanted, largest)]


def suits(worker: Worker, preset: str, memory_mb: int, largest: int | None) -> bool:
    """Whether a worker may do a job with this preset that needs so much memory: the same rule as
    `what_suits`. `largest` is the largest card of all workers."""
    memory = worker.gpu_memory_mb
    return preset in worker.presets and (memory is None or memory >= memory_mb or memory == largest)


def is_too_small(worker: Worker, job: Job) -> bool:
    """Whether the worker's card has less than the job probably needs."""
    return worker.gpu_memory_mb is not None and worker.gpu_memory_mb < job.gpu_memory_mb
