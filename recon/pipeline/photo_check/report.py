"""What a photo check writes: `report.json` in the check's folder.

Photos have the names that they are stored under. All of it is advice: docs/develop/photo-check.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from recon.pipeline.records import read_record
from recon.pipeline.workspace import write_json
from recon.poses.colmap.pairs import Pair
from recon.poses.photo_check.findings import Finding

REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class CheckedPhoto:
    """How one photo stands among the others."""

    name: str
    width: int  # px, as displayed
    height: int  # px
    sharpness: float  # log2 against its siblings
    exposure: float  # EV against its siblings
    black: float  # share of pixels
    white: float
    features: int
    focal_known: bool


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """All of report.json."""

    sent: tuple[str, ...]  # in the person's order
    photos: tuple[CheckedPhoto, ...]  # those that could be judged
    pairs: tuple[Pair, ...]  # that show something in common
    groups: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    complete: bool  # none of those sent was gone meanwhile

    @classmethod
    def read(cls, folder: Path) -> CheckReport:
        """Raises FileNotFoundError before the check, RecordError for a file not written by it."""
        return read_record(folder / REPORT, cls)

    def write(self, folder: Path) -> None:
        write_json(folder / REPORT, self.to_dict())

    def to_dict(self) -> dict[str, object]:
        """As the file has it, and `--check-photos --json`."""
        return asdict(self)
