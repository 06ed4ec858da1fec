"""The photos of a scene as its page lists them, for those whose scene it is."""

from __future__ import annotations

from typing import TypedDict

from django.urls import reverse

from recon.models import Photo


class PhotoTile(TypedDict):
    """What `_photos.html` shows of a photo."""

    pk: int
    original_name: str
    url: str


def tile_of(photo: Photo) -> PhotoTile:
    url = reverse("recon:thumb", args=(photo.job_id, photo.name))
    return {"pk": photo.pk, "original_name": photo.original_name, "url": url}
