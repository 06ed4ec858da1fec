"""The settings of mapping: the ladder's, and what makes a model acceptable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MappingConfig:
    """How far the ladder is climbed, and what makes a model acceptable (docs/develop/poses.md says
    why).
    """

    use_pose_file: bool = True  # camera positions that came with the photos, if there are any

    # The ladder.
    last_rung: str = ""  # name of the rung that the ladder ends at; empty climbs all
    rung_seconds: float = 600.0  # a rung that takes longer is given up
    strong_max_image_size: int = 1000  # px, longest side on which strong SIFT features are found
    strong_max_num_features: int = 4096  # per photo
    solid_points_per_photo: float = 60.0  # a photo that sees this many points counts in full

    # The last touch, each where left-out observations ask for it.
    polish: bool = True  # a robust loss, a second radial term
    own_principal_points: bool = True  # per photo

    # What makes a model acceptable.
    min_registered: int = 3  # photos
    min_points_per_photo: float = 20.0  # a photo that sees fewer points is not placed
    max_reprojection_error: float = 3.0  # px, mean
    min_triangulation_angle: float = 1.5  # degrees, median over points
    min_spread: float = 0.02  # between the cameras furthest apart, as part of the scene's depth
    max_behind: float = 0.02  # part of the observations whose point lies behind the camera
    min_focal: float = 0.2  # of the photo's longest side
    max_focal: float = 10.0  # of the photo's longest side
    max_focal_change: float = 1.4  # factor, either way, from what the photos' metadata say
    min_agreeing: float = 0.6  # part of the verified matches between placed photos that fit
