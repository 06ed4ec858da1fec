"""What the client's tests share: pauses that take no time, photos, and a job that is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection

from recon.client import calls
from recon.jobs import lifecycle, publish
from recon.pipeline.outcome import Summary
from tests.site.making import photo_bytes

#: The files of `finish`: as large as some pieces of a download, and small.
FILES = {
    "scene_ply": ("output/scene.ply", bytes(range(251)) * 4001),
    "spz": ("output/scene.spz", b"spz" * 1000),
}


@dataclass
class Pauses:
    """The pauses that a client makes, which take no time. `then` happens in the first one between
    two looks at a job."""

    seconds: list[float] = field(default_factory=list)
    then: Callable[[], None] | None = None

    def make(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if seconds == calls.LOOK_EVERY_S and self.then is not None:
            happens, self.then = self.then, None
            happens()

    async def make_async(self, seconds: float) -> None:
        await asyncio.to_thread(self._make_in_a_thread, seconds)

    def _make_in_a_thread(self, seconds: float) -> None:
        self.make(seconds)
        connection.close()


def photo_folder(folder: Path, count: int) -> Path:
    """Photos that differ, and a file that is none."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"photo {number:02}.jpg").write_bytes(photo_bytes(number))
    (folder / "notes.txt").write_text("not a photo")
    return folder


def finish(job_id: str) -> None:
    """What a worker does with the job in the end, without the work."""
    job = lifecycle.start(job_id, 1)
    assert job is not None
    for path, content in FILES.values():
        (job.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (job.folder / path).write_bytes(content)
    artifacts = {kind: path for kind, (path, _) in FILES.items()}
    summary = Summary(
        status="COMPLETED", registered=20, psnr=24.0, ssim=0.8, gaussian_count=5, iterations=800,
        artifacts=artifacts,
    )  # fmt: skip
    assert publish.publish(job, summary)
