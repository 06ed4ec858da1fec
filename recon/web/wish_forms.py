"""The upload form: what is asked for, and what is checked before a job is made of it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.jobs.drafts.photo_zips import is_zip
from recon.jobs.drafts.videos import check_video, is_video
from recon.jobs.photo_upload import check_upload
from recon.models import Job
from recon.pipeline.errors import UserError, explain
from recon.pipeline.photos.photo_count import check_count
from recon.pipeline.wishes import Wishes, find_preset


class PhotosInput(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"

    def value_from_datadict(
        self, data: Any, files: MultiValueDict[str, UploadedFile], name: str
    ) -> Any:
        return files.getlist(name)


class PhotosField(forms.FileField):
    """Several photos, each looked into. Cleans to the distinct ones, in the order given. Videos
    among them are set aside in `videos`, zips in `zips`; what comes of them may stand in for
    photos.

    `refused` holds sentences of an upload that was given up while it came in; they stand in for
    every other error, since its photos are not there to be checked.
    """

    widget = PhotosInput
    refused: Sequence[str] = ()

    def clean(self, data: list[UploadedFile], initial: Any = None) -> list[UploadedFile]:
        self.left_out: list[str] = []
        self.videos: list[UploadedFile] = []
        self.zips = [file for file in data if is_zip(file)]
        if self.refused:
            raise forms.ValidationError(list(self.refused))
        firsts: dict[str, UploadedFile] = {}
        errors = self._set_videos_aside(data)
        photos = [file for file in data if file not in [*self.videos, *self.zips]]
        others = bool(self.videos or self.zips)
        if not errors and not others:
            errors += _count_problems(len(photos))
        for photo in photos if not errors else ():
            try:
                first = firsts.setdefault(check_upload(photo).sha256, photo)
            except UserError as error:
                errors.append(str(error))
                continue
            if first is not photo:
                self.left_out.append(same_photo(photo.name, first.name))
        if errors:
            raise forms.ValidationError(errors)
        if self.left_out and not others and (problems := _count_problems(len(firsts))):
            raise forms.ValidationError([*self.left_out, *problems])
        return list(firsts.values())

    def _set_videos_aside(self, data: list[UploadedFile]) -> list[str]:
        """What is wrong with them."""
        errors = []
        self.videos = [file for file in data if is_video(file)]
        if len(self.videos) > settings.MAX_VIDEOS:
            return [explain("too_many_videos", {"limit": settings.MAX_VIDEOS}).sentence]
        for file in self.videos:
            try:
                check_video(file)
            except UserError as error:
                errors.append(str(error))
        return errors


class PresetField(forms.ChoiceField):
    """A preset by its name, or by the one that it had before; shown and cleaned as today's."""

    def to_python(self, value: Any) -> str:
        return find_preset(super().to_python(value))

    def bound_data(self, data: Any, initial: Any) -> Any:
        return find_preset(super().bound_data(data, initial) or "")


class WishesForm(forms.Form):
    """A scene's title, and what a person may wish of it."""

    title = forms.CharField(max_length=120, required=False, strip=True, label=_("Title"))
    preset = PresetField(choices=Job.Preset.choices, required=False, label=_("Preset"))
    original_resolution = forms.BooleanField(required=False)
    cross_validate = forms.BooleanField(required=False)
    without_poses = forms.BooleanField(required=False)
    make_anyway = forms.BooleanField(required=False)

    def wishes(self, earlier: Wishes, asked: Container[str] | None = None) -> Wishes:
        """The wishes: the form's fields (those in `asked`, if not all of them count), and `earlier`
        for the others. After `is_valid`.
        """
        chosen = {
            field.name: self.cleaned_data[field.name]
            for field in fields(Wishes)
            if field.name in self.fields and (asked is None or field.name in asked)
        }
        if not chosen.get("preset", True):  # none was chosen
            del chosen["preset"]
        return replace(earlier, **chosen)

    @property
    def sentences(self) -> list[str]:
        """Every error as a sentence, for clients that read JSON. After `is_valid`."""
        return [
            str(error) if name == "photos" else f"{self._called(name)}: {error}"
            for name, errors in self.errors.items()
            for error in errors
        ]

    def _called(self, name: str) -> str:
        label = self.fields[name].label if name in self.fields else None
        return str(label or name.replace("_", " ").capitalize())


class AgainForm(WishesForm):
    """What may be asked of another run besides: those who have seen a scene know its outliers."""

    FILTERS = (
        ("auto", _("Only if quality stays the same")),
        ("always", _("Always")),
        ("never", _("Never")),
    )

    outlier_filter = forms.ChoiceField(choices=FILTERS, required=False)
    without_poses = None  # type: ignore[assignment]  # a draft's page has the box for it

    def clean_outlier_filter(self) -> str:
        return self.cleaned_data["outlier_filter"] or "auto"


class UploadForm(WishesForm):
    """One job's wishes and its photos, in one go."""

    photos = PhotosField()

    def __init__(self, *args: Any, refused: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._photos_field.refused = refused

    @property
    def _photos_field(self) -> PhotosField:
        field = self.fields["photos"]
        assert isinstance(field, PhotosField)  # noqa: S101 - narrows the type
        return field

    @property
    def left_out(self) -> list[str]:
        """A sentence for each photo that was sent twice. After `is_valid`."""
        return self._photos_field.left_out

    @property
    def zips(self) -> list[UploadedFile]:
        """The zips of photos that were sent. After `is_valid`."""
        return self._photos_field.zips

    @property
    def videos(self) -> list[UploadedFile]:
        """The videos that were sent. After `is_valid`."""
        return self._photos_field.videos


def shown_of(job: Job) -> dict[str, object]:
    """What a form shows of a job: its title and what was wished for."""
    return {"title": job.title, **asdict(job.wishes)}


def same_photo(name: str | None, first: str | None) -> str:
    said = gettext("“{name}” is the same photo as “{first}” and was left out.")
    return said.format(name=name, first=first)


def _count_problems(count: int) -> list[str]:
    """What is wrong with so many photos: one sentence, or none."""
    try:
        check_count(count, settings.MIN_PHOTOS, settings.MAX_PHOTOS)
    except UserError as error:
        return [str(error)]
    return []
