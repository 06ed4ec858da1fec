"""`python -m recon.pipeline PHOTOS/ --check-photos`: the photo check on a terminal."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from recon.pipeline.photo_check import check
from recon.pipeline.photo_check.check_texts import explain_findings
from recon.pipeline.photo_check.report import CheckReport


def check_photos(photos: Sequence[Path], *, as_json: bool) -> None:
    """Prints what the check finds in `photos`, numbered by name; leaves no files."""
    with tempfile.TemporaryDirectory(prefix="recon-check-") as folder:
        report = check.check(photos, Path(folder))
    if as_json:
        sys.stdout.write(json.dumps(report.to_dict()) + "\n")
        return
    numbers = {path.name: number for number, path in enumerate(photos, start=1)}
    for line in [*photo_lines(report, numbers), "", *verdict_lines(report, numbers)]:
        # File names may be in no known encoding.
        sys.stdout.write(line.encode(errors="replace").decode() + "\n")


def photo_lines(report: CheckReport, numbers: dict[str, int]) -> list[str]:
    """One line a photo: its number, name, size, and how many of the others it overlaps."""
    overlaps = dict.fromkeys(numbers, 0)
    for pair in report.pairs:
        overlaps[pair.a] += 1
        overlaps[pair.b] += 1
    return [
        f"{numbers[photo.name]:3}  {photo.name}  {photo.width}×{photo.height} px, "
        f"overlaps {overlaps[photo.name]} of {len(numbers) - 1} others, "
        f"focal length {'known' if photo.focal_known else 'unknown'}"
        for photo in report.photos
    ]


def verdict_lines(report: CheckReport, numbers: dict[str, int]) -> list[str]:
    said = [finding.sentence for finding in explain_findings(report.findings, numbers)]
    return said or ["These photos look fine."]
