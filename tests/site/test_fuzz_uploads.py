"""Three hundred broken photos and videos: each is accepted or refused, without crash or leak.

`make bench` sends thousands more to a real site (`benchmarks/fuzz_uploads.py`).
"""

from __future__ import annotations

from typing import Any

import psutil
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from benchmarks.fuzz_uploads import IN_A_DRAFT, POOL_MOST
from benchmarks.parts.mutants import KINDS, mutant, sound
from recon.jobs import decoders
from recon.jobs.drafts import drafts
from tests.site.making import browser_of, person

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}
SEED, COUNT = 13, 300
MAY_GROW = 64 * 2**20  # bytes


def send(browser: Any, draft: Any, name: str, content: bytes) -> int:
    where = reverse("recon:add_photos", args=[draft.pk])
    upload = SimpleUploadedFile(name, content)
    return int(browser.post(where, {"photos": upload}, headers=JSON).status_code)


@pytest.fixture
def ann(data_dir: Any, redis_queue: Any, settings: Any) -> Any:
    settings.MAX_DRAFTS = settings.QUOTA_VIDEOS = settings.MAX_VIDEOS = 1000
    settings.UPLOADS_AN_HOUR = 1_000_000
    return person()


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_that_are_broken_are_sound_before(ann: Any, kind: str) -> None:
    draft = drafts.create_draft(ann)
    assert send(browser_of(ann), draft, f"a.{kind}", sound(kind)) in (201, 202)


def test_broken_files_are_taken_or_refused(ann: Any) -> None:
    browser, own = browser_of(ann), psutil.Process()
    drafts_of = {at: drafts.create_draft(ann) for at in range(0, COUNT, IN_A_DRAFT)}
    wrong, before = [], 0
    for number in range(COUNT):
        kind, content = mutant(SEED, number)
        draft = drafts_of[number // IN_A_DRAFT * IN_A_DRAFT]
        status = send(browser, draft, f"mutant {number}.{kind}", content)
        if status not in (200, 201, 202, 400):
            wrong.append((number, kind, status))
        if number == COUNT // 3:
            before = own.memory_info().rss
    assert not wrong, f"benchmarks/fuzz_uploads.py --seed {SEED} --only K sends one again"
    assert own.memory_info().rss - before < MAY_GROW
    for child in decoders.opener().pool._idle:
        assert psutil.Process(child.process.pid).memory_info().rss < POOL_MOST


def test_a_mutant_is_always_the_same() -> None:
    assert mutant(7, 211) == mutant(7, 211)
    assert mutant(7, 211) != mutant(8, 211)
