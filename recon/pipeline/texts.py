"""Texts for people. The core writes them in English and knows no other language.

The site names a translator (`translate_with`), which answers in the language of whoever is being
served; the command line has none. docs/LANGUAGES.md says how texts get to the translators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_translate: Callable[[str], str] = str


def translate_with(translate: Callable[[str], str]) -> None:
    """From now on texts are looked up with `translate` when they are told."""
    global _translate
    _translate = translate


def N_(text: str) -> str:
    """Marks a text for the translators and leaves it as it is."""
    return text


def looked_up(text: str) -> str:
    """A text that may be one of the marked ones, such as a recorded reason, as it is served."""
    return _translate(text) if text else text


def told(text: str, **facts: Any) -> str:
    """`text`, a `str.format` template, in the language of whoever is served, with `facts`.

    Raises KeyError for a missing fact: a programming error.
    """
    return _translate(text).format(**facts)
