"""Readers who take their time over a shared scene's file, from one machine, with only a link.

    python -m benchmarks.attacks slow_readers

Each once held a thread from the first byte to the last.
"""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.attacks.site import AttackedSite, attacked_site
from benchmarks.attacks.slow import Crowd, count_ends, slow_reader
from benchmarks.attacks.watching import Watch, questions_of
from scripts.temporary_site import ROOT, site_environment

SECONDS = 20
#: Bytes per second, and bytes of the file.
RATE, SIZE = 20_000, 60_000_000
CROWDS = (0, 20, 60)

_MAKE_SCENE = """
import sys, django
django.setup()
from django.utils import timezone
from accounts.models import User
from recon.jobs import sharing
from recon.models import Artifact, Job
from recon.jobs.site_config import resolved_config
from recon.pipeline.wishes import Wishes
job = Job.objects.create(
    owner=User.objects.first(), status=Job.Status.COMPLETED, step="DONE",
    completed_at=timezone.now(), wishes=Wishes("quick"),
    config=resolved_config(Wishes("quick")).to_dict())
sharing.switch_on([job])
(job.folder / "output").mkdir(parents=True)
with open(job.folder / "output" / "scene.ply", "wb") as file:
    file.truncate(int(sys.argv[1]))
Artifact.objects.create(
    job=job, kind=Artifact.Kind.SCENE_PLY, path="output/scene.ply", size=int(sys.argv[1]))
print(job.share.key)
"""


def run() -> list[dict[str, str]]:
    rows = []
    with attacked_site() as site:
        ann, path = site.person(site.people[1]), f"/recon/pub/{_scene(site)}/cloud.ply"
        for count in CROWDS:
            readers = [slow_reader(site.port, path, {}, rate=RATE) for _ in range(count)]
            with Crowd(readers) as crowd, Watch(site, **questions_of(ann)) as seen:
                time.sleep(SECONDS)
            rows.append({"readers": str(count), "ended": count_ends(crowd.ended)} | seen.row())
    return rows


def _scene(site: AttackedSite) -> str:
    """A finished scene that is shared; the secret part of its link."""
    made = subprocess.run(
        [sys.executable, "-c", _MAKE_SCENE, str(SIZE)],
        env=site_environment(site.folder, **site.settings),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return made.stdout.split()[-1]
