"""Texts for people that nobody has marked for translation, as far as that can be detected.

`scripts/translations.py missing` prints them, and a test fails over them. In templates every word
counts; in the code of the pages, what looks like a sentence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What is the same in every language.
NAMES = re.compile(
    r"InstaRecon(3D)?|\b(dB|PSNR|SSIM|LPIPS|MB|cm|mm|API|HTML|JPEG|PNG|WebP|HEIC|AVIF|MP4|MOV|WebM)\b"
)
#: Attributes that people read or hear.
SPOKEN = ("alt", "aria-label", "placeholder", "title")
#: What Django fills in, which is not the template's own text.
FILLED_IN = re.compile(
    r"(?s)\{% block \w+_class.*?endblock %\}|\{% blocktrans.*?endblocktrans %\}"
    r"|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}"
)
#: A text that one template passes to another unmarked: it should be title=_("...").
GIVEN = re.compile(r'\{% include [^%]*?="([A-Z][^"]*)"')
QUIET = ("script", "style", "svg", "code", "kbd")


#: Code with texts for people; the core's texts are in tables.
SPEAKING = (
    "accounts/forms/*.py",
    "accounts/views/*.py",
    "recon/jobs/**/*.py",
    "recon/web/**/*.py",
    "recon/api/*.py",
)
#: Staff read English, as in the admin; so does whoever starts the site.
FOR_STAFF = (
    "templates/admin/",
    "recon/web/staff/second_factor_views.py",
    *("templates/styleguide/", "recon/web/home/styleguide_views.py"),
    "recon/jobs/folder/data_folder.py",
    "recon/jobs/backup/",
)
MARKS = ("gettext", "gettext_lazy", "_", "ngettext", "ngettext_lazy", "N_", "told", "Counted")
SENTENCE = re.compile(r"[a-z]+ [a-z]+.*[.…?]$", re.DOTALL)
#: For programs, not for people.
TECHNICAL = ("cam_from_world: ",)


def everywhere() -> Iterator[str]:
    """A line for each: its file, its line, and the text."""
    for path in _for_everybody("templates/**/*.html"):
        yield from _told(path, in_template(path.read_text(encoding="utf-8")))
    for pattern in SPEAKING:
        for path in _for_everybody(pattern):
            yield from _told(path, in_python(path.read_text(encoding="utf-8")))


def _for_everybody(pattern: str) -> list[Path]:
    found = sorted(ROOT.glob(pattern))
    return [p for p in found if not p.relative_to(ROOT).as_posix().startswith(FOR_STAFF)]


def _told(path: Path, found: list[tuple[int, str]]) -> Iterator[str]:
    for line, text in found:
        yield f"not marked {path.relative_to(ROOT)}:{line}: {text}"


def in_python(source: str) -> list[tuple[int, str]]:
    """Line and text of each string that looks like a sentence but is neither a docstring nor
    logged.
    """
    tree = ast.parse(source)
    passed = {id(node) for found in ast.walk(tree) for node in _passed_over(found)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in passed
        and SENTENCE.search(node.value.strip())
        and not node.value.startswith(TECHNICAL)
    ]


def _passed_over(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr):  # a docstring, if it is a string
        yield node.value
    elif isinstance(node, ast.Call) and (
        (isinstance(node.func, ast.Name) and node.func.id in MARKS)
        or ast.unparse(node.func).startswith("logger.")
    ):
        yield from ast.walk(node)


def in_template(source: str) -> list[tuple[int, str]]:
    """Line and text of what stands in a template without `trans` or `blocktrans`."""
    reader = _Reader()
    # Line breaks stay, so that line numbers are right.
    reader.feed(FILLED_IN.sub(lambda tag: "\n" * tag.group().count("\n"), source))
    given = [(source.count("\n", 0, tag.start()) + 1, tag[1]) for tag in GIVEN.finditer(source)]
    return [*reader.found, *given]


class _Reader(HTMLParser):
    """Collects the words of a page, with their lines."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._quiet = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quiet += tag in QUIET
        for name, value in attrs:
            # Other attributes hold words for scripts; only those that people see begin like a
            # sentence.
            is_shown = name.startswith("data-") and re.match(r"[A-Z][a-z]", value or "")
            if name in SPOKEN or is_shown:
                self._note(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag in QUIET

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self._note(data)

    def _note(self, text: str) -> None:
        if re.search(r"[A-Za-z]{2}", NAMES.sub("", text)) and not text.lstrip().startswith("data-"):
            self.found.append((self.getpos()[0], " ".join(text.split())))
