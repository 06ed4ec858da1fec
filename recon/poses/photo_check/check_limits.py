"""From where on a photo is too blurred, too dark, too alike: what the photo check goes by."""

from __future__ import annotations

from dataclasses import dataclass

from recon.poses.photo_check.colours import UNLIKE


@dataclass(frozen=True, kw_only=True)
class CheckLimits:
    """The limits from which something is worth mentioning. docs/develop/photo-check.md has the
    figures.
    """

    # One photo.
    blurred: float = -0.9  # log2 of fine detail against the siblings' median
    darker: float = -1.5  # EV against the siblings' median
    brighter: float = 1.3  # EV against the siblings' median
    dark_highlights: float = 60.0  # grey level; below, a photo is dark whatever its siblings are
    whiter: float = 0.3  # share of pixels without detail in white, against the siblings' median
    white: float = 0.5  # share of pixels without detail; above, a photo is too bright
    small_longest: int = 640  # px; smaller photos hold few points
    small_shortest: int = 480  # px
    strip: float = 4.0  # longest over shortest side; above, hardly anything is seen across it
    few_features: int = 60  # in the small photo; fewer give nothing to hold on to
    # Two photos.
    linked: float = -3.0  # log10 chance; at or below, two photos show something in common
    strong: float = -10.0  # log10 chance; at or below, beyond doubt
    dense: float = 0.5  # share of a group's pairs that are linked where the quick look works well
    thin_inliers: int = 20  # fewer common points are a thin link between two parts of a set
    duplicate_flat: float = 0.8  # share of common points that one homography explains
    duplicate_overlap: float = 0.75  # share of each photo that is in the other
    duplicate_overlap_turned: float = 0.95  # the same where the camera turned on the spot
    duplicate_inliers: int = 20
    unlike: float = UNLIKE  # above, two photos look like different places
    # The set.
    turned_flat: float = 0.9  # share of a pair's points that a turn on the spot must explain
    turned_pairs: float = 0.8  # share of the linked pairs that it must explain
    turned_error: float = 0.05  # how far their homographies may be from rotations
    most_thin: int = 3  # thin links named at most
