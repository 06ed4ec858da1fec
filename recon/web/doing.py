"""What a worker is doing just now, in the language of whoever looks.

The core reports it in English, and a job's row keeps that. Here each part of such a message is
found among the patterns below and said again. One that is not among them stays as it is.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import get_language, gettext

from recon.pipeline.words.texts import N_

#: Parts are joined by ": ". The order matters: the first that fits is taken.
PATTERNS = (
    N_("photo {number} of {total}"),
    N_("pair {number} of {total}"),
    N_("fold {number} of {total}"),
    N_("frame {number} of {total}"),
    N_("attempt {number}, photo {photo} of {total}"),
    N_("attempt {number}, pair {pair} of {total}"),
    N_("attempt {number}, {placed} of {total} photos placed"),
    N_("training step {number} of {total}, {seconds} s left"),
    N_("training step {number} of {total}"),
    N_("{placed} of {total} photos placed"),
    N_("{count} pairs compared"),
    N_("{name} loaded"),
    N_("checking this machine"),
    N_("SIFT, one photo after the other"),
    N_("SIFT, one after the other, asking for less"),
    N_("SIFT, all photos at once"),
    N_("stronger SIFT, asking for less"),
    N_("learned features, asking for less"),
    N_("learned features, all photos at once"),
    N_("all photos at once"),
    N_("without the focal lengths in the files"),
    N_("loading the networks"),
    N_("looking for photos that go together"),
    N_("comparing cameras"),
    N_("refining cameras"),
    N_("measuring depths"),
    N_("looking for stray spots"),
    N_("comparing with the held-out photos"),
    N_("comparing with its held-out photos"),
    N_("finishing with all {count} photos"),
    N_("removing stray spots"),
    N_("saving the scene"),
    N_("taking its picture"),
    N_("filming"),
    N_("looking for sharp frames"),
)


def said(message: str) -> str:
    """A worker's message in the language of whoever looks."""
    if get_language() == "en":
        return message
    return ": ".join(_said(part) for part in message.split(": "))


def _said(part: str) -> str:
    for text in PATTERNS:
        if found := _pattern(text).fullmatch(part):
            return gettext(text).format(**found.groupdict())
    return part


@cache
def _pattern(text: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", text)
    return re.compile(
        "".join(
            f"(?P<{piece}>[^ ]+)" if index % 2 else re.escape(piece)
            for index, piece in enumerate(pieces)
        )
    )
