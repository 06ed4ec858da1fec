"""The Python client against a real site, over lines good and bad."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import ApiToken, Scope, User
from recon.client import (
    AsyncClient,
    Client,
    FilesRefused,
    NotAllowed,
    NotNow,
    NotThere,
    PhotoRefused,
    ShareChange,
    TimedOut,
    Wishes,
    WrongUse,
)
from recon.client.upload import DraftMade, FileThere, Told
from recon.jobs.drafts import frames
from recon.models import Job as JobRow
from recon.models import Video
from tests.bad_line import NEVER, BadLine, bad_line
from tests.site.client_site import FILES, Pauses, finish, photo_folder
from tests.site.making import job_of, noise, person, token_of
from tests.videos import video_bytes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_queue")]


@pytest.fixture
def owner(data_dir: Path, live_server: Any, settings: Any) -> User:
    settings.BASE_URL = live_server.url
    return person()


@pytest.fixture
def token(owner: User) -> str:
    return token_of(owner)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def line(live_server: Any) -> Iterator[BadLine]:
    """A good line that counts."""
    with bad_line(live_server.url, first=NEVER) as line:
        yield line


@pytest.fixture
def site(line: BadLine, token: str, pauses: Pauses) -> Iterator[Client]:
    with Client(line.url, token, pause=pauses.make) as client:
        yield client


def all_the_way(url: str, token: str, pauses: Pauses, photos: Path, out: Path) -> list[Path]:
    """Photos in, files out, with the client that waits."""
    with Client(url, token, pause=pauses.make) as site:
        job = site.upload(photos, title="Fern", wishes=Wishes(preset="quick"))
        pauses.then = lambda: finish(job.job_id)
        assert site.wait(job.job_id).status == "COMPLETED"
        return site.download(job.job_id, out, kinds=())


def all_the_way_awaited(
    url: str, token: str, pauses: Pauses, photos: Path, out: Path
) -> list[Path]:
    """The same with the client that is awaited."""

    async def way() -> list[Path]:
        async with AsyncClient(url, token, pause=pauses.make_async) as site:
            job = await site.upload(photos, title="Fern", wishes=Wishes(preset="quick"))
            pauses.then = lambda: finish(job.job_id)
            assert (await site.wait(job.job_id)).status == "COMPLETED"
            return await site.download(job.job_id, out, kinds=())

    return asyncio.run(way())


@pytest.mark.slow  # dozens of requests, and photos that are looked at
@pytest.mark.parametrize(
    ("way", "count", "first"), [(all_the_way, 20, 3), (all_the_way_awaited, 7, 1)]
)
def test_a_scene_is_made_over_a_line_that_loses_every_third_request(
    live_server: Any, token: str, pauses: Pauses, tmp_path: Path, way: Any, count: int, first: int
) -> None:
    photos = photo_folder(tmp_path / "photos", count)
    with bad_line(live_server.url, first=first) as line:
        paths = way(line.url, token, pauses, photos, tmp_path / "out")
    (row,) = JobRow.objects.filter(status="COMPLETED")
    assert [photo.original_name for photo in row.photos.all()] == [
        f"photo {number:02}.jpg" for number in range(count)
    ]
    assert line.lost > count / 3
    assert {one.status for one in line.through if one.lost} >= {201}, "some had arrived"
    assert set(Counter(line.files()).values()) == {1}, "what has arrived is not sent again"
    assert len(line.files()) == count
    assert JobRow.objects.count() == 1, "nothing is made twice"
    found = {path.suffix: path.read_bytes() for path in paths}
    assert found == {".ply": FILES["scene_ply"][1], ".spz": FILES["spz"][1]}
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths), "no part is left"


def test_an_interrupted_upload_goes_on_where_it_was(
    site: Client, line: BadLine, tmp_path: Path
) -> None:
    photos, drafts = photo_folder(tmp_path / "photos", 5), []

    def stop_after_two(told: Told) -> None:
        match told:
            case DraftMade(job_id):
                drafts.append(job_id)
            case FileThere() if len(line.files()) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.upload(photos, tell=stop_after_two)
    job = site.upload(photos, draft=drafts[0])
    assert (job.job_id, job.status, job.image_count) == (drafts[0], "PENDING", 5)
    assert len(line.files()) == 5
    again = site.upload(photos, title="The same photos", start=False)
    assert (again.status, again.image_count, len(line.files())) == ("DRAFT", 5, 5)


def test_a_photo_that_is_refused_stops_the_start_and_not_the_others(
    site: Client, line: BadLine, tmp_path: Path
) -> None:
    photos = photo_folder(tmp_path / "photos", 4)
    (photos / "photo 01.jpg").write_bytes(b"\xff\xd8\xff and no more")
    with pytest.raises(FilesRefused, match=r"photo 01\.jpg") as refused:
        site.upload(photos)
    assert refused.value.code == "photo_unreadable"
    draft = JobRow.objects.get()
    assert refused.value.draft_id == str(draft.pk)
    job = site.upload(photos, draft=str(draft.pk), leave_out_refused=True)
    assert (job.status, job.image_count) == ("PENDING", 3)
    assert max(Counter(line.files()).values()) == 1


def test_a_file_that_is_too_large_is_not_sent(
    site: Client, line: BadLine, tmp_path: Path, settings: Any
) -> None:
    settings.MAX_FILE_SIZE_MB = 1
    photos = photo_folder(tmp_path / "photos", 3)
    (photos / "large.jpg").write_bytes(b"\xff\xd8\xff" + bytes(2**20))
    with pytest.raises(FilesRefused, match=r"large\.jpg.* 1\.0 MB; this site takes 1 MB"):
        site.upload(photos)
    assert len(line.files()) == 3


def test_photos_are_in_the_order_of_their_files_however_they_came(
    site: Client, tmp_path: Path
) -> None:
    photos = photo_folder(tmp_path / "photos", 4)
    files = sorted(photos.glob("*.jpg"))
    site.upload(files[2:], start=False)
    job = site.upload(files, start=False)
    assert [photo.original_name for photo in site.photos(job.job_id)] == [f.name for f in files]


def take_frames() -> None:
    """What a worker does with the videos that wait."""
    for video in Video.objects.filter(state=Video.State.WAITING):
        frames.take_frames(video.pk)


def test_a_video_arrives_once_and_its_frames_are_waited_for(
    live_server: Any, token: str, pauses: Pauses, tmp_path: Path
) -> None:
    movie = tmp_path / "walk.mp4"
    movie.write_bytes(video_bytes([noise(seed, (160, 120)) for seed in range(8) for _ in range(3)]))
    pauses.then = take_frames
    with (
        bad_line(live_server.url, first=4) as line,
        Client(line.url, token, pause=pauses.make) as site,
    ):
        job = site.upload(movie)
    assert (job.status, job.image_count >= 3, line.lost > 0) == ("PENDING", True, True)
    assert len(line.files()) == 1, "the answer was lost, and the site was asked for it"
    assert [one.lost for one in line.through if one.file] == [True]


def test_a_video_without_frames_is_refused_and_its_draft_stays(
    site: Client, pauses: Pauses, tmp_path: Path
) -> None:
    movie = tmp_path / "walk.mp4"
    movie.write_bytes(video_bytes([noise(0, (160, 120))] * 24))
    failed = {"state": Video.State.FAILED, "error_code": "video_damaged"}
    pauses.then = lambda: Video.objects.update(
        **failed, error_facts={"name": "walk.mp4", "percent": 40}
    )
    with pytest.raises(PhotoRefused) as refused:
        site.upload(movie)
    assert refused.value.code == "video_damaged"
    assert JobRow.objects.get().status == "DRAFT"


def test_names_that_are_no_text_are_sent_all_the_same(site: Client, tmp_path: Path) -> None:
    photos = photo_folder(tmp_path / "photos", 3)
    (photos / "photo 00.jpg").rename(photos / os.fsdecode(b'caf\xe9 "1".jpg'))
    job = site.upload(photos)
    assert {photo.original_name for photo in site.photos(job.job_id)} >= {"photo 01.jpg"}
    assert site.upload(photos, start=False).image_count == 3


def test_a_file_that_was_cut_goes_on_and_a_wrong_one_comes_again(
    site: Client, line: BadLine, owner: User, tmp_path: Path
) -> None:
    job = job_of(owner)
    finish(str(job.pk))
    (path,) = site.download(str(job.pk), tmp_path, kinds=["scene_ply"])
    (artifact,) = (one for one in site.artifacts(str(job.pk)) if one.kind == "scene_ply")
    part = path.with_name(f"{path.name}.{artifact.sha256[:12]}.part")
    content = FILES["scene_ply"][1]
    for beginning in (content[:5000], b"x" * 5000, content + b"more"):
        path.unlink()
        part.write_bytes(beginning)
        counts: list[int] = []
        site.download(str(job.pk), tmp_path, on_bytes=lambda _, count, to=counts: to.append(count))
        assert path.read_bytes() == content
        assert (counts[0], counts[-1]) == (len(beginning), len(content))
        assert not part.exists()
    asked = len(line.through)
    assert site.download(str(job.pk), tmp_path) == [path]
    assert len(line.through) == asked + 1, "a file that is here is not fetched"


def test_another_file_of_that_name_is_not_replaced_unasked(
    site: Client, owner: User, tmp_path: Path
) -> None:
    job = job_of(owner)
    finish(str(job.pk))
    (path,) = site.download(str(job.pk), tmp_path)
    path.write_bytes(b"mine")
    with pytest.raises(WrongUse, match="another file"):
        site.download(str(job.pk), tmp_path)
    assert path.read_bytes() == b"mine"
    site.download(str(job.pk), tmp_path, overwrite=True)
    assert hashlib.sha256(path.read_bytes()).digest() == (
        hashlib.sha256(FILES["scene_ply"][1]).digest()
    )


def test_jobs_are_listed_page_by_page(
    site: Client, line: BadLine, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.client.job_pages.LARGEST_PAGE", 2)
    made = [str(job_of(owner, title=f"job {number}").pk) for number in range(5)]
    assert [job.job_id for job in site.jobs()] == made[::-1]
    assert len(line.through) == 3
    assert [job.title for job in site.jobs(limit=3)] == ["job 4", "job 3", "job 2"]
    assert [*site.jobs(statuses=["COMPLETED", "FAILED"])] == []


def test_a_job_is_shared_cancelled_run_again_and_deleted(site: Client, owner: User) -> None:
    job_id = str(job_of(owner).pk)
    shared = site.share(job_id, ShareChange(on=True, downloads="splat", password="under the mat"))
    assert shared == site.share(job_id)
    assert (shared.on, shared.downloads, shared.has_password) == (True, "splat", True)
    assert site.share(job_id, ShareChange(password=None)).has_password is False
    assert site.cancel(job_id).status == site.cancel(job_id).status == "CANCELLED"
    assert site.edit(job_id, title="Another").title == "Another"
    again = site.retry(job_id)
    assert (again.status, again.job_id != job_id) == ("PENDING", True)
    site.delete(job_id)
    with pytest.raises(NotThere):
        site.job(job_id)


def test_what_the_site_says_of_itself_has_types(site: Client, owner: User) -> None:
    assert site.account().email == owner.email
    assert site.limits().max_photos == 20
    assert site.presets().default in {preset.name for preset in site.presets().items}
    assert site.quota().drafts.used == 0
    job = job_of(owner)
    assert [one.job_id for one in site.queue().jobs] == [str(job.pk)]
    finish(str(job.pk))
    result = site.result(str(job.pk))
    assert (result.figures.psnr, len(result.artifacts)) == (24.0, 2)


def test_errors_say_their_kind(site: Client, line: BadLine, owner: User) -> None:
    finished = str(job_of(owner).pk)
    finish(finished)
    stranger = str(job_of(person("bob@example.org")).pk)
    with pytest.raises(NotNow) as ended:
        site.cancel(finished)
    assert ended.value.code == "already_ended"
    with pytest.raises(NotThere):
        site.job(stranger)
    with pytest.raises(WrongUse, match="not the id of a job"):
        site.job("../queue")
    with pytest.raises(TimedOut):
        site.wait(str(job_of(owner).pk), limit_s=0)
    reader = ApiToken.issue(owner, "reads", scopes=[Scope.READ])[1]
    with Client(line.url, reader) as reading, pytest.raises(NotAllowed) as refused:
        reading.cancel(finished)
    assert refused.value.code == "token_scope"


def test_a_site_that_is_busy_is_asked_again_when_it_says(
    site: Client, pauses: Pauses, settings: Any
) -> None:
    settings.API_CALLS_A_MINUTE = 1
    assert site.account() is not None
    with pytest.raises(NotNow) as refused:
        site.account()
    assert refused.value.status == 429
    assert refused.value.retry_after_s is not None
    assert all(pause >= refused.value.retry_after_s - 1 for pause in pauses.seconds)
    assert len(pauses.seconds) == 8
