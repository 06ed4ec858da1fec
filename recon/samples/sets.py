"""Sets of photos: a place, a walk and the cameras that are used by turns.

`SETS` has them by name. Those after the courtyard are for tests and benchmarks: what is easy
(orbit, wall, corner), what is special about the cameras, and what can't be reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from recon.samples import photos, places, scene, walks
from recon.samples.cameras import Camera, Lens, intrinsics
from recon.samples.photos import SamplePhoto

DEFAULT_COUNT = 12
DEFAULT_SIZE = (800, 600)  # px
SMALL = (640, 480)  # px
RENDER_THREADS = 2

#: A ray 62° off the axis arrives in the corner, where a straight lens of this length has 52°.
BARREL = Lens("RADIAL", (-0.20, 0.030))
FISHEYE = Lens("OPENCV_FISHEYE", (0.0, 0.0, 0.0, 0.0))


@dataclass(frozen=True)
class PhotoSet:
    """How a set of photos is made."""

    about: str
    place: Callable[[], list[scene.Surface]]
    walk: walks.Walk
    count: int = 10
    size: tuple[int, int] = SMALL  # px, of the sensor: an upright photo has it turned
    cameras: tuple[Camera, ...] = (Camera(),)  # by turns
    noise: float = 1.5  # grey levels


_CORNER = walks.arc(places.CORNER_CENTRE, 3.4, 80)
_FRONT = walks.front(places.WALL_CENTRE, 3.6, 0.55)

SETS = {
    "courtyard": PhotoSet(
        "a sunny courtyard, the sample that newcomers get",
        scene.build,
        photos.pose,
        DEFAULT_COUNT,
        DEFAULT_SIZE,
        noise=0.0,
    ),
    "orbit": PhotoSet(
        "around small things on a table", places.table, walks.ring(places.TABLE_CENTRE, 0.75), 16
    ),
    "wall": PhotoSet("a wall with relief, from the front", places.relief, _FRONT, 9),
    "corner": PhotoSet("a room's corner", places.corner, _CORNER),
    # The cameras.
    "zooms": PhotoSet(
        "the corner by one camera at two zooms",
        places.corner,
        _CORNER,
        cameras=(Camera(24), Camera(40)),
    ),
    "phones": PhotoSet(
        "the corner by two phones whose photos have one size and tell no focal length",
        places.corner,
        _CORNER,
        cameras=(
            Camera(24, model="Phone A", tells_focal=False),
            Camera(33, model="Phone B", tells_focal=False),
        ),
    ),
    "upright": PhotoSet(
        "the corner by one phone, held upright every other time",
        places.corner,
        _CORNER,
        cameras=(Camera(26), Camera(26, upright=True)),
    ),
    "wide": PhotoSet(
        "the corner through a wide lens with strong barrel distortion",
        places.corner,
        _CORNER,
        cameras=(Camera(17, lens=BARREL),),
    ),
    "fisheye": PhotoSet(
        "the corner through an action camera's fisheye",
        places.corner,
        _CORNER,
        cameras=(Camera(16, lens=FISHEYE),),
    ),
    # What can't be reconstructed.
    "panorama": PhotoSet(
        "the corner from one spot, turned: no baseline",
        places.corner,
        walks.turn((0.0, -1.8, 1.4), 84),
        8,
    ),
    "blank": PhotoSet("a bare wall: no texture", places.bare_wall, _FRONT, 8),
}


def write_photos(
    folder: Path,
    count: int | None = None,
    size: tuple[int, int] | None = None,
    scene: str = "courtyard",
) -> list[SamplePhoto]:
    """Renders a set's photos into `folder`, JPEG with EXIF; the truth about them.

    `count` and `size` (width, height in px) are the set's own by default. Deterministic: the same
    files every time on the same machine. Raises KeyError for an unknown set.
    """
    chosen = SETS[scene]
    count, size = count or chosen.count, size or chosen.size
    folder.mkdir(parents=True, exist_ok=True)
    surfaces = chosen.place()

    def make(index: int) -> SamplePhoto:
        camera = chosen.cameras[index % len(chosen.cameras)]
        seen = camera.size(size)
        photo = SamplePhoto(
            f"photo_{index + 1:02d}.jpg",
            chosen.walk(index, count),
            intrinsics(seen, camera.focal_35mm),
            camera.lens,
        )
        picture = photos.render(surfaces, photo, seen, chosen.noise)
        photos.save(picture, folder / photo.name, camera)
        return photo

    with ThreadPoolExecutor(RENDER_THREADS) as pool:
        return list(pool.map(make, range(count)))
