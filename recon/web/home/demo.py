"""The demo scene, which every site has from its first start: static/demo/ (scripts/demo_scene.py).

No row of the database knows of it, so it is there where the database is not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils.translation import gettext

from recon.models import Figures, Job, Share
from recon.web.result.measurement import measurement_of
from recon.web.result.metrics import metrics_of
from recon.web.scene import PublicJob

FOLDER = settings.BASE_DIR / "static" / "demo"
SCENE, POSTER, VIEWS = (f"demo/{name}" for name in ("scene.spz", "poster.webp", "views.json"))


@dataclass(frozen=True)
class Facts:
    """What scripts/demo_scene.py wrote down."""

    job: dict[str, Any]  # columns of `Job`
    figures: dict[str, Any]  # columns of `Figures`
    recorded: dict[str, Any]  # of the run's results.json
    turns: dict[str, Any]  # how the start page turns it: view, arc
    bytes: int  # of the scene


@cache
def facts() -> Facts:
    content = json.loads((FOLDER / "facts.json").read_text())
    size = (FOLDER / "scene.spz").stat().st_size
    return Facts(content["job"], content["figures"], content["recorded"], content["turns"], size)


def hero() -> dict[str, Any]:
    """What the start page shows of it: addresses of scene and poster, how it turns, counts."""
    known = facts()
    return {
        "scene": static(SCENE),
        "poster": static(POSTER),
        "turns": known.turns,
        "photos": known.figures["registered"],
        "gaussians": known.figures["gaussian_count"],
    }


def page() -> dict[str, Any]:
    """The context of recon/demo.html: what a share link's page has."""
    known = facts()
    title = gettext("Sample courtyard")
    description = gettext(
        "Made from {photos} rendered pictures of a courtyard that exists only in a computer. From "
        "there on, everything was done as with anybody’s photos."
    ).format(photos=known.figures["registered"])
    job = Job(title=title, status=Job.Status.COMPLETED, **known.job)
    job.share, job.figures = Share(description=description), Figures(**known.figures)
    viewer = {
        "scene_url": static(SCENE),
        "bytes": known.bytes,
        "poster_url": static(POSTER),
        "views_url": static(VIEWS),
        "view": job.view,
        "title": title,
        "file_name": "courtyard",
        "turns": True,
    }
    download = {"kind": "spz", "label": gettext("Scene (SPZ)"), "url": static(SCENE)}
    return {
        "job": PublicJob.of(job),
        "metrics": metrics_of(job, recorded=known.recorded),
        "measurement": measurement_of(job, recorded=known.recorded),
        "viewer": viewer,
        "downloads": [download | {"size": known.bytes}],
    }
