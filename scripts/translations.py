"""The site's texts and their translations (docs/develop/languages.md).

    .venv/bin/python scripts/translations.py missing    what is not marked or has no translation yet
    .venv/bin/python scripts/translations.py update     brings locale/*/*.po up to the code
    .venv/bin/python scripts/translations.py compile    writes the .mo files that Django reads

Babel does what GNU gettext would, which a bare machine does not have.
"""

from __future__ import annotations

import ast
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import unmarked_texts
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_javascript, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
#: Catalogues, as Django calls them, and where their texts are.
DOMAINS = {
    "django": ("accounts/**/*.py", "instarecon_site/**/*.py", "recon/**/*.py", "templates/**/*"),
    "djangojs": ("static/js/**/*.js", "static/viewer/**/*.js"),
}
#: Functions whose first argument is a text, or whose first two are one and many.
ONE = ("gettext", "gettext_lazy", "_", "N_", "translate")
ONE_AND_MANY = ("ngettext", "ngettext_lazy")
#: Here every argument is a text of its own, or counts something.
EACH = "Explanation"
COUNTED = "Counted"
#: How comments for translators begin, in Python, templates and JavaScript.
COMMENT = "Translators:"

Found = tuple[int, str | tuple[str, str], list[str]]  # line, text or (one, many), comments


def main() -> None:
    commands = {"missing": missing, "update": update, "compile": compile_all}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(f"Usage: scripts/translations.py {'|'.join(commands)}")
    sys.exit(commands[sys.argv[1]]())


def missing() -> int:
    """Prints every text that is not marked or has no translation. Returns 1 if there are any."""
    lines = [line for language in languages() for line in untranslated(language)]
    lines = [*unmarked_texts.everywhere(), *lines]
    sys.stdout.write("\n".join(lines or ["Every text is translated."]) + "\n")
    return 1 if lines else 0


def update() -> int:
    """Adds new texts untranslated, and removes old ones."""
    for language in languages():
        for domain in DOMAINS:
            path = po_file(language, domain)
            catalog = read(path, language)
            catalog.update(texts_of(domain), no_fuzzy_matching=True, update_creation_date=False)
            catalog.obsolete.clear()
            with path.open("wb") as file:
                # Without line numbers, which would change with every edit of the code.
                write_po(file, catalog, width=100, sort_by_file=True, include_lineno=False)
    return missing()


def compile_all() -> int:
    """Writes each file whole or not at all: a running site may be reading it."""
    for language in languages():
        for domain in DOMAINS:
            path = po_file(language, domain)
            made = path.with_suffix(f".{os.getpid()}.part")
            with made.open("wb") as file:
                write_mo(file, read(path, language))
            os.replace(made, path.with_suffix(".mo"))
    return 0


def languages() -> list[str]:
    return sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir())


def po_file(language: str, domain: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def untranslated(language: str) -> Iterator[str]:
    """A line for each text of the code that the language lacks: where it is, and the text."""
    for domain in DOMAINS:
        known = read(po_file(language, domain), language)
        for message in texts_of(domain):
            if message.id and not is_translated(known.get(message.id)):
                place, line = message.locations[0]
                yield f"{language} {place}:{line}: {message.id}"


def is_translated(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def texts_of(domain: str) -> Catalog:
    """Every text of the code, without translations."""
    catalog = Catalog(charset="utf-8")
    for pattern in DOMAINS[domain]:
        for path in sorted(ROOT.glob(pattern)):
            if path.suffix in (".py", ".html", ".txt", ".js"):
                for line, text, comments in _texts_in(path):
                    place = (path.relative_to(ROOT).as_posix(), line)
                    catalog.add(text, locations=[place], auto_comments=comments)
    return catalog


def _texts_in(path: Path) -> Iterator[Found]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        found = extract_javascript(_bytes(source), (*ONE, *ONE_AND_MANY), [COMMENT], {})
    else:
        if path.suffix != ".py":
            # Django's own way: everything but the texts becomes X. Python must not see its
            # indentation.
            lines = templatize(source, origin=str(path)).splitlines()
            source = "\n".join(line.strip() for line in lines)
        else:
            yield from _in_tables(ast.parse(source))
        keywords = (*ONE, *ONE_AND_MANY)
        found = extract_python(_bytes(source), keywords, [COMMENT], {"encoding": "utf-8"})
    for line, function, messages, comments in found:
        given = messages if isinstance(messages, tuple) else (messages,)
        texts = [text for text in given if text]
        if function in ONE_AND_MANY and len(texts) >= 2:
            yield line, (texts[0], texts[1]), comments
        elif given[0]:
            yield line, given[0], comments


def _in_tables(tree: ast.AST) -> Iterator[Found]:
    """The core's texts, which are plain strings in tables, one call inside another."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if call.func.id == EACH:
            yield from ((call.lineno, text, []) for text in map(_text, call.args) if text)
        elif call.func.id == COUNTED:
            yield call.lineno, (_text(call.args[0]), _text(call.args[1])), []
            exact = [k.value for k in call.keywords if k.arg == "exactly"]
            texts = [_text(node) for found in exact for node in ast.walk(found)]
            yield from ((call.lineno, text, []) for text in texts if text)


def _text(node: ast.AST) -> str:
    """A string literal's text; empty for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""


def _bytes(source: str) -> io.BytesIO:
    return io.BytesIO(source.encode())


if __name__ == "__main__":
    settings.configure(USE_I18N=True)
    main()
