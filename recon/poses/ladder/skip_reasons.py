"""When a rung can't help, so that nobody has to wait for it."""

from __future__ import annotations

from recon.poses.ladder.rungs import Rung, up_to
from recon.poses.ladder.sources import GUIDED, LEARNED, PLAIN, STRONG
from recon.poses.ladder.state import LadderState

#: More matches by SIFT complete a model that has most photos firmly. Where SIFT placed less than
#: this part of them so they can't be the answer, and learned features, if they can be had, come
#: next.
_MORE_SIFT_HELPS = 0.75


def why_skip(rung: Rung, state: LadderState) -> str | None:
    """Why `rung` can't do better than what there is, a clause; None if it may."""
    if state.diagnosis is not None:
        return state.diagnosis.why
    missing = rung.source.missing()
    if missing is not None:
        return missing
    # Guided matching adds no pairs.
    joins = state.joins(PLAIN if rung.source is GUIDED else rung.source)
    if joins is not None and joins < state.work.config.min_registered:
        return f"its matches join {joins} photos at most"
    best = state.best
    if joins is not None and best is not None and best.firm and len(best.names) >= joins:
        return f"the model has all {joins} photos already that its matches join"
    return _why_not_more_sift(state) if rung.source in (GUIDED, STRONG) else None


def _why_not_more_sift(state: LadderState) -> str | None:
    placed = state.best.firm_photos if state.best is not None else 0
    total = len(state.work.names)
    learned_follow = any(r.source is LEARNED for r in up_to(state.work.config.last_rung))
    if placed >= _MORE_SIFT_HELPS * total or not learned_follow or LEARNED.missing() is not None:
        return None
    return f"SIFT placed only {placed} of {total} photos firmly, where learned features do better"
