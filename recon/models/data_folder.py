"""Which data folder the database belongs to."""

from __future__ import annotations

from django.db import models


class DataFolder(models.Model):
    """The one row says it: its token is also in a file of that folder.

    See `recon.jobs.folder.data_folder`, which alone reads and writes it.
    """

    #: There is never a second one.
    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    token = models.CharField(max_length=64)
    path = models.TextField()  # for people: as its own machine calls it
    host = models.CharField(max_length=255)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.path} on {self.host}"
