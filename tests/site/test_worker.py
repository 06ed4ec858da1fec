"""Real workers, forked horses, real signals: what happens to a job when processes die."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.exceptions import StopRequested
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer

from recon.jobs import deletion, lifecycle, queue, submit
from recon.jobs.folder import lock as folder_lock
from recon.jobs.reconcile import reconcile
from recon.jobs.run import tasks
from recon.jobs.run.worker import ReconWorker
from recon.models import Job, StageRun
from recon.pipeline.wishes import Wishes
from tests.core.tiny_scene import write_tiny_workspace
from tests.services import redis_address, start_redis, stop_redis, use_redis
from tests.site import staged_pipeline
from tests.site.making import job_of, person, photos
from tests.site.staged_pipeline import HOLDS, play
from tests.site.working import (
    horse_of,
    is_held,
    kill_all,
    manage,
    wait_for_status,
    work_off,
    worker,
    worker_environment,
)
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

REAL_PIPELINE = ""


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Redis) -> None:
    """Every test here has a data folder and a queue."""


def queued(what: str) -> Job:
    """A job in the queue whose pipeline will do `what`."""
    job = job_of(person())
    play(job.workspace, what)
    queue.enqueue(str(job.pk), job.attempt)
    return job


def go(job: Job) -> None:
    """Lets a staged pipeline that talks or is silent finish."""
    (job.folder / "go").touch()


def ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_job_runs_to_its_end() -> None:
    job = queued("finish")
    output = work_off()
    job.refresh_from_db()
    assert (job.status, job.step, job.percent) == ("COMPLETED", "DONE", 100.0), output
    assert (job.figures.psnr, job.figures.lpips, job.figures.gaussian_count) == (21.5, None, 1000)
    assert job.view is not None
    assert job.view["position"] == [0, 0, -1]
    assert [(a.kind, a.size) for a in job.artifacts.all()] == [("splat", 50)]
    assert job.stage_runs.get().outcome == StageRun.Outcome.DONE
    assert "GS_TRAIN: started" in job.workspace.log.read_text()
    assert not is_held(job.folder)


def test_the_real_pipeline_says_what_is_wrong_with_the_photos() -> None:
    """All the way, nothing staged: the real runner on photos that it can't open."""
    job = submit.create_job(person(), photos(3), wishes=Wishes("quick"))
    for photo in job.photos.all():
        photo.path.write_bytes(b"overwritten after the upload")
    output = work_off(pipeline=REAL_PIPELINE)
    job.refresh_from_db()
    assert (job.status, job.step, job.error_code) == ("FAILED", "PREFLIGHT", "photo_unreadable"), (
        output
    )
    assert job.error is not None
    assert "can't be read" in job.error.title
    assert job.stage_runs.get().outcome == StageRun.Outcome.FAILED


def test_a_named_fault_of_ours_is_not_tried_again() -> None:
    job = queued("fail")
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempt) == ("FAILED", "gpu_out_of_memory", 1)


def test_an_unforeseen_fault_of_ours_ends_the_job_too() -> None:
    job = queued("crash")
    output = work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("FAILED", "internal")
    assert "nobody foresaw this" in output


def test_a_job_without_a_folder_fails_and_does_not_run_for_ever() -> None:
    job = Job.objects.create(owner=person())
    queue.enqueue(str(job.pk), 1)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("FAILED", "internal")


@pytest.mark.parametrize("what", ["talk", "silent", "deaf"])
def test_a_running_job_is_cancelled_whatever_it_does(what: str) -> None:
    """Reporting, in long native code, and holding the interpreter's lock."""
    job = queued(what)
    with worker() as process:
        horse = horse_of(job)
        assert lifecycle.cancel(job)
        wait_until(lambda: ended(horse), "the horse is stopped")
        assert process.is_running()
        job.refresh_from_db()
        assert (job.status, job.attempt) == ("CANCELLED", 1)
        after = queued_after(job)
        wait_for_status(after, "COMPLETED")  # and the worker goes on with the next


def queued_after(job: Job) -> Job:
    after = job_of(job.owner)
    play(after.workspace, "finish")
    queue.enqueue(str(after.pk), 1)
    return after


@pytest.mark.parametrize("what", ["talk", "silent", "deaf"])
def test_a_cancel_stops_the_horse_even_when_its_message_is_lost(what: str) -> None:
    """Only the database says that it was cancelled."""
    job = queued(what)
    with worker():
        horse = horse_of(job)
        Job.objects.filter(pk=job.pk).update(status=Job.Status.CANCELLED)
        assert wait_until(lambda: ended(horse), "the horse noticed") < 5
        wait_until(lambda: not is_held(job.folder), "the lock is free")
        job.refresh_from_db()
        assert job.status == Job.Status.CANCELLED


def test_a_deleted_job_takes_its_horse_and_its_folder_along() -> None:
    job = queued("silent")
    folder, key = job.folder, job.pk
    with worker():
        horse = horse_of(job)
        deletion.delete(job)
        assert not Job.objects.filter(pk=key).exists()
        assert not folder.exists()
        wait_until(lambda: ended(horse), "the horse is gone")
        assert not folder.exists()


def test_a_killed_horse_is_followed_by_another_attempt() -> None:
    job = queued("die once")
    with worker():
        wait_for_status(job, "COMPLETED", "FAILED")
    assert (job.status, job.attempt, job.losses) == ("COMPLETED", 2, 1)
    outcomes = job.stage_runs.order_by("attempt").values_list("attempt", "outcome")
    assert list(outcomes) == [(1, "lost"), (2, "done")]


def test_a_job_whose_horse_always_dies_fails_in_the_end() -> None:
    job = queued("die")
    with worker():
        wait_for_status(job, "COMPLETED", "FAILED")
    assert (job.error_code, job.attempt, job.losses) == ("worker_lost", 3, 3)


def test_a_machine_without_memory_is_tried_again_like_a_killed_horse(settings: Any) -> None:
    """The kernel kills, or refuses memory: the cause is the same, and so is what follows."""
    settings.PIPELINE_RUNNER = staged_pipeline.PATH
    job = queued("no memory")
    for attempt in (1, 2, 3):
        job.refresh_from_db()
        assert (job.status, job.attempt, job.losses) == ("PENDING", attempt, attempt - 1)
        tasks.run_job(str(job.pk), attempt)
    job.refresh_from_db()
    assert (job.status, job.error_code, job.losses) == ("FAILED", "worker_lost", 3)


@pytest.mark.parametrize("how", ["abort", "full"])
def test_a_job_that_fills_the_disk_says_so_and_is_not_tried_in_vain(how: str) -> None:
    job = queued(how)
    if how == "abort":  # so there is less than the next attempt would need
        Job.objects.update(config={"preflight": {"min_free_disk_mb": 10**9}})
    with worker():
        wait_for_status(job, "COMPLETED", "FAILED")
    assert (job.error_code, job.attempt, job.losses) == ("disk_full", 1, 0)
    assert job.error is not None
    assert "DATA_DIR" not in job.error.sentence
    assert not list(job.folder.rglob(".scratch-*")), "what filled it is gone"


def test_worker_and_horse_killed_together_leave_a_job_for_the_next_worker() -> None:
    job = queued("talk")
    with worker() as process:
        horse_of(job)
        kill_all(process)
    job.refresh_from_db()
    assert job.status == Job.Status.PROCESSING  # nobody was left to say otherwise
    go(job)
    with worker():  # reconciles when it starts
        wait_for_status(job, "COMPLETED")
    assert (job.attempt, job.losses) == (2, 1)


def test_a_horse_does_not_outlive_its_worker() -> None:
    job = queued("silent")
    with worker() as process:
        horse = horse_of(job)
        process.kill()  # only the parent
        wait_until(lambda: ended(horse), "the horse noticed")
    assert reconcile().settled == 1
    job.refresh_from_db()
    assert (job.status, job.attempt) == ("PENDING", 2)


@pytest.mark.parametrize("what", ["talk", "silent"])
def test_a_shutdown_hands_the_job_back_uncounted(what: str) -> None:
    """Even if the horse does not notice the request to end, and is finally killed."""
    job = queued(what)
    with worker() as process:
        horse = horse_of(job)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert ended(horse)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == ("PENDING", 2, 0)
    assert f"{job.pk}-2" in queue.carried_ids()
    go(job)
    work_off()
    job.refresh_from_db()
    assert job.status == Job.Status.COMPLETED


def test_a_training_survives_a_shutdown_and_a_kill(tmp_path: Path) -> None:
    """Asked to stop, it keeps the step it has just finished; killed, it loses a moment's work."""
    job = queued("train")
    write_tiny_workspace(job.folder)
    first_hold, second_hold = (job.folder / f"held at {step}" for step in HOLDS)
    state = job.workspace.checkpoint / "state.pt"
    with worker() as process:
        wait_until(first_hold.exists, "the training holds")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == ("PENDING", 2, 0)
    before = state.stat().st_mtime_ns
    with worker():
        wait_until(second_hold.exists, "the second attempt holds, too")
        wait_until(lambda: state.stat().st_mtime_ns > before, "it has kept some more")
        horse_of(job).kill()
        wait_for_status(job, "COMPLETED", "FAILED")
    assert (job.status, job.attempt, job.losses) == ("COMPLETED", 3, 1)
    log = job.workspace.log.read_text()
    steps = [int(said.split()[0]) for said in log.split("continued at step ")[1:]]
    assert len(steps) == 2
    assert steps[0] == HOLDS[0]
    assert HOLDS[0] < steps[1] <= HOLDS[1]
    runs = job.stage_runs.order_by("attempt").values_list("outcome", "taken_over")
    first, second, third = runs
    assert first == ("lost", 0.0)
    assert (second[0], third[0]) == ("lost", "done")
    assert 0.0 < second[1] < third[1] < 1.0


def test_a_training_that_makes_way_goes_on_where_it_was() -> None:
    """On the only worker, the sample job of a first start is stopped for somebody's own photos."""
    sample = queued("train")
    Job.objects.filter(pk=sample.pk).update(gives_way=True)
    write_tiny_workspace(sample.folder)
    with worker():
        wait_until((sample.folder / f"held at {HOLDS[0]}").exists, "the training holds")
        own = submit.create_job(sample.owner, photos(3))
        play(own.workspace, "finish")
        wait_for_status(own, "COMPLETED", "FAILED")
        assert own.status == Job.Status.COMPLETED
        wait_until((sample.folder / f"held at {HOLDS[1]}").exists, "the training goes on")
        sample.refresh_from_db()
    assert (sample.attempt, sample.losses) == (2, 0)
    assert sample.started_at is not None
    assert own.completed_at is not None
    assert sample.started_at > own.completed_at
    assert "continued at step " in sample.workspace.log.read_text()


def test_told_to_stop_twice_the_worker_ends_its_horse_and_stays_to_give_the_job_back(
    redis_queue: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ's own worker would leave, and `reconcile` would count a loss."""
    worker = ReconWorker(["recon"], connection=redis_queue)
    killed: list[int] = []
    monkeypatch.setattr(worker, "kill_horse", lambda: killed.append(worker.horse_pid))
    worker._horse_pid = 2**22 + 1  # nobody's
    worker._stop_asked_at = time.monotonic()
    worker.request_force_stop(signal.SIGTERM, None)
    assert killed == []  # the same stop, passed on by two programs
    worker._stop_asked_at -= 2
    worker.request_force_stop(signal.SIGTERM, None)
    assert killed == [worker.horse_pid]


@pytest.mark.parametrize(
    ("status", "may_go_on"),
    [
        ("PENDING", True),
        ("PROCESSING", True),
        ("COMPLETED", True),
        ("FAILED", True),
        ("CANCELLED", False),
    ],
)
def test_a_horse_whose_job_has_ended_may_tidy_up_for_a_moment(
    redis_queue: Redis, monkeypatch: pytest.MonkeyPatch, status: str, may_go_on: bool
) -> None:
    job = job_of(person(), status=status)
    worker = ReconWorker(["recon"], connection=redis_queue)
    assert worker._may_go_on(str(job.pk), 1) == may_go_on
    assert not worker._may_go_on(str(job.pk), 2), "it was taken over"
    monkeypatch.setattr("recon.jobs.run.worker.TIDYING_S", 0.0)
    assert worker._may_go_on(str(job.pk), 1) == (status in Job.ACTIVE)


def test_a_shutdown_while_redis_is_away_still_ends_the_worker(
    redis_queue: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> None:
        raise RedisConnectionError

    worker = ReconWorker(["recon"], connection=redis_queue)
    monkeypatch.setattr(worker, "get_state", away)
    with pytest.raises(StopRequested):
        worker._shutdown()
    worker._horse_pid = 2**22 + 1
    worker._shutdown()
    assert worker._stop_requested  # once its horse has ended


def test_a_job_over_its_time_fails_and_says_so(redis_queue: Redis) -> None:
    job = job_of(person())
    play(job.workspace, "silent")
    queue.rq_queue().enqueue_call(queue.TASK, args=(str(job.pk), 1), job_id=job.queue_id, timeout=3)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("FAILED", "timed_out")
    assert job.error is not None
    assert "longer than the limit" in job.error.title


def test_a_clock_that_is_set_ends_no_horse(redis_queue: Redis) -> None:
    """RQ measures how long a horse works by the time of day, and would kill it as hours late."""
    worker = ReconWorker(["recon"], connection=redis_queue)
    task = queue.rq_queue().enqueue_call(queue.TASK, args=("none", 1), timeout=3600)
    worker._forked_at = time.monotonic()
    for hours in (12, -12):
        worker.set_current_job_working_time(hours * 3600.0)
        assert 0 <= worker.current_job_working_time < 60
        assert not worker._is_over_time(task)
    worker._forked_at -= 3601
    assert worker._is_over_time(task)


def test_a_second_attempt_waits_until_the_folder_is_free() -> None:
    job = queued("finish")
    with worker():
        with folder_lock.hold(job.folder):
            wait_until(lambda: bool(started_ids()), "a horse waits for the lock")
            job.refresh_from_db()
            assert job.status == Job.Status.PENDING
            assert not (job.folder / "began").exists()
        wait_for_status(job, "COMPLETED", "FAILED")
    assert job.status == Job.Status.COMPLETED


def test_a_worker_that_dies_before_it_claims_the_job_does_not_keep_it(redis_queue: Redis) -> None:
    job = queued("finish")
    with folder_lock.hold(job.folder), worker() as process:
        wait_until(lambda: bool(started_ids()), "a horse waits for the lock")
        kill_all(process)
    assert reconcile().queued == 0  # it may just be slow
    (execution,) = redis_queue.keys("rq:execution:*")
    redis_queue.hset(execution, "last_heartbeat", 0)
    assert reconcile().queued == 1
    work_off()
    job.refresh_from_db()
    assert job.status == Job.Status.COMPLETED


def started_ids() -> set[str]:
    return set(queue.rq_queue().started_job_registry.get_job_ids(cleanup=False))


def test_a_doubled_message_runs_the_attempt_once() -> None:
    job = queued("finish")
    queue.rq_queue().push_job_id(job.queue_id)
    output = work_off()
    job.refresh_from_db()
    assert job.status == Job.Status.COMPLETED
    assert job.stage_runs.count() == 1
    assert output.count("Job OK") == 2


def test_a_pickle_in_the_queue_is_not_run(redis_queue: Redis, tmp_path: Path) -> None:
    """Being able to write to Redis must not mean being able to run code, whatever the command
    line."""
    mark = tmp_path / "executed"
    from rq import Queue
    from rq.serializers import DefaultSerializer

    Queue("recon", connection=redis_queue, serializer=DefaultSerializer).enqueue_call(
        "os.mkdir", args=(str(mark),), job_id="pickled"
    )
    environment = worker_environment()
    arguments = ("--burst", "--serializer", "rq.serializers.DefaultSerializer")
    manage("rqworker", "recon", *arguments, environment=environment)
    assert not mark.exists()
    pickled = QueuedJob.fetch("pickled", connection=redis_queue, serializer=JSONSerializer)
    assert pickled.is_failed


def test_the_worker_itself_never_loads_torch() -> None:
    """CUDA does not survive a fork, so only the horse may load it."""
    job = queued("talk")
    with worker() as process:
        horse_of(job)
        libraries = {Path(m.path).name for m in process.memory_maps()}
    assert libraries
    assert not [name for name in libraries if name.startswith("libtorch")]


class MortalRedis:
    """A server that a test can stop and start again, empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start()

    def start(self) -> None:
        self._server = start_redis(self._folder)

    def stop(self) -> None:
        stop_redis(self._server)


@pytest.fixture
def mortal_redis(settings: Any) -> Iterator[MortalRedis]:
    """Points the site's queue at a server that belongs to this test alone."""
    with tempfile.TemporaryDirectory(prefix="recon-redis-") as name:
        server = MortalRedis(Path(name))
        use_redis(settings, redis_address(Path(name)))
        yield server
        server.stop()


def test_redis_may_die_and_come_back_empty_while_a_job_runs(
    mortal_redis: MortalRedis, capfd: pytest.CaptureFixture[str]
) -> None:
    job = queued("talk")
    waiting = queued_after(job)
    with worker() as process:
        horse_of(job)
        mortal_redis.stop()
        said: list[str] = []
        wait_until(
            lambda: said.append("".join(capfd.readouterr())) or "Redis is away" in "".join(said),
            "the worker missed Redis",
        )
        assert lifecycle.heartbeat(job.pk, 1)  # the database goes on
        mortal_redis.start()  # with its memory gone
        go(job)
        wait_for_status(job, "COMPLETED")
        assert reconcile().queued == 1
        wait_for_status(waiting, "COMPLETED")
        assert process.is_running()
