"""The picture in a pasted link's preview: all of the poster, in the shape that chats crop to.

They show 1.91 by 1 and crop what is higher, which leaves only the middle of a portrait. So its
sides are filled with the picture itself, out of focus.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageFilter, UnidentifiedImageError

from recon.jobs.folder import mirror
from recon.models import Job
from recon.web import files_on_demand
from recon.web.scene import poster_of

WIDTH, HEIGHT = 1200, 630  # px

_COARSE = 8  # times smaller the sides are made: they are out of focus anyway
_SOFT = 5.0  # px of those, radius
_DIM = 0.55  # of their brightness, so that the picture stands out


def preview_of(job: Job) -> Path | None:
    """The JPEG, made when it is first requested and again for another poster; None without one."""
    poster = poster_of(job)
    if poster is None:
        return None
    mirror.pull(job, poster.path)
    try:
        return files_on_demand.made_from(
            poster.file, job.folder / "thumbs" / "preview.jpg", lambda to: _write(poster.file, to)
        )
    except (FileNotFoundError, UnidentifiedImageError):
        return None


def _write(poster: Path, place: Path) -> None:
    with Image.open(poster, formats=("JPEG",)) as file:
        picture = file.convert("RGB")
    fit_to_preview(picture).save(place, "JPEG", quality=88, optimize=True)


def fit_to_preview(picture: Image.Image) -> Image.Image:
    """All of `picture`'s height in 1200x630 px; if it is wider, the middle."""
    width = max(round(picture.width * HEIGHT / picture.height), 1)
    whole = picture.resize((width, HEIGHT), Image.Resampling.LANCZOS)
    canvas = _sides(picture) if width < WIDTH else Image.new("RGB", (WIDTH, HEIGHT))
    canvas.paste(whole, ((WIDTH - width) // 2, 0))
    return canvas


def _sides(picture: Image.Image) -> Image.Image:
    """`picture` over the whole canvas, dim and out of focus."""
    size = (WIDTH // _COARSE, HEIGHT // _COARSE)
    height = round(picture.height * size[0] / picture.width)
    small = picture.resize((size[0], max(height, size[1])))
    top = (small.height - size[1]) // 2
    cut = small.crop((0, top, size[0], top + size[1]))
    soft = cut.filter(ImageFilter.GaussianBlur(_SOFT)).point(lambda value: int(value * _DIM))
    return soft.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
