"""Every text has a Korean translation that fits it.

docs/develop/languages.md says what to do if one is missing.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from babel.messages.catalog import Message

from tests.photos import PROJECT

sys.path.insert(0, str(PROJECT / "scripts"))
import translations
import unmarked_texts

COMMANDS = (
    "Mark it, then run `.venv/bin/python scripts/translations.py update` and translate what is"
    " empty in locale/ko (docs/develop/languages.md)"
)
#: English verbs that agree with a number; Korean ones don't.
ENGLISH_ONLY = {"{are}", "{show}"}

messages = pytest.mark.parametrize("domain", translations.DOMAINS)


def forms(message: Message) -> list[tuple[str, str]]:
    """Every translation with the English text that it stands for; the last form of plurals."""
    if isinstance(message.id, tuple):
        return [(message.id[-1], said) for said in message.string]
    return [(message.id, message.string)]


def korean(domain: str) -> list[tuple[str, str]]:
    catalog = translations.read(translations.po_file("ko", domain), "ko")
    return [pair for message in catalog if message.id for pair in forms(message)]


def differing(domain: str, pattern: str, *, unless: frozenset[str] | set[str] = frozenset()) -> Any:
    """Translations in which `pattern` finds something else than in the text."""

    def found(text: str) -> Counter[str]:
        return Counter(part for part in re.findall(pattern, text) if part not in unless)

    return [(text, said) for text, said in korean(domain) if found(text) != found(said)]


def test_every_text_is_marked_and_translated() -> None:
    lines = [*unmarked_texts.everywhere(), *translations.untranslated("ko")]
    assert not lines, "\n".join([COMMANDS, *lines])


@messages
def test_no_translation_is_a_guess_or_of_a_text_that_is_gone(domain: str) -> None:
    catalog = translations.read(translations.po_file("ko", domain), "ko")
    texts = translations.texts_of(domain)
    assert [message.id for message in catalog if message.id and message.fuzzy] == []
    gone = [m.id for m in catalog if m.id and texts.get(m.id) is None] + list(catalog.obsolete)
    assert not gone, f"{COMMANDS}: {gone}"


@messages
def test_what_is_filled_in_is_the_same_in_both_languages(domain: str) -> None:
    assert differing(domain, r"\{\w+\}|%\(\w+\)s|%%", unless=ENGLISH_ONLY) == []


@messages
def test_the_markup_is_the_same_in_both_languages(domain: str) -> None:
    assert differing(domain, r"<[^>]*>") == []


@messages
def test_a_translation_is_polite_and_quiet(domain: str) -> None:
    curt = re.compile(r"[가-힣](?<!니)다\.|!")  # "-다." is the style of books and logs
    assert [said for _, said in korean(domain) if curt.search(said)] == []


def test_what_is_not_marked_in_a_template_is_found() -> None:
    source = (
        '{% trans "Fine" %} <b>{{ name }}</b>\n<p title="Look here">Nobody marked me</p>\n'
        '{% include "a.html" with title="Me neither" label=_("Fine") %}<code>make run</code> 3 MB'
    )
    found = [(2, "Look here"), (2, "Nobody marked me"), (3, "Me neither")]
    assert unmarked_texts.in_template(source) == found


def test_a_sentence_that_is_not_marked_in_code_is_found() -> None:
    source = '''
def view(name):
    """This is a docstring."""
    logger.warning("This goes to %s only.", "the log")
    messages.error(request, gettext("This is a marked one."))
    raise NotThere(f"There is no {name} here (any more).")
'''
    assert unmarked_texts.in_python(source) == [(6, " here (any more).")]


@pytest.mark.slow
def test_compiling_writes_what_django_reads() -> None:
    made = translations.po_file("ko", "django").with_suffix(".mo")
    before = made.stat().st_mtime_ns
    command = [sys.executable, "scripts/translations.py", "compile"]
    subprocess.run(command, cwd=PROJECT, check=True)
    assert made.stat().st_mtime_ns > before
