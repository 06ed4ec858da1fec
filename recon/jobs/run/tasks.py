"""What a work horse does: one attempt at one job. The only task on the queue.

Runs in a forked process of its own (`recon.jobs.run.worker`), the first place that may import torch
or touch CUDA. The task owns the status; the pipeline only says what happened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from instarecon_site.monitoring import tracing
from recon.jobs import attempts, lifecycle, publish
from recon.jobs.folder import data_folder, mirror, object_store, photo_files
from recon.jobs.folder import lock as folder_lock
from recon.jobs.people import quotas
from recon.jobs.run.polite_stop import asked_by_sigterm
from recon.jobs.run.pulse import Pulse
from recon.jobs.run.reporter import SiteReporter
from recon.jobs.run.sender import Sender
from recon.models import Job
from recon.pipeline.config import from_dict
from recon.pipeline.errors import Cancelled, Interrupted, PipelineError, TimeLimit
from recon.pipeline.machine import disk, memory
from recon.pipeline.outcome import Summary

logger = logging.getLogger(__name__)

#: A predecessor that was declared dead notices within seconds that it is not wanted.
LOCK_WAIT_S = 30.0


def run_job(job_id: str, attempt: int) -> None:
    """Runs one attempt, unless it was cancelled, deleted or taken over meanwhile.

    Holds the folder's lock from before the claim until after the last write, so that a running
    job with a free lock is nobody's. Raises FolderBusy when a predecessor still writes there
    after a wait; the job stays PENDING and `reconcile` queues it again. Likewise with
    ForeignDataFolder: the job's folder is not missing, it lies elsewhere.
    """
    data_folder.require_own()
    folder = Path(settings.DATA_DIR) / "jobs" / job_id
    mirror.make_folder(Job(pk=job_id))
    try:
        with folder_lock.hold(folder, wait_s=LOCK_WAIT_S):
            job = lifecycle.start(job_id, attempt)
            if job is None:
                logger.info("Job %s, attempt %s: nothing to do, somebody else won", job_id, attempt)
                return
            _run_attempt(job)
    except FileNotFoundError:
        if lifecycle.start(job_id, attempt):
            logger.error("Job %s has no folder %s", job_id, folder)
            lifecycle.fail(job_id, attempt, "internal")


def _run_attempt(job: Job) -> None:
    with Pulse(job) as pulse, Sender(job) as sender, asked_by_sigterm() as stop:
        try:
            mirror.pull_here(job)
            publish.forget_finished(job)
            reporter = SiteReporter(job, pulse.lost, stop, sender)
            if job.attempt > 1:
                reporter.log(f"Attempt {job.attempt}: finished steps are kept")
            summary = _run(job, reporter)
            _record(job, summary, sender, stopped=stop.is_set())
        except TimeLimit:
            lifecycle.fail(
                job.pk, job.attempt, "timed_out", {"minutes": settings.JOB_TIMEOUT_MINUTES}
            )
        except Interrupted:
            sender.keep_for_next()
            attempts.hand_back(job.pk, job.attempt)
        except Cancelled:
            logger.info("Job %s, attempt %s was cancelled", job.pk, job.attempt)
        except object_store.NotNow as error:  # nobody's fault here, and over in some minutes
            logger.warning("Job %s, attempt %s waits: %s", job.pk, job.attempt, error)
            attempts.hand_back(job.pk, job.attempt)
        except PipelineError as error:
            _fail(job, error.code, error.facts)
        except Exception as error:
            # Ours, and unforeseen (the pipeline itself names its faults): never left running.
            # The traceback goes to the worker's log; the job's may be what can't be written.
            logger.exception("Job %s, attempt %s failed", job.pk, job.attempt)
            named = _named(job, error)
            _fail(job, named.code, named.facts)
        finally:
            quotas.measure_ended(Job.objects.filter(pk=job.pk))


def _run(job: Job, reporter: SiteReporter) -> Summary:
    """The pipeline, in a trace where somebody collects them. Raises whatever it raises."""
    span = tracing.present()
    tracing.note(span, {"preset": job.wishes.preset})
    try:
        summary: Summary = _pipeline()(job.workspace, from_dict(job.config), reporter)
    except BaseException as error:
        reporter.end_span(type(error).__name__)
        tracing.note(span, {"outcome": type(error).__name__})
        raise
    reporter.end_span(summary.error_code or "")
    tracing.note(span, {"outcome": summary.status, "error_code": summary.error_code})
    return summary


def _record(job: Job, summary: Summary, sender: Sender, *, stopped: bool) -> None:
    """Writes down how the run ended.

    Raises Interrupted for one that calls itself cancelled where the machine is about to stop
    (`stopped`).
    """
    if summary.status == "COMPLETED":
        publish.note_finished(job, summary)
        sender.ended()
        publish.publish(job, summary)
    elif summary.status == "FAILED":
        sender.ended()
        _fail(job, summary.error_code or "internal", summary.error_facts)
    elif summary.status == "CANCELLED" and stopped:
        raise Interrupted


def _named(job: Job, error: Exception) -> PipelineError:
    """What an unforeseen error is for people."""
    if disk.explains(error, Path(settings.DATA_DIR)):
        return photo_files.disk_full(job)
    return PipelineError("out_of_memory" if memory.explains(error) else "internal")


def _fail(job: Job, code: str, facts: Mapping[str, object]) -> None:
    """Ends the attempt. Without memory it is tried again, as where the kernel killed it for that:
    what took the memory may be gone by then."""
    if code == "out_of_memory":
        attempts.worker_lost(job.pk, job.attempt)
    else:
        lifecycle.fail(job.pk, job.attempt, code, facts)


def _pipeline() -> Callable[..., Any]:
    """The pipeline, imported only here: it brings torch. Tests of job life name another one."""
    name = getattr(settings, "PIPELINE_RUNNER", "recon.pipeline.runner.run_pipeline")
    pipeline: Callable[..., Any] = import_string(name)
    return pipeline
