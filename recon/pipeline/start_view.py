"""Where a viewer starts: as EXPORT_PLY wrote it to output/viewer.json, or as somebody chose it, in
JSON that anybody may have sent.

World and axes are the SfM model's: COLMAP's world, x right, y down, z forward, its own unit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from recon.pipeline.records import read_record
from recon.pipeline.workspace import Workspace, write_json

Vector = tuple[float, float, float]

_FURTHEST = 1e6  # world units: the files' 32-bit floats are coarse out there
_NEAREST = 1e-6  # from the eye to what it looks at
_FOV = (1.0, 170.0)  # degrees
_ASPECT = (0.1, 10.0)
_STRAIGHT_UP = 0.9999  # cosine between up and the way one looks: no picture has an up there


@dataclass(frozen=True)
class StartView:
    """A place to stand in, what to look at, and the frame that is seen whole in any window."""

    position: Vector
    target: Vector  # what an orbit turns around
    up: Vector  # unit length
    fov_y_degrees: float  # of the frame, as `aspect` is
    aspect: float  # width by height
    #: px that the frame was high in training: on a larger screen the viewer widens the splats as
    #: much as the trainer did, or they turn to needles. Whoever chooses a view does not send it.
    trained_height: int | float | None = None

    @classmethod
    def read(cls, workspace: Workspace) -> StartView:
        """The run's. Raises FileNotFoundError before EXPORT_PLY, RecordError for another file."""
        return read_record(workspace.viewer_json, cls)

    def write(self, workspace: Workspace) -> None:
        write_json(workspace.viewer_json, self.to_dict())

    @classmethod
    def of_json(cls, sent: str) -> StartView:
        """As `of_sent`, of JSON. Raises ValueError and KeyError."""
        try:
            content = json.loads(sent)
        except RecursionError as error:
            raise ValueError("so deep is no view") from error
        if not isinstance(content, dict):
            raise ValueError("a view has parts")
        return cls.of_sent(content)

    @classmethod
    def of_sent(cls, sent: Mapping[str, object]) -> StartView:
        """Raises ValueError for what is not a view, KeyError if a part is missing."""
        position, target, up = (_vector(sent[name]) for name in ("position", "target", "up"))
        ahead = _minus(target, position)
        distance, height = _length(ahead), _length(up)
        if distance < _NEAREST or height < _NEAREST:
            raise ValueError("a view looks somewhere, and has an up")
        cosine = sum(a * b for a, b in zip(ahead, up, strict=True)) / distance / height
        if abs(cosine) > _STRAIGHT_UP:
            raise ValueError("up is not the way one looks")
        return cls(
            position,
            target,
            (up[0] / height, up[1] / height, up[2] / height),
            _number(sent["fov_y_degrees"], *_FOV),
            _number(sent["aspect"], *_ASPECT),
        )

    def to_dict(self) -> dict[str, object]:
        """As output/viewer.json has it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None
        }


def _vector(sent: object) -> Vector:
    if not isinstance(sent, list) or len(sent) != 3:
        raise ValueError("three numbers make a place")
    x, y, z = (_number(one, -_FURTHEST, _FURTHEST) for one in sent)
    return x, y, z


def _number(sent: object, least: float, most: float) -> float:
    """Booleans are numbers to Python, and so are infinities to its JSON."""
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not least <= sent <= most:
        raise ValueError(f"{sent!r} is no number from {least:g} to {most:g}")
    return float(sent)


def _minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _length(vector: Vector) -> float:
    return math.hypot(*vector)
