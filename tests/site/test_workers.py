"""Workers that register, are drained and lost; which job each does, and who waits for what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer

from recon.jobs import lifecycle, queue
from recon.jobs.reconcile import reconcile
from recon.jobs.run.next_job import next_instead_of
from recon.jobs.time_left import outlook
from recon.jobs.workers import needs, obstacles, staff_controls
from recon.jobs.workers.registration import Registration
from recon.models import Job, Worker
from recon.models.workers import SILENT_AFTER
from recon.pipeline.machine.environment import MIN_FREE_GPU_MB
from recon.pipeline.wishes import PRESET_NAMES, Wishes
from tests.site.making import browser_of, job_of, person
from tests.site.staged_pipeline import play
from tests.site.working import horse_of, wait_for_status, worker
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

State = Worker.State


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Redis) -> None:
    """Every test here has a data folder and a queue."""


def worker_of(name: str, memory_mb: int | None = None, **fields: Any) -> Worker:
    """The row of a worker that has just been heard of, on a card of this size or the CPU."""
    now = timezone.now()
    facts = {"host": name, "started_at": now, "heartbeat_at": now, "presets": list(PRESET_NAMES)}
    card = {"gpu_name": "NVIDIA", "gpu_memory_mb": memory_mb} if memory_mb else {}
    return Worker.objects.create(name=name, **(facts | card | fields))


def obstacle(job: Job) -> str:
    return obstacles.obstacle_of(job, Worker.objects.all())


def waiting(title: str, needed_mb: int = 2000, **fields: Any) -> Job:
    job = job_of(person(f"{title}@example.org"), title=title, gpu_memory_mb=needed_mb, **fields)
    queue.enqueue(str(job.pk), 1)
    return job


def next_title(one: Worker, redis: Redis) -> str | None:
    """What a worker does next that wakes: it takes what is first on the list in Redis."""
    listed = queue.rq_queue()
    taken = redis.lmove(listed.key, listed.intermediate_queue_key)
    if taken is None:
        return None
    task = QueuedJob.fetch(taken.decode(), connection=redis, serializer=JSONSerializer)
    found = next_instead_of(task, listed, one)
    return None if found is None else Job.objects.get(pk=queue.job_pk_of(found.id)).title


class TestRow:
    def test_a_worker_registers_and_says_goodbye(self, settings: Any) -> None:
        settings.WORKER_PRESETS = ["quick"]
        own = Registration("box-0")
        own.beat()
        row = Worker.objects.get()
        assert (row.name, row.state, row.presets) == ("box-0", State.READY, ["quick"])
        assert row.disk_free_mb
        assert row.version
        own.leave()
        row.refresh_from_db()
        assert (row.state, row.is_present) == (State.STOPPED, False)

    def test_it_says_what_it_does_and_is_heard_of_every_ten_seconds(
        self, django_assert_num_queries: Any
    ) -> None:
        own, job = Registration("box-0"), job_of(person())
        own.beat()
        assert own.take(job.pk)
        assert Worker.objects.get().state == State.BUSY
        with django_assert_num_queries(0):
            own.beat(job_pk=job.pk)
        with django_assert_num_queries(1):
            own.beat(job_pk=job.pk, now=True)
        own.beat(now=True)
        assert Worker.objects.get().state == State.READY

    def test_after_a_restart_it_has_the_same_row_and_its_predecessor_none(self) -> None:
        old, new = Registration("box-0"), Registration("box-0")
        old.beat()
        staff_controls.drain(Worker.objects.get())
        new.beat()
        row = Worker.objects.get()
        assert row.state == State.DRAINED, "it stays so over a restart"
        old.leave()
        row.refresh_from_db()
        assert row.stopped_at is None
        old.beat(now=True)
        assert sorted(Worker.objects.values_list("name", flat=True))[0] == "box-0"
        assert Worker.objects.count() == 2, "two at a time have a row each"

    def test_one_that_is_silent_is_lost_and_in_the_end_forgotten(self, settings: Any) -> None:
        row = worker_of("box-0", 24_000)
        Worker.objects.update(heartbeat_at=timezone.now() - SILENT_AFTER - timedelta(seconds=1))
        row.refresh_from_db()
        assert row.state == State.LOST
        reconcile()
        assert Worker.objects.exists()
        Worker.objects.update(heartbeat_at=timezone.now() - timedelta(days=settings.WORKER_DAYS))
        reconcile()
        assert not Worker.objects.exists()

    def test_staff_forget_only_one_that_is_gone(self) -> None:
        row = worker_of("box-0")
        assert not staff_controls.forget(row)
        Worker.objects.update(stopped_at=timezone.now())
        row.refresh_from_db()
        assert staff_controls.forget(row)

    def test_a_drained_worker_takes_nothing_even_if_it_was_at_it(self) -> None:
        own, job = Registration("box-0"), job_of(person())
        own.beat()
        row = own.row()
        assert row is not None
        assert staff_controls.drain(row)
        assert not staff_controls.drain(row)
        assert not own.take(job.pk)
        assert own.row() is None
        assert staff_controls.undrain(row)
        assert own.take(job.pk)

    def test_the_site_counts_the_workers_that_take_jobs(self, settings: Any) -> None:
        settings.MAX_CONCURRENT_JOBS = 1
        assert queue.overview()["max_concurrent"] == 1
        for number in range(3):
            worker_of(f"box-{number}")
        worker_of("drained", is_drained=True)
        worker_of("stopped", stopped_at=timezone.now())
        assert queue.overview()["max_concurrent"] == 3


class TestChoice:
    def test_the_line_in_the_database_counts_not_the_list(self, redis_queue: Redis) -> None:
        one = worker_of("box-0")
        for title in ("a", "b", "c"):
            waiting(title)
        staff_controls.put_first(Job.objects.get(title="c"))
        assert [next_title(one, redis_queue)] == ["c"]
        assert len(queue.rq_queue().job_ids) == 2
        lifecycle.start(Job.objects.get(title="c").pk, 1)
        assert next_title(one, redis_queue) == "a"

    def test_a_job_too_large_for_a_card_goes_to_one_that_fits(self, redis_queue: Redis) -> None:
        small, large = worker_of("small", 8_000), worker_of("large", 80_000)
        waiting("needs much", 20_000)
        waiting("needs little", 3_000)
        assert next_title(small, redis_queue) == "needs little"
        lifecycle.start(Job.objects.get(title="needs little").pk, 1)
        assert next_title(small, redis_queue) is None
        assert len(queue.rq_queue().job_ids) == 1, "it waits on the list"
        assert next_title(large, redis_queue) == "needs much"

    def test_a_job_too_large_for_every_card_goes_to_the_largest(self, redis_queue: Redis) -> None:
        small, large = worker_of("small", 8_000), worker_of("large", 16_000)
        job = waiting("huge", 90_000)
        assert next_title(small, redis_queue) is None
        assert [one.name for one in needs.suitable(job, [small, large])] == ["large"]
        assert next_title(large, redis_queue) == "huge"

    def test_a_worker_does_only_its_presets(self, redis_queue: Redis) -> None:
        laptop = worker_of("laptop", presets=["quick"])
        card = worker_of("card", 24_000)
        job = waiting("standard", wishes=Wishes("standard"))
        assert needs.suitable(job, [laptop, card]) == [card]
        assert next_title(laptop, redis_queue) is None
        waiting("quick")
        assert next_title(laptop, redis_queue) == "quick"
        assert next_title(card, redis_queue) == "standard"

    def test_what_is_on_the_list_in_vain_is_taken_off(self, redis_queue: Redis) -> None:
        """As before there were several workers: its horse finds nothing to do."""
        one = worker_of("box-0")
        job = waiting("cancelled")
        Job.objects.update(status=Job.Status.CANCELLED)
        assert next_title(one, redis_queue) == "cancelled"
        assert queue.carried_ids() == {job.queue_id}, "handed over, no longer on the list"
        assert queue.rq_queue().job_ids == []

    def test_workers_that_wake_together_never_get_the_same(self, redis_queue: Redis) -> None:
        workers = [worker_of(f"box-{number}") for number in range(4)]
        jobs = [waiting(f"job {number}") for number in range(8)]

        gate = Barrier(len(workers))

        def take_two(one: Worker) -> list[str | None]:
            try:
                gate.wait()
                return [next_title(one, redis_queue) for _ in range(2)]
            finally:
                connection.close()

        with ThreadPoolExecutor(len(workers)) as threads:
            taken = [title for both in threads.map(take_two, workers) for title in both]
        assert sorted(map(str, taken)) == sorted(job.title for job in jobs)


@pytest.mark.slow
class TestProcess:
    def test_a_drained_worker_finishes_its_job_and_takes_no_other(self) -> None:
        first = waiting("first")
        play(first.workspace, "talk")
        with worker() as process:
            horse_of(first)
            wait_until(lambda: Worker.objects.filter(job=first).exists(), "its row says so")
            row = Worker.objects.get()
            assert row.state == State.BUSY
            staff_controls.drain(row)
            second = waiting("second")
            play(second.workspace, "finish")
            (first.folder / "go").touch()
            wait_for_status(first, "COMPLETED")
            wait_until(lambda: Worker.objects.get().state == State.DRAINED, "it is idle")
            second.refresh_from_db()
            assert second.status == Job.Status.PENDING
            assert queue.carried_ids() >= {second.queue_id}
            staff_controls.undrain(row)
            wait_for_status(second, "COMPLETED")
            process.terminate()
            assert process.wait() == 0
        assert Worker.objects.get().state == State.STOPPED


class TestWaiting:
    """What a page says to whoever waits."""

    def test_the_start_depends_on_the_workers_that_may_do_it(self) -> None:
        busy, free = worker_of("small", 8_000), worker_of("large", 80_000)
        running = waiting("running")
        lifecycle.start(running.pk, 1)
        Worker.objects.filter(pk=busy.pk).update(job=running)
        little, much = waiting("little", 3_000), waiting("much", 20_000)
        assert starts(little) == (0, 0)
        assert starts(much).low > 5, "the one in front takes the free worker"  # type: ignore[union-attr]
        Worker.objects.filter(pk=free.pk).update(is_drained=True)
        assert starts(little).low > 5  # type: ignore[union-attr]
        assert starts(much) is None
        assert outlook.outlook_of(much).position == 2

    def test_a_newcomer_is_told_of_those_in_front_only(self) -> None:
        worker_of("box-0")
        ann, bob = person(), person("bob@example.org")
        for _ in range(4):
            lifecycle.put_in_line(job_of(ann))
        (_, for_ann), (_, for_bob) = (
            outlook.times_from_now([(4000, 3000)] * 5, one.pk) for one in (ann, bob)
        )
        assert for_ann.low == pytest.approx(4 * for_bob.low, rel=0.01)

    @pytest.mark.parametrize(
        ("needed_mb", "preset", "sentence"),
        [
            (3_000, "quick", ""),
            (20_000, "quick", "It needs a graphics card with 20 GB, and no machine that has one"),
            (90_000, "quick", "It needs a graphics card with 88 GB, and no machine that has one"),
            (3_000, "high", "No machine of this site does the preset “High”."),
        ],
    )
    def test_the_page_says_why_a_job_waits(
        self, needed_mb: int, preset: str, sentence: str
    ) -> None:
        usual = {"presets": ["quick", "standard"]}
        worker_of("small", 8_000, **usual)
        worker_of("large", 80_000, is_drained=True, **usual)
        job = waiting("job", needed_mb, wishes=Wishes(preset))
        assert obstacle(job).startswith(sentence)
        assert bool(obstacle(job)) == bool(sentence)
        page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
        assert sentence in page

    def test_it_says_that_the_largest_card_may_be_too_small_and_that_nobody_is_there(self) -> None:
        job = waiting("job", 90_000)
        assert obstacle(job) == "", "nothing is known before a worker registers"
        worker_of("large", 80_000)
        assert "needs 88 GB of graphics memory, and the largest" in obstacle(job)
        Worker.objects.update(stopped_at=timezone.now())
        assert obstacle(job) == "No machine takes scenes at the moment."


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        ({}, 1, "starting"),
        ({}, 3, "earlier_jobs"),
        ({"is_busy": True}, 1, "workers_busy"),
        ({"is_drained": True}, 2, "workers_draining"),
        ({"stopped_at": timezone.now()}, 2, "workers_away"),
        ({"heartbeat_at": timezone.now() - timedelta(minutes=5)}, 1, "workers_away"),
        ({"presets": ["high"]}, 1, "preset_not_served"),
        (None, 1, "no_worker_yet"),
    ],
)
def test_programs_are_told_by_a_code_why_a_job_waits(
    change: dict[str, Any] | None, place: int, code: str
) -> None:
    job = waiting("job", 3_000)
    if change is not None:
        worker_of("box-0", 8_000)
        running = change.pop("is_busy", False) and waiting("other", 3_000)
        Worker.objects.update(**change, **({"job": running} if running else {}))
    reason = obstacles.reason_of(job, place)
    assert reason.code == code
    assert reason.text.endswith(".")


def starts(job: Job) -> Any:
    return outlook.outlook_of(job).starts_in


def test_what_is_needed_is_written_down_when_a_job_joins_the_line() -> None:
    job = job_of(person())
    lifecycle.put_in_line(job)
    job.refresh_from_db()
    assert job.gpu_memory_mb == MIN_FREE_GPU_MB
    job.config["unknown"] = True
    job.photos.update(width=9000, height=9000)
    job.wishes = Wishes("high", original_resolution=True)
    assert needs.gpu_memory_mb(job) > 0
