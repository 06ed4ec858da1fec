"""The demo scene, which every site has from its first start: static/demo/ (scripts/demo_scene.py).

It has no row in the database, so it is there even when the database is not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import TypedDict

from django.conf import settings
from django.templatetags.static import static
from django.utils.translation import gettext

from recon.models import Figures, Job, Share
from recon.pipeline.records import read_record
from recon.pipeline.results import Conditions
from recon.pipeline.start_view import StartView
from recon.pipeline.workspace import write_json
from recon.web.result.measurement import Measurement, measurement_of
from recon.web.result.metrics import Metric, metrics_of
from recon.web.scene import Download, PublicJob, Viewer

FOLDER = settings.BASE_DIR / "static" / "demo"
SCENE, POSTER, VIEWS = (f"demo/{name}" for name in ("scene.spz", "poster.webp", "views.json"))
_FACTS = FOLDER / "facts.json"


@dataclass(frozen=True, kw_only=True)
class DemoFigures:
    """What the run would have written to its job's `Figures`."""

    psnr: float  # dB
    ssim: float
    lpips: float | None
    psnr_corrected: float
    ssim_corrected: float
    protocol: str
    refined: bool
    registered: int  # photos
    gaussian_count: int


@dataclass(frozen=True)
class Turns:
    """How the start page turns it: from `view`, upright, and this far to each side."""

    view: StartView
    arc: tuple[float, float]  # radians around the target; positive is about up, by the right hand


@dataclass(frozen=True)
class Lens:
    """What the run took for the camera's lens, as pycolmap has it."""

    model: str
    width: int  # px
    height: int  # px
    params: tuple[float, ...]


@dataclass(frozen=True)
class Facts:
    """What scripts/demo_scene.py writes down: static/demo/facts.json."""

    view: StartView
    figures: DemoFigures
    turns: Turns
    lens: Lens
    conditions: Conditions

    @classmethod
    def read(cls) -> Facts:
        """Raises FileNotFoundError and RecordError."""
        return read_record(_FACTS, cls)

    def write(self) -> None:
        write_json(_FACTS, asdict(self))


class Hero(TypedDict):
    """What the start page shows: addresses of scene and poster, how it turns, counts."""

    scene: str
    poster: str
    turns: dict[str, object]
    photos: int
    gaussians: int


class Page(TypedDict):
    """The context of recon/demo.html: what a share link's page has."""

    job: PublicJob
    metrics: list[Metric]
    measurement: Measurement
    viewer: Viewer
    downloads: list[Download]


@cache
def facts() -> Facts:
    return Facts.read()


@cache
def scene_size() -> int:
    """Bytes."""
    return (FOLDER / "scene.spz").stat().st_size


def hero() -> Hero:
    known = facts()
    return {
        "scene": static(SCENE),
        "poster": static(POSTER),
        "turns": {"view": known.turns.view.to_dict(), "arc": known.turns.arc},
        "photos": known.figures.registered,
        "gaussians": known.figures.gaussian_count,
    }


def page() -> Page:
    known = facts()
    title = gettext("Sample courtyard")
    description = gettext(
        "Made from {photos} rendered pictures of a courtyard that exists only in a computer. From "
        "there on, everything was done as with anybody’s photos."
    ).format(photos=known.figures.registered)
    job = Job(title=title, status=Job.Status.COMPLETED, view=known.view.to_dict())
    job.share, job.figures = Share(description=description), Figures(**asdict(known.figures))
    viewer: Viewer = {
        "scene_url": static(SCENE),
        "bytes": scene_size(),
        "poster_url": static(POSTER),
        "views_url": static(VIEWS),
        "view": job.view,
        "title": title,
        "file_name": "courtyard",
        "turns": True,
    }
    download: Download = {
        "kind": "spz",
        "label": gettext("Scene (SPZ)"),
        "url": static(SCENE),
        "size": scene_size(),
    }
    return {
        "job": PublicJob.of(job),
        "metrics": metrics_of(job, conditions=known.conditions),
        "measurement": measurement_of(job, conditions=known.conditions),
        "viewer": viewer,
        "downloads": [download],
    }
