"""Makes the people and jobs of `benchmarks.load`, in the database of its environment.

    python -m benchmarks.load.rows line WAITING UPLOADERS
    python -m benchmarks.load.rows archive JOBS

`line`: jobs that wait, with a photo each, of people who each have some; and people who will upload.
`archive`: jobs that have ended, and a tenth that wait, of one person who is of the staff; how many
queries their pages make. Prints one line of JSON: sessions and addresses.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
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
from benchmarks.load.pictures import picture  # noqa: E402
from instarecon_site import folders  # noqa: E402
from recon.jobs.folder import data_folder  # noqa: E402
from recon.models import Artifact, Job, Photo, Share, StageRun  # noqa: E402
from recon.pipeline.presets import PRESETS  # noqa: E402
from recon.pipeline.progress import WORKING_STEPS  # noqa: E402

#: How many jobs of the line a person has; how many have ended before, for the time left.
OF_A_PERSON, ENDED, STEP_S = 5, 60, 2
#: The pages that are slow first where there are many jobs, and who may see them.
PAGES = {
    "the gallery": "/jobs/",
    "the gallery, its last page": "/jobs/?page=400",
    "the gallery, searched": "/jobs/?q=fern+77",
    "a public gallery": "/u/boss/",
    "`/recon/queue`": "/recon/queue",
    "the queue page": "/admin/queue/",
    "the staff’s page": "/staff/",
    "jobs in `/admin/`": "/admin/recon/job/",
}


def main() -> None:
    what, *counts = sys.argv[1:]
    folders.make()
    call_command("migrate", verbosity=0)
    data_folder.require_own()  # while both are new
    made = line(*map(int, counts)) if what == "line" else archive(*map(int, counts))
    sys.stdout.write(json.dumps(made) + "\n")


def line(waiting: int, uploaders: int) -> dict[str, Any]:
    owners = _people("owner", -(-waiting // OF_A_PERSON))
    jobs = _jobs([owners[n % len(owners)] for n in range(waiting)], status=Job.Status.PENDING)
    for job in jobs:
        job.workspace.upload.mkdir(parents=True)
        (job.workspace.upload / "0.jpg").write_bytes(picture(random.Random(str(job.pk)), (64, 48)))  # noqa: S311
    _photos(jobs, 1)
    _runs(_jobs(owners[:1] * ENDED, status=Job.Status.COMPLETED, completed_at=timezone.now(),
                stored_bytes=0))  # fmt: skip
    sessions = {owner.pk: _session(owner) for owner in owners}
    return {
        "pages": [[f"/jobs/{job.pk}/", sessions[job.owner_id]] for job in jobs],
        "uploaders": [_session(one) for one in _people("uploader", uploaders)],
    }


def archive(count: int) -> dict[str, Any]:
    boss = User.objects.create_superuser("boss@example.org", "a long enough password")
    User.objects.filter(pk=boss.pk).update(gallery_open=True, handle="boss")
    now, waiting = timezone.now(), count // 10
    jobs = _jobs([boss] * waiting, status=Job.Status.PENDING)
    ended = _jobs([boss] * (count - waiting), status=Job.Status.COMPLETED, completed_at=now,
                  stored_bytes=10**8)  # fmt: skip
    Share.objects.filter(job__in=ended[:1000]).update(is_on=True, in_gallery=True)
    _photos([*jobs, *ended], 4)
    _runs(ended)
    Artifact.objects.bulk_create(
        (Artifact(job=job, kind=kind, path="nothing", size=1)
         for job in ended for kind in ("ply", "splat", "spz", "poster")), batch_size=5000,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as PostgreSQL does by itself after a while
    client = Client(SERVER_NAME="localhost")
    client.force_login(boss)
    queries = {name: _queries(lambda where=path: client.get(where)) for name, path in PAGES.items()}
    return {"session": client.session.session_key, "queries": queries, "pages": PAGES}


def _people(kind: str, count: int) -> list[User]:
    """Without a password that anybody could have: hashing hundreds would take minutes."""
    return [
        User.objects.create(email=f"{kind}{number}@example.org", password="!")  # noqa: S106
        for number in range(count)
    ]


def _session(person: User) -> str:
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    return str(client.session.session_key)


def _jobs(owners: list[User], **fields: Any) -> list[Job]:
    config = PRESETS["quick"].to_dict()
    jobs = [
        Job(owner=owner, title=f"Fern {number}", config=config, turn=float(number), **fields)
        for number, owner in enumerate(owners)
    ]
    return Job.objects.bulk_create(jobs, batch_size=1000)


def _photos(jobs: list[Job], count: int) -> None:
    Photo.objects.bulk_create(
        (Photo(job=job, name=f"{n}.jpg", original_name=f"IMG_{n:04}.jpg", position=n,
               sha256=f"{job.pk.hex}{n:032}", size=1, width=4000, height=3000)
         for job in jobs for n in range(count)), batch_size=5000,
    )  # fmt: skip


def _runs(jobs: list[Job]) -> None:
    now = timezone.now()
    StageRun.objects.bulk_create(
        (StageRun(job=job, attempt=1, step=step.value, outcome=StageRun.Outcome.DONE,
                  started_at=now - timedelta(seconds=STEP_S), ended_at=now)
         for job in jobs for step in WORKING_STEPS), batch_size=5000,
    )  # fmt: skip


def _queries(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = ask()
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.status_code} for {answer.request['PATH_INFO']}")
    return len(asked)


if __name__ == "__main__":
    main()
