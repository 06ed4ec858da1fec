"""Fills the database of `benchmarks/waiting_pages.py`, and counts the queries of one request.

    python -m benchmarks.parts.waiting_rows WAITING DRAFTS

Runs in a separate process, with the benchmark's settings in the environment. Prints one JSON
object: a session, the jobs in line and how many queries each kind of request makes.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from instarecon_site import folders  # noqa: E402
from recon.jobs.folder import data_folder  # noqa: E402
from recon.jobs.reconcile import reconcile  # noqa: E402
from recon.models import Job, Photo, StageRun  # noqa: E402
from recon.pipeline.presets import PRESETS  # noqa: E402
from recon.pipeline.progress import WORKING_STEPS  # noqa: E402

ENDED, PHOTOS, STEP_S = 60, 12, 20


def main(waiting: int, drafts: int) -> None:
    folders.make()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    ann = User.objects.create_user("ann@example.org", "a long enough password")
    line = _rows(ann, waiting, drafts)
    client = Client(SERVER_NAME="localhost")
    client.force_login(ann)
    data_folder.confirm()  # the very first round pairs folder and database
    page = f"/jobs/{line[-1].pk}/"
    asked = {
        "a waiting page": _queries(lambda: client.get(page)),
        "its news": _queries(lambda: client.get(f"{page}progress/")),
        "/recon/queue": _queries(lambda: client.get("/recon/queue")),
        "the gallery": _queries(lambda: client.get("/jobs/")),
        "reconcile": _queries(reconcile),
    }
    facts = {"session": client.session.session_key, "jobs": [str(job.pk) for job in line]}
    sys.stdout.write(json.dumps(facts | {"asked": asked}) + "\n")


def _rows(ann: User, waiting: int, drafts: int) -> list[Job]:
    """Makes all rows; returns the waiting jobs, in line."""
    now = timezone.now()
    line = _jobs(ann, waiting, status=Job.Status.PENDING)
    ended = _jobs(ann, ENDED, status=Job.Status.COMPLETED, completed_at=now, stored_bytes=0)
    left = _jobs(ann, drafts, status=Job.Status.DRAFT, edited_at=now)
    Photo.objects.bulk_create(
        Photo(job=job, name=f"{n}.jpg", original_name=f"{n}.jpg", sha256=f"{n:064}", size=1,
              width=4000, height=3000, position=n)
        for job in [*line, *ended, *left]
        for n in range(PHOTOS)
    )  # fmt: skip
    began = now - timedelta(seconds=STEP_S)
    StageRun.objects.bulk_create(
        StageRun(job=job, attempt=1, step=step.value, outcome=StageRun.Outcome.DONE,
                 started_at=began, ended_at=now)
        for job in ended
        for step in WORKING_STEPS
    )  # fmt: skip
    return line


def _jobs(ann: User, count: int, **fields: Any) -> list[Job]:
    config = PRESETS["quick"].to_dict()
    return Job.objects.bulk_create(
        Job(owner=ann, title=f"Fern {n}", config=config, **fields) for n in range(count)
    )


def _queries(ask: Any) -> int:
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
