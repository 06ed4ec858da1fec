"""Which pairs of photos are worth a close look: the expensive matcher need not see all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from recon.poses.learned.networks import Features

#: Keypoints that the quick look compares: the best ones.
_KEYPOINTS = 512


def likely_pairs(
    names: Sequence[str], scores: Mapping[tuple[str, str], float], per_photo: int
) -> list[tuple[str, str]]:
    """Each photo's `per_photo` best-scored partners, as pairs of names in the order of `names`.

    A pair is in if either photo wants it, so every photo gets its chance, and equal scores go by
    name. `scores` has every pair of `names`, in their order.
    """
    wanted = set()
    for name in names:
        pairs = [pair for pair in scores if name in pair]
        wanted.update(sorted(pairs, key=lambda pair: (-scores[pair], pair))[:per_photo])
    return [pair for pair in combinations(names, 2) if pair in wanted]


def look(
    names: Sequence[str], features: Mapping[str, Features]
) -> Iterator[tuple[tuple[str, str], float]]:
    """Every pair and how much alike its photos seem: the sum of how sure mutual nearest
    neighbours among the best keypoints are of one another."""
    for a, b in combinations(names, 2):
        yield (a, b), _likeness(features[a], features[b])


def _likeness(a: Features, b: Features) -> float:
    import torch

    if not len(a.xy) or not len(b.xy):
        return 0.0
    with torch.inference_mode():
        cosines = a.descriptors[:_KEYPOINTS] @ b.descriptors[:_KEYPOINTS].T
        best, partner = cosines.max(dim=1)
        back = cosines.argmax(dim=0)[partner]
        mutual = back == torch.arange(len(partner), device=back.device)
        return float((best[mutual].clamp(min=0) ** 8).sum())
