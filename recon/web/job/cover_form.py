"""What an owner's viewer sends for a new start view and cover: a form, checked."""

from __future__ import annotations

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from recon.jobs import decoders
from recon.pipeline.errors import UserError
from recon.pipeline.start_view import StartView
from recon.pipeline.words import sizes

LONGEST_SIDE = 1280  # px, of the cover
SHORTEST_SIDE = 64  # px; with less there is nothing to see on a card
MOST_BYTES = 8 * sizes.MB
_SAME_SHAPE = 0.05  # so far picture and frame may differ: pixels are whole

NO_VIEW = _("This view can’t be used as the start. Reload the page and try again.")
NO_PICTURE = _("The picture of the view didn’t arrive. Try again.")
UNREADABLE = _("The picture of the view can’t be read. Try again, or use another browser.")
TOO_LARGE = _("The picture of the view is larger than {limit}.")
OTHER_SHAPE = _("The picture doesn’t match the view. Reload the page and try again.")


class CoverForm(forms.Form):
    """`view`, JSON as in output/viewer.json, and `picture`, what is seen from there."""

    view = forms.CharField(max_length=2000, error_messages={"required": NO_VIEW})
    picture = forms.FileField(
        max_length=None,
        allow_empty_file=True,  # `jpeg_of` says that it can't be read
        error_messages={"required": NO_PICTURE},
    )

    def clean_view(self) -> StartView:
        try:
            return StartView.of_json(self.cleaned_data["view"])
        except (KeyError, ValueError) as error:
            raise forms.ValidationError(NO_VIEW) from error

    def clean_picture(self) -> UploadedFile:
        picture: UploadedFile = self.cleaned_data["picture"]
        if (picture.size or 0) > MOST_BYTES:
            raise forms.ValidationError(
                TOO_LARGE.format(limit=sizes.size_in_words(MOST_BYTES)), code="too_large"
            )
        return picture

    @property
    def is_too_large(self) -> bool:
        return self.has_error("picture", "too_large")


def jpeg_of(picture: UploadedFile, view: StartView) -> bytes:
    """The picture as a JPEG of ours, opened in a process of its own.

    Raises ValidationError for what is not a picture, or not one of `view`, and
    PipelineError("too_busy").
    """
    try:
        name = str(picture.name)
        drawn = decoders.opener().redraw(picture, name=name, side=LONGEST_SIDE)  # type: ignore[arg-type]
    except UserError as error:
        raise forms.ValidationError(UNREADABLE) from error
    if min(drawn.width, drawn.height) < SHORTEST_SIDE:
        raise forms.ValidationError(UNREADABLE)
    if abs(drawn.width / drawn.height / view.aspect - 1) > _SAME_SHAPE:
        raise forms.ValidationError(OTHER_SHAPE)
    return drawn.jpeg
