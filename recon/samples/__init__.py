"""Photos of a scene that only exists in numpy: pretty enough to greet a newcomer, exact enough to
be ground truth. `python -m recon.samples OUT/` writes them.

`noise` -> `materials` (textures) and `surfaces` (shapes) -> `scene` (what stands where) ->
`lighting` (baked) -> `photos` (cameras, rendering, files).

World: right-handed, metres, x right, y away from the viewer, z up. Camera axes are OpenCV's:
x right, y down, z forward; the centre of the top-left pixel is at (0.5, 0.5). Light does not
depend on the viewer (Lambert), so it is baked into the textures once.
"""

from recon.samples.photos import SamplePhoto, write_photos

__all__ = ["SamplePhoto", "write_photos"]
