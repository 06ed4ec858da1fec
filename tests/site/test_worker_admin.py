"""What staff do with workers and with the line; on which card a worker starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recon.models import AuditEntry, Job, Worker
from scripts import worker as worker_script
from tests.site.making import browser_of, job_of, person, supporter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def box() -> Worker:
    now = timezone.now()
    return Worker.objects.create(name="box-0", host="box", started_at=now, heartbeat_at=now)


def act(staff: Client, kind: str, action: str, *rows: Any) -> str:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    where = reverse(f"admin:recon_{kind}_changelist")
    return staff.post(where, data, follow=True).content.decode()


def test_staff_drain_a_worker_and_the_history_says_who(box: Worker) -> None:
    boss = person("boss@example.org", is_staff=True, is_superuser=True)
    staff = browser_of(boss)
    assert "1 take no more jobs." in act(staff, "worker", "drain", box)
    assert "Takes no scenes" in staff.get(reverse("admin:recon_worker_changelist")).content.decode()
    assert "0 take no more jobs." in act(staff, "worker", "drain", box)
    assert "1 take jobs again." in act(staff, "worker", "undrain", box)
    assert "0 forgotten." in act(staff, "worker", "forget", box)
    Worker.objects.update(stopped_at=timezone.now())
    assert "1 forgotten." in act(staff, "worker", "forget", box)
    said = LogEntry.objects.order_by("pk").values_list("user_id", "change_message")
    assert list(said) == [(boss.pk, "drain"), (boss.pk, "undrain"), (boss.pk, "forget")]


def test_who_may_only_look_at_workers_changes_none(box: Worker) -> None:
    staff = browser_of(supporter("support@example.org", "view_worker"))
    page = act(staff, "worker", "drain", box)
    assert "box-0" in page
    assert "Let selected workers" not in page
    assert not Worker.objects.get().is_drained


def test_putting_a_job_first_is_in_the_audit_log() -> None:
    boss = person("boss@example.org", is_staff=True, is_superuser=True)
    staff, first, second = browser_of(boss), job_of(person()), job_of(boss)
    done = job_of(boss, status=Job.Status.COMPLETED)
    page = act(staff, "job", "put_first", first, second, done)
    assert "2 put first." in page
    assert "1 left alone: they do not wait." in page
    line = Job.objects.filter(priority__gt=0).order_by("-priority")
    assert list(line) == [first, second], "in the order in which they waited"
    assert "1 put back." in act(staff, "job", "give_turn_back", first)
    logged = AuditEntry.objects.order_by("pk").values_list("person", "job_id", "action", "method")
    assert list(logged) == [
        (boss.pk, first.pk, "put_first", "POST"),
        (boss.pk, first.pk, "give_turn_back", "POST"),
    ]


@pytest.mark.parametrize(
    ("number", "named", "visible", "chosen"),
    [
        (0, None, "4,5", "4"),
        (1, None, "4,5", "5"),
        (2, None, "4,5", "4"),
        (0, "3", None, "3"),
        (0, "GPU-a", "4,5", "GPU-a"),
        (0, None, "4", "4"),
    ],
)
def test_each_worker_has_its_own_card(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    named: str | None,
    visible: str | None,
    chosen: str,
) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(worker_script, "gpu_count", lambda: len((visible or "0").split(",")))
    worker_script.choose_gpu(number, named)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == chosen
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID", "as nvidia-smi counts"
