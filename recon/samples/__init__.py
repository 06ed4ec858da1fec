"""Photos of scenes that only exist in numpy: pretty enough to greet a newcomer, exact enough to
be ground truth. `python -m recon.samples OUT/` writes them.

`noise` -> `materials` (textures) and `surfaces` (shapes) -> `scene`, `places` (what stands where)
-> `lighting` (baked) -> `photos` (rendering, files) by `cameras` along `walks` -> `sets` (which of
them together) -> `truth` (the poses as a file, and what found ones are off by).

World: right-handed, metres, x right, y away from the viewer, z up. Camera axes are OpenCV's:
x right, y down, z forward; the centre of the top-left pixel is at (0.5, 0.5). Light does not
depend on the viewer (Lambert), so it is baked into the textures once.
"""

from recon.samples.photos import SamplePhoto
from recon.samples.sets import SETS, write_photos
from recon.samples.truth import PoseErrors, pose_errors, read_poses, write_truth

__all__ = [
    "SETS",
    "PoseErrors",
    "SamplePhoto",
    "pose_errors",
    "read_poses",
    "write_photos",
    "write_truth",
]
