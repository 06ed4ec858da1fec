"""What a file holds, recognised by its first bytes; names and declared types count for nothing.

Phones' photos and videos come in the same box format (ISO base media); the brand tells them apart.
"""

from __future__ import annotations

#: Bytes that are enough to tell.
HEAD = 64

#: What is meant as a photo, by its name and by the type that a browser declares; whether it is one
#: is found out by reading it. The pages and their scripts have these lists from here, too.
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif",
                  ".avif")  # fmt: skip
PHOTO_TYPES = ("image/jpeg", "image/pjpeg", "image/jpg", "image/png", "image/webp", "image/avif",
               "image/heic", "image/heif", "image/heic-sequence",
               "image/heif-sequence")  # fmt: skip
#: The same for videos, of which scripts take any declared one.
VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/3gpp")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".qt", ".3gp", ".webm", ".mkv")

#: And for zips of photos.
ZIP_TYPES = ("application/zip", "application/x-zip-compressed")
ZIP_SUFFIXES = (".zip",)

_PHOTO_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
                 b"avif", b"avis", b"miaf")  # fmt: skip
_VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"avc1", b"M4V ", b"3gp4", b"3gp5")
#: In the same boxes, and neither a video nor a photo that is read here: `file_kinds` names them.
_OTHER_BRANDS = (b"crx ", b"jp2 ", b"jpx ", b"jxl ")
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1aE\xdf\xa3"


def container_of(head: bytes) -> str | None:
    """FFmpeg's name of the container of a video that begins with `head`; None for all else."""
    if head.startswith(_EBML):
        return "matroska"  # and WebM, its subset
    kind, brand = head[4:8], head[8:12]
    if kind == b"ftyp":
        return None if brand in _OTHER_BRANDS or _is_photo_box(head) else "mov"
    return "mov" if kind in _OLD_QUICKTIME else None


def is_photo(head: bytes) -> bool:
    """Whether a file that begins with `head` is a photo of a kind that is read here."""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    return _is_photo_box(head)


def _is_photo_box(head: bytes) -> bool:
    """By the first brand; if that is unknown, as some phones' are, by the others."""
    if head[4:8] != b"ftyp":
        return False
    length = int.from_bytes(head[:4], "big")
    others = [head[at : at + 4] for at in range(16, min(length, len(head)) - 3, 4)]
    if head[8:12] in _PHOTO_BRANDS:
        return True
    return b"mif1" in others and not any(brand in _VIDEO_BRANDS for brand in [head[8:12], *others])


def is_avif(head: bytes) -> bool:
    """Whether a photo in that box format is an AVIF, whatever its first brand says."""
    return head[4:8] == b"ftyp" and b"avif" in head[8:HEAD]


def says_video(name: str, declared: str) -> bool:
    """Whether a file's name or declared type claims a video."""
    return declared.startswith("video/") or name.lower().endswith(VIDEO_SUFFIXES)
