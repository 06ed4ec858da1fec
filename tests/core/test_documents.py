"""The documents: every link leads somewhere, and lines fit a screen."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120  # characters per line
#: One line per entry: git merges both sides' entries line by line, and would mix up longer ones.
ANY_LENGTH = {"CHANGELOG.md"}

LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?\)")
IMAGE = re.compile(r"""<img[^>]* src=["']([^"']+)""")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def documents() -> list[str]:
    """Every Markdown file that is in the repository or about to be added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(name for name in done.stdout.split("\n") if name and (ROOT / name).exists())


def prose(path: Path) -> str:
    """The text of a document without its code."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "`code`", text)


@cache
def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes from a document's headings."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for heading in HEADING.findall(text):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = next((n for n in range(1, 99) if f"{name}-{n}" not in found), 0)
        found.add(name if name not in found else f"{name}-{number}")
    return found


def broken(document: str) -> list[str]:
    """The links of a document that lead nowhere."""
    path = ROOT / document
    text = prose(path)
    wrong = []
    for link in LINK.findall(text) + IMAGE.findall(text):
        if re.match(r"[a-z]+:", link):
            continue  # another site's
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("document", documents())
def test_every_relative_link_leads_to_a_file_and_a_heading(document: str) -> None:
    assert broken(document) == []


@pytest.mark.parametrize("document", [name for name in documents() if name not in ANY_LENGTH])
def test_lines_fit_a_screen(document: str) -> None:
    """Rows of tables may be longer, and what can't be broken: a long link or address."""
    long = []
    for number, line in enumerate((ROOT / document).read_text().splitlines(), 1):
        breakable = len(line) - max(map(len, line.split()), default=0)
        if len(line) > LONGEST and breakable > LONGEST // 2 and not line.startswith("|"):
            long.append(number)
    assert long == [], f"{document}: lines of more than {LONGEST} characters"


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    linked = {(ROOT / "docs" / link).resolve() for link in LINK.findall(index)}
    missing = [d for d in documents() if d.startswith("docs/") and (ROOT / d) not in linked]
    assert missing == ["docs/README.md"]


def test_the_glossary_says_korean_words_as_the_site_does() -> None:
    texts = (ROOT / "locale" / "ko" / "LC_MESSAGES" / "django.po").read_text()
    catalogue = "".join(re.findall(r'^(?:msgstr.*|)"(.*)"$', texts, re.MULTILINE))
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| ", (ROOT / "docs/glossary.md").read_text(), re.M)
    words = [word for word in rows if word not in ("in Korean", "—")]
    assert len(words) > 20
    assert [word for word in words if word not in catalogue] == []
