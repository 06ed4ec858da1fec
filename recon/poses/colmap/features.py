"""SIFT features (Lowe 2004) into a fresh COLMAP database, plain or strong.

Strong ones take their patches in the shape that the surface has in the photo (affine shape,
Mikolajczyk and Schmid 2004) and describe them at several sizes together (domain-size pooling,
Dong and Soatto 2015): fewer are lost from one photo to the next, at some ten times the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.cameras import CameraGroup
from recon.poses.colmap import databases
from recon.poses.colmap.earlier_job import KnownPhotos
from recon.poses.native import colmap, count_while_writing, run_native
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import CancellationToken, Database


def extract(
    database: Path,
    photos: Path,
    groups: Sequence[CameraGroup],
    *,
    max_image_size: int,
    max_num_features: int,
    report: Progress,
    strong: bool = False,
    known: KnownPhotos | None = None,
) -> None:
    """Writes cameras, images and their features to the file `database`.

    That one is new, or what an interrupted call for the same photos left. `photos` is the folder
    that the groups' names lie in. The cameras come from the groups, since the photos no longer
    carry metadata. Photos that it has features of, or `known` has, are not looked at again.
    """
    pycolmap = colmap()
    names = sorted(name for group in groups for name in group.names)
    if not databases.recover(database, names):
        for left in database.parent.glob(f"{database.name}*"):
            left.unlink()
        pycolmap.Database.open(database).close()
        for group in groups:
            import_photos(database, photos, group)
        if known is not None:
            known.bring_in(database)
    options = pycolmap.FeatureExtractionOptions()
    options.max_image_size = max_image_size
    options.sift.max_num_features = max_num_features
    options.sift.estimate_affine_shape = strong
    options.sift.domain_size_pooling = strong
    described = _photos_with_features(database)
    names = [name for name in names if name not in described]
    if not names:
        return

    def call(token: CancellationToken) -> None:
        pycolmap.extract_features(
            database, photos, names, extraction_options=options, cancellation_token=token
        )

    def count_described(content: Database) -> int:
        return sum(content.exists_descriptors(i.image_id) for i in content.read_all_images())

    with count_while_writing(database, count_described) as count:

        def poll() -> None:
            done = max(count() - len(described), 0)
            number = min(done + 1, len(names))
            report(done / len(names), "photo", number=number, total=len(names))

        run_native(call, poll)


def _photos_with_features(database: Path) -> set[str]:
    """The photos that have features."""
    with colmap().Database.open(database) as content:
        return {i.name for i in content.read_all_images() if content.exists_descriptors(i.image_id)}


def import_photos(
    database: Path, photos: Path, group: CameraGroup, start: float | None = None
) -> None:
    """Adds the group's images with one camera; its focal length is a prior where it is known.

    Where it isn't, it begins at `start` times the longest side, by default at COLMAP's 1.2.
    """
    pycolmap = colmap()
    options = pycolmap.ImageReaderOptions()
    options.camera_model = group.model
    options.camera_params = group.params() or ""
    if start is not None:
        options.default_focal_length_factor = start
    pycolmap.import_images(database, photos, pycolmap.CameraMode.SINGLE, list(group.names), options)
