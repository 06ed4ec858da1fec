"""Words with which a person sorts their scenes."""

from __future__ import annotations

from django.db import models

from recon.models.jobs import Job


class Tag(models.Model):
    """One word on one scene, for those whose scene it is: nothing behind a share link shows it."""

    LONGEST = 30  # characters

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=LONGEST, help_text="as its owner writes it")
    key = models.CharField(
        max_length=3 * LONGEST, help_text="the same for all that differ in capitals alone"
    )  # case folding makes up to three characters of one

    class Meta:
        ordering = ("key",)
        indexes = (models.Index(fields=("key",)),)
        constraints = (models.UniqueConstraint(fields=("job", "key"), name="one_tag_of_a_name"),)

    def __str__(self) -> str:
        """Without the word: staff see this when they delete something, and not all may know the
        tags.
        """
        return f"tag {self.pk}"
