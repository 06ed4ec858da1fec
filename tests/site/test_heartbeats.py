"""Hearts as one process sees them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from recon.jobs import heartbeats
from recon.models import Job


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What `time.monotonic` says, as its only element."""
    now = [1000.0]
    monkeypatch.setattr(heartbeats.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(heartbeats, "_seen", {})
    return now


def beating() -> Job:
    return Job(pk=uuid4(), heartbeat_at=timezone.now())


def test_a_heart_that_stands_still_for_a_minute_is_lost(clock: list[float]) -> None:
    job = beating()
    assert heartbeats.still_beats(job)
    clock[0] += heartbeats.LOST_AFTER_S - 1
    assert heartbeats.still_beats(job)
    job.heartbeat_at = timezone.now()
    assert heartbeats.still_beats(job)
    clock[0] += heartbeats.LOST_AFTER_S + 1
    assert not heartbeats.still_beats(job)


def test_hearts_of_jobs_that_have_ended_are_forgotten(clock: list[float]) -> None:
    """`reconcile` looks after millions of jobs in its life."""
    for _ in range(100):
        assert heartbeats.still_beats(beating())
        clock[0] += heartbeats.LOST_AFTER_S
    assert len(heartbeats._seen) <= 4
