"""What real matching leaves in a job's folder, for pages that show it."""

from __future__ import annotations

from itertools import repeat
from typing import Any

from PIL import Image

from accounts.models import User
from recon.models import Job, Photo
from recon.pipeline.outcome import PreparedPhotos, write_pair_graph
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.poses.colmap.pairs import Pair
from recon.poses.pair_graph import GraphPhoto, PairGraph
from tests.site.making import job_of


def write_matching(
    job: Job, pairs: list[tuple[int, int, int]], registered: list[bool | None]
) -> None:
    """Writes what COLMAP_MATCH and COLMAP_MAP leave, for photos prepared under other names."""
    sent = [photo.name for photo in job.photos.all()]
    prepared = [f"{index}.jpg" for index in range(len(sent))]
    workspace = job.workspace
    for path in (workspace.colmap, workspace.photos_json.parent):
        path.mkdir(parents=True, exist_ok=True)
    photos = (
        PreparedPhoto(name, stored_name, width=9, height=9, focal=None, digest="")
        for name, stored_name in zip(prepared, sent, strict=True)
    )
    PreparedPhotos(photos=tuple(photos)).write(workspace)
    graph = PairGraph(
        photos=tuple(map(GraphPhoto, prepared, registered, repeat(0))),
        pairs=tuple(Pair(prepared[a], prepared[b], n) for a, b, n in pairs),
        groups=(tuple(prepared),),
    )
    write_pair_graph(workspace, graph)


def two_places(owner: User, **fields: Any) -> Job:
    """A job of five photos, three of a red place and two of a blue one, matched accordingly."""
    job = job_of(owner, **fields)
    for number in (3, 4):
        Photo.objects.create(job=job, name=f"{number:03}.jpg", original_name=f"garden {number}.jpg",
                             sha256=f"{number:064}", size=1, width=120, height=110)  # fmt: skip
        (job.workspace.upload / f"{number:03}.jpg").write_bytes(b"photo")
    for number, one in enumerate(job.photos.all()):
        one.thumb_path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 24), "darkred" if number < 3 else "skyblue").save(one.thumb_path)
    placed = [True, True, True, False, False]
    write_matching(job, [(0, 1, 140), (1, 2, 140), (3, 4, 140)], placed)
    return job
