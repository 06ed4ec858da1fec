"""What one piece of work may cost a decoding process."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MB = 2**20


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A process that goes over it is ended, and another takes its place."""

    memory_mb: int  # of its own: what it allocates, without libraries
    cpu_s: int  # s of all its threads together; a busy machine does not count
    seconds: float  # s by the clock, for what hangs without working

    def to_dict(self) -> dict[str, int | float]:
        return asdict(self)


#: Seen: a PNG of 100 megapixels 3.1 s and 440 MB; of 48 megapixels, a JPEG or AVIF 480 MB and a
#: WebP 810 MB. The scripts that send photos give up a silent request after 60 s.
ONE_PHOTO = Budget(memory_mb=1280, cpu_s=20, seconds=35.0)

#: For the check and for jobs, where nobody waits at a request: transparent parts, profiles and
#: 16 bits take several copies of the pixels.
ONE_PHOTO_IN_FULL = Budget(memory_mb=2560, cpu_s=120, seconds=300.0)

#: A zip's files, one after the other: each is read whole, and opened as a photo elsewhere.
ONE_ZIP = Budget(memory_mb=1024, cpu_s=30, seconds=40.0)

#: Files of camera positions. Seen: COLMAP models of 60 MB, binary 3 s and 390 MB, as text 9 s
#: and 760 MB.
POSE_FILES = Budget(memory_mb=1536, cpu_s=30, seconds=40.0)

#: The index of a video, and as many frames as it takes to know what they are.
VIDEO_INDEX = Budget(memory_mb=1024, cpu_s=15, seconds=30.0)

#: All its frames: 8K in 10 bits is 100 MB a frame, and a decoder keeps some twenty.
VIDEO_FRAMES = Budget(memory_mb=3584, cpu_s=3600, seconds=1800.0)
