"""How a scene in training has come nearer to its photo: PSNR over steps, as lines of an SVG."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from recon.splats.snapshots import Snapshot

#: The drawing's units; the template's viewBox leaves room for the numbers around it.
WIDTH, HEIGHT = 320.0, 96.0
_LEAST_DB = 4.0  # the scale's height: less would make noise look like a story


@dataclass(frozen=True)
class Mark:
    """A number beside the curve, at `at` units from the left or the top."""

    at: float
    said: str


@dataclass(frozen=True)
class Curve:
    """Points of the line, its end, what the axes say, and the same in words."""

    points: str  # "x,y x,y ..." for <polyline>
    end: tuple[float, float]
    levels: list[Mark]  # dB, from the top
    steps: list[Mark]
    words: str
    rows: list[tuple[int, float]]  # (step, dB)


def of(snapshot: Snapshot) -> Curve | None:
    """The curve up to `snapshot`; None before two of them were measured."""
    rows = [(step, psnr) for step, _, psnr in snapshot.history if psnr is not None]
    if len(rows) < 2:
        return None
    low, high = min(db for _, db in rows), max(db for _, db in rows)
    floor = int(min(low, high - _LEAST_DB))
    ceiling = int(high) + 1

    def x(step: int) -> float:
        return round(WIDTH * step / max(snapshot.of, 1), 1)

    def y(db: float) -> float:
        return round(HEIGHT * (ceiling - db) / (ceiling - floor), 1)

    (first, began), (last, now) = rows[0], rows[-1]
    said = gettext("PSNR went from {began} dB at step {first} to {now} dB at step {last}.")
    return Curve(
        points=" ".join(f"{x(step)},{y(db)}" for step, db in rows),
        end=(x(last), y(now)),
        levels=[Mark(y(db), f"{db} dB") for db in (ceiling, floor)],
        steps=[Mark(x(step), f"{step:,}") for step in (0, snapshot.of)],
        words=said.format(
            began=f"{began:.1f}", first=f"{first:,}", now=f"{now:.1f}", last=f"{last:,}"
        ),
        rows=rows,
    )
