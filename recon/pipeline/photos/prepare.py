"""One photo as sent -> one photo as used: upright, 8-bit sRGB, without metadata."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageCms

from recon.picture_size import fitted_size
from recon.pipeline.config import PreflightConfig
from recon.pipeline.decoding import opening
from recon.pipeline.decoding.opening import DevelopedPhoto
from recon.pipeline.photos.photo_file import decode
from recon.pipeline.workspace import replacing
from recon.poses.cameras import Photo, exif_device, exif_focal
from recon.poses.exif import exposure_value, orientation

#: Characters of a prepared photo's name before its suffix.
LONGEST_STEM = 120


@dataclass(frozen=True)
class PreparedPhoto:
    """What is kept of a photo beside its pixels: an entry of work/photos.json."""

    name: str  # of the file in work/photos, which is COLMAP's and training's name for it
    stored_name: str  # the photo's own, in upload/images; "FOLDER/NAME" where it came in a folder
    width: int  # px, as prepared
    height: int  # px, as prepared
    focal: float | None  # px of the prepared photo, from the metadata
    digest: str  # SHA-256 of the prepared file
    device: str | None = None  # the same for one body and lens; a digest, see `exif_device`
    orientation: int = 1  # EXIF's, of the file that was sent; prepared, it is upright
    ev100: float | None = None  # exposure value of the shot, from the metadata

    @property
    def for_poses(self) -> Photo:
        folder = str(PurePosixPath(self.stored_name).parent)
        return Photo(self.name, self.width, self.height, self.focal, self.device, folder)


def prepare(
    source: Path, folder: Path, name: str, config: PreflightConfig, stored_name: str | None = None
) -> PreparedPhoto:
    """Writes the photo `source` to `folder / name` as a JPEG that holds pixels and nothing else.

    It is decoded in a process of its own. `stored_name` is the photo's in upload/images, the file's
    name by default.
    Raises UserError as `photos.decode` does, naming the file.
    """
    stored_name = stored_name or source.name
    made = opening.own_opener().develop(source, name=stored_name, config=config)
    with replacing(folder / name) as temporary:
        temporary.write_bytes(made.jpeg)
    digest = hashlib.sha256(made.jpeg).hexdigest()
    return PreparedPhoto(
        name,
        stored_name,
        made.width,
        made.height,
        made.focal,
        digest,
        made.device,
        made.orientation,
        made.ev100,
    )


def develop(source: Path, name: str, config: PreflightConfig) -> DevelopedPhoto:
    """The same in this process, written nowhere."""
    decoded = decode(
        source,
        name=name,
        min_image_size=config.min_image_size,
        max_megapixels=config.max_megapixels,
    )
    with decoded.image:
        focal, device = exif_focal(source, decoded.image), exif_device(decoded.image)
        turned, ev100 = orientation(decoded.image), exposure_value(decoded.image)
        image = to_rgb(decoded.upright())
    full_size = image.size
    size = fitted_size(*full_size, config.max_image_size)
    if size != full_size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        focal = focal and focal * max(size) / max(full_size)
    clean = Image.new("RGB", size)  # carries over no comment, EXIF, XMP or profile
    clean.paste(image)
    jpeg = io.BytesIO()
    clean.save(jpeg, format="JPEG", quality=config.jpeg_quality, subsampling=0)
    return DevelopedPhoto(jpeg.getvalue(), *size, focal, device, turned, ev100)


def to_rgb(image: Image.Image) -> Image.Image:
    """`image` of any mode as 8-bit sRGB; transparent parts become white."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits a pixel
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    elif image.mode not in ("RGB", "CMYK", "L"):
        image = image.convert("RGB")
    if profile:
        try:
            source_profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source_profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            # A damaged profile, or one for another mode: the plain conversion below is close.
            return image.convert("RGB")
    return image.convert("RGB")


def prepared_names(stored_names: list[str]) -> dict[str, str]:
    """Name in upload/images -> name in work/photos.

    COLMAP's text files separate fields by spaces, and two photos may differ in their extension
    only, so names are reduced to safe letters and made different again by a number. Other files
    are named after them, with a bit more, so they are kept short.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for stored_name in sorted(stored_names):
        path = PurePosixPath(stored_name)
        words = "_".join([*path.parts[:-1], path.stem])
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", words).strip(".")
        stem = stem[:LONGEST_STEM].rstrip(".") or "photo"
        name, number = f"{stem}.jpg", 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}.jpg"
        taken.add(name.casefold())
        names[stored_name] = name
    return names
