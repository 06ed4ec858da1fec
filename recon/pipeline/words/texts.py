"""Texts for people. The core writes them in English and knows no other language.

The site names two translators (`translate_with`), which answer in the language of whoever is being
served; the command line has none. docs/develop/languages.md says how texts get to the translators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _english_number(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


_translate: Callable[[str], str] = str
_translate_number: Callable[[str, str, int], str] = _english_number


@dataclass(frozen=True)
class Counted:
    """A text that counts something: for one and for many, and `exactly` for numbers with a wording
    of their own. `by` is the name of the fact that counts.
    """

    one: str
    many: str
    by: str = "count"
    exactly: Mapping[int, str] = field(default_factory=dict)

    @property
    def forms(self) -> tuple[str, ...]:
        return (self.one, self.many, *self.exactly.values())


def translate_with(
    translate: Callable[[str], str], translate_number: Callable[[str, str, int], str]
) -> None:
    """From now on texts are looked up with `translate` when they are shown, singular and plural
    with `translate_number`.
    """
    global _translate, _translate_number
    _translate, _translate_number = translate, translate_number


def N_(text: str) -> str:
    """Marks a text for the translators and leaves it as it is."""
    return text


def translate_marked(text: str) -> str:
    """A text that may be one of the marked ones, such as a recorded reason, in the language
    served."""
    return _translate(text) if text else text


def translate(text: str | Counted, **facts: object) -> str:
    """`text`, a `str.format` template, in the language of whoever is served, with `facts`.

    Raises KeyError for a missing fact: a programming error.
    """
    return _filled(text, facts, _translate, _translate_number)


def in_english(text: str | Counted, **facts: object) -> str:
    """The same in English, whoever is served: for logs."""
    return _filled(text, facts, str, _english_number)


def _filled(
    text: str | Counted,
    facts: Mapping[str, object],
    translate: Callable[[str], str],
    translate_number: Callable[[str, str, int], str],
) -> str:
    if isinstance(text, str):
        return translate(text).format(**facts)
    number = facts[text.by]
    if not isinstance(number, int | float | str):
        raise TypeError(f"{text.by} counts, and is {number!r}")
    count = int(number)
    if count in text.exactly:
        return translate(text.exactly[count]).format(**facts)
    return translate_number(text.one, text.many, count).format(**facts)
