"""Tags as people and programs write them, and a gallery of those that have one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from recon.jobs import tags
from recon.models import Job, Tag

#: Characters of a field: as many tags as a scene may have, and room for what is refused in words.
LONGEST_FIELD = 2 * tags.MOST * (Tag.LONGEST + 2)


class TagsField(forms.CharField):
    """Tags separated by commas. Cleans to a list of different ones, as they are written."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=LONGEST_FIELD, label=_("Tags"), **kwargs)

    def clean(self, value: Any) -> list[str]:
        return named_in([super().clean(value)])


def named_in(texts: Iterable[str]) -> list[str]:
    """The tags that `texts` name, each one or several separated by commas. Those that differ in
    capitals alone are one. Raises ValidationError: too long, or too many."""
    named: dict[str, str] = {}
    for word in (word for text in texts for word in text.split(",")):
        ProhibitNullCharactersValidator()(word)
        name = " ".join(unicodedata.normalize("NFC", word).split())
        if len(name) > Tag.LONGEST:
            said = gettext("A tag has at most {most} characters: “{name}” is too long.")
            short = f"{name[: Tag.LONGEST]}…"
            raise ValidationError(said.format(most=Tag.LONGEST, name=short))
        if name:
            named.setdefault(tags.key_of(name), name)
    if len(named) > tags.MOST:
        said = ngettext(
            "A scene has at most {most} tag, not {count}.",
            "A scene has at most {most} tags, not {count}.",
            tags.MOST,
        )
        raise ValidationError(said.format(most=tags.MOST, count=len(named)))
    return list(named.values())


def tags_text(job: Job) -> str:
    """The job's tags as `TagsField` takes them."""
    return ", ".join(tags.names_of(job))
