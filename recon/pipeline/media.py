"""What a file holds, told by its first bytes; names and declared types count for nothing.

Photos and videos of phones come in the same box format (ISO base media), told apart by brand.
"""

from __future__ import annotations

#: What people are told, and what a choice of files offers.
PHOTOS_IN_WORDS = "JPEG, PNG, WebP, HEIC or AVIF"
VIDEOS_IN_WORDS = "MP4, MOV or WebM"

#: Bytes that are enough to tell.
HEAD = 64

#: Names that say "video", for the sentence about a file that is none.
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".qt", ".3gp", ".webm", ".mkv")

_PHOTO_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
                 b"avif", b"avis", b"miaf")  # fmt: skip
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1aE\xdf\xa3"


def container_of(head: bytes) -> str | None:
    """FFmpeg's name of the container of a video that begins with `head`; None for all else."""
    if head.startswith(_EBML):
        return "matroska"  # and WebM, its subset
    kind, brand = head[4:8], head[8:12]
    if kind == b"ftyp":
        return None if brand in _PHOTO_BRANDS else "mov"
    return "mov" if kind in _OLD_QUICKTIME else None


def is_photo(head: bytes) -> bool:
    """Whether a file that begins with `head` is a photo of a kind that is read here."""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    return head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS


def is_avif(head: bytes) -> bool:
    """Whether a photo in that box format is an AVIF, whatever its first brand says."""
    return head[4:8] == b"ftyp" and b"avif" in head[8:HEAD]


def says_video(name: str, declared: str) -> bool:
    """Whether a file's name or declared type claims a video."""
    return declared.startswith("video/") or name.lower().endswith(VIDEO_SUFFIXES)
