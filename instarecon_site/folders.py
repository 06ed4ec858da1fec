"""The folders that the site keeps its data in. Only reading the settings makes none of them:
programs that keep something there call `make` first."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from instarecon_site import env


def make() -> None:
    """The data folder and, in it, the place for uploads on their way, closed to others, and the
    secret key. Raises ImproperlyConfigured where one of them can't be had."""
    env.make_folder("DATA_DIR", Path(settings.DATA_DIR))
    Path(settings.FILE_UPLOAD_TEMP_DIR).mkdir(mode=0o700, exist_ok=True)
    str(settings.SECRET_KEY)  # the first who asks makes it, see `instarecon_site.secret`
