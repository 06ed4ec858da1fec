"""Web and workers that share a database, Redis and an S3 server, and no folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from accounts.models import User
from recon.jobs import deletion
from recon.jobs.drafts import drafts
from recon.jobs.folder import mirror
from recon.models import Artifact, Job
from tests.s3_server import S3Server
from tests.site import staged_pipeline
from tests.site.making import person, photos
from tests.site.working import manage, worker_environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def set_up(object_store: S3Server, data_dir: Path, redis_queue: Redis) -> None:
    """`data_dir` is the web machine's."""


@pytest.fixture
def box(set_up: None, tmp_path: Path) -> dict[str, str]:
    """The environment of a worker on a machine of its own."""
    folder = tmp_path / "box"
    folder.mkdir()
    return {**worker_environment(), "RECON_TEST_JOBS": str(folder)}


@pytest.fixture
def owner(set_up: None) -> User:
    return person()


def draft_with_photos(owner: User, play: str = "finish") -> Job:
    draft = drafts.create_draft(owner)
    for photo in photos(3):
        drafts.add_photo(draft, photo)
    staged_pipeline.play(draft.workspace, play)
    mirror.keep(draft, draft.folder / "play")
    return draft


def test_a_job_goes_from_one_machine_to_another_and_its_scene_comes_back(
    owner: User, box: dict[str, str], object_store: S3Server, client: Client
) -> None:
    draft = draft_with_photos(owner)
    assert drafts.start(draft)
    manage("rqworker", "recon", "--burst", environment=box)
    draft.refresh_from_db()
    assert draft.status == Job.Status.COMPLETED
    assert not (draft.folder / "output").exists(), "this machine has not asked for it yet"
    client.force_login(owner)
    address = reverse("recon:file", args=(draft.pk, Artifact.Kind.SPLAT.value))
    whole = b"".join(client.get(address))
    part = client.get(address, headers={"Range": "bytes=2-5"})
    assert whole
    assert (part.status_code, b"".join(part)) == (206, whole[2:6])
    deletion.delete(draft)
    assert [key for key in object_store.objects() if "/" in key] == []
