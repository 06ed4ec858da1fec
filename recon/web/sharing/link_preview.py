"""What other sites get to know of a shared scene: link previews, oEmbed, the snippet to embed it.

Everything here is behind the share link already: title, poster, address. Nothing of a private one.
"""

from __future__ import annotations

from typing import TypedDict
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext_lazy as _
from PIL import Image, UnidentifiedImageError

from recon.jobs.folder import mirror
from recon.models import Job
from recon.web.access import NotThere, shared_job_or_404
from recon.web.scene import poster_of, poster_url, share_url
from recon.web.sharing import preview_picture

WIDTH, HEIGHT = 800, 600  # px of a frame where nobody says otherwise


def job_at(request: HttpRequest, address: str) -> Job:
    """The shared job whose page is at `address`, an absolute URL of this site.

    Raises NotThere, and LinkLocked where the link has a password.
    """
    base = urlsplit(settings.BASE_URL)
    try:
        asked = urlsplit(address)
        path = asked.path.removeprefix(base.path.rstrip("/"))
        here = asked.netloc == base.netloc and "\0" not in path
        match = resolve(path) if here else None
    except (Resolver404, ValueError):  # what is no address at all
        match = None
    if match is None or match.view_name != "recon:public":
        raise NotThere(_("This is not the address of a shared scene."))
    return shared_job_or_404(request, match.kwargs["pub_key"])


class Picture(TypedDict):
    """A picture's absolute address, and its size in px."""

    url: str
    width: int
    height: int


class Card(TypedDict):
    """What the page's head tells of the scene."""

    title: str
    url: str
    oembed_url: str
    preview: Picture | None


def card_of(job: Job) -> Card:
    page = share_url(job)
    endpoint = settings.BASE_URL.rstrip("/") + reverse("recon:oembed")
    return {
        "title": job.name,
        "url": page,
        "oembed_url": f"{endpoint}?{urlencode({'url': page, 'format': 'json'})}",
        "preview": _preview(job),
    }


def snippet(job: Job, width: int = WIDTH, height: int = HEIGHT) -> str:
    """The HTML that shows a scene on somebody's own page."""
    context = {"job": job, "url": f"{share_url(job)}?embed=1", "width": width, "height": height}
    return render_to_string("recon/_snippet.html", context).strip()


def oembed_of(job: Job, max_width: int | None, max_height: int | None) -> dict[str, object]:
    """The answer of type "rich" (oembed.com, 2.3.4) for a frame of at most that many px."""
    width, height = _fitted(max_width, WIDTH), _fitted(max_height, HEIGHT)
    answer: dict[str, object] = {
        "version": "1.0",
        "type": "rich",
        "provider_name": "InstaRecon3D",
        "provider_url": settings.BASE_URL,
        "title": job.name,
        "html": snippet(job, width, height),
        "width": width,
        "height": height,
    }
    poster = _poster(job)
    too_large = poster and (
        poster["width"] > (max_width or poster["width"])
        or poster["height"] > (max_height or poster["height"])
    )
    if poster and not too_large:
        answer |= {f"thumbnail_{name}": value for name, value in poster.items()}
    return answer


def _fitted(most: int | None, wanted: int) -> int:
    return wanted if most is None else max(min(most, wanted), 1)


def _preview(job: Job) -> Picture | None:
    """The picture that link previews show."""
    if _poster(job) is None:
        return None
    return {
        "url": _address(job, "recon:public_preview"),
        "width": preview_picture.WIDTH,
        "height": preview_picture.HEIGHT,
    }


def _poster(job: Job) -> Picture | None:
    """None where there is no poster."""
    artifact = poster_of(job)
    if artifact is None:
        return None
    mirror.pull(job, artifact.path)
    try:
        with Image.open(artifact.file, formats=("JPEG",)) as image:
            width, height = image.size
    except (FileNotFoundError, UnidentifiedImageError):
        return None
    return {"url": _address(job, "recon:public_poster"), "width": width, "height": height}


def _address(job: Job, name: str) -> str:
    return settings.BASE_URL.rstrip("/") + poster_url(job, reverse(name, args=(job.share.key,)))
