"""What a run leaves behind is read in one place: pages and API know its records, not its files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Patterns of code that reads a file or joins photos without the records, and what to use instead.
BY_HAND = {
    r"json\.loads?\(": "a record's `read`, through `recon.web.left_behind`",
    r"dict\[str, Any\]": "a TypedDict or a frozen dataclass; `dict[str, object]` where it is open",
    r"\bsqlite3\b|colmap import databases|colmap\.databases": "a record in `recon.pipeline`",
    r"element vertex|\bsplats\.formats\b": "`Artifact.gaussians`",
    r"\.stem\b": "the name that a photo is stored under (`photos_by_image`)",
}
#: The body of an API call is not a file of ours.
BODIES = {"recon/api/bodies.py": {r"json\.loads?\(", r"dict\[str, Any\]"}}
#: API v1 answers by types of its own, from rows: what it holds as JSON is a row's facts, a body, or
#: the description that OpenAPI's programs read.
BODIES |= {
    f"recon/api/v1/{name}.py": {r"json\.loads?\(", r"dict\[str, Any\]"}
    for name in (
        *("api", "callers", "job_facts", "problems"),
        *("description/breaking", "description/openapi", "description/prototype"),
        *("schemas/jobs", "schemas/photos", "schemas/results", "schemas/site", "webhooks"),
    )
} | {"recon/web/webhooks/forms.py": {r"dict\[str, Any\]"}}  # as Django's forms have it


def modules() -> list[Path]:
    return sorted(path for room in ("web", "api") for path in (ROOT / "recon" / room).rglob("*.py"))


@pytest.mark.parametrize("pattern", BY_HAND)
def test_pages_and_api_read_no_file_of_a_run_by_hand(pattern: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for path in modules()
        if pattern not in BODIES.get(name := path.relative_to(ROOT).as_posix(), set())
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert not found, f"instead: {BY_HAND[pattern]}"


def test_the_patterns_find_what_they_are_for() -> None:
    """In the core, where files are read, each matches somewhere."""
    core = "\n".join(path.read_text() for path in (ROOT / "recon" / "pipeline").rglob("*.py"))
    core += "\n".join(path.read_text() for path in (ROOT / "recon" / "splats").rglob("*.py"))
    for pattern in (r"json\.loads?\(", r"colmap import databases", "element vertex", r"\.stem\b"):
        assert re.search(pattern, core), pattern
