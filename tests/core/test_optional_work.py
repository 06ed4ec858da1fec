"""What is optional never fails a job: it says why it is missing, and frees its memory."""

from __future__ import annotations

import weakref

import pytest
import torch

from recon.pipeline.after_training.optional_work import attempt
from recon.pipeline.errors import Cancelled, TimeLimit
from recon.pipeline.progress import ListReporter
from recon.pipeline.words.reasons import Reason


def failing(error: BaseException) -> int:
    raise error


def test_what_works_is_handed_on_and_nobody_is_warned() -> None:
    report = ListReporter()
    assert attempt(lambda: 7, report, "turntable_absent") == 7
    assert report.named("warn") == report.named("log") == []


def test_a_failure_is_told_with_its_reason_and_the_log_has_where_it_was() -> None:
    report = ListReporter()
    found = attempt(lambda: failing(ValueError("odd")), report, "turntable_absent", total=3)
    assert found == Reason("unforeseen", "ValueError: odd")
    told = {"reason": found.to_dict(), "total": 3}
    assert report.named("warn") == [("turntable_absent", told)]
    assert any("in failing" in line for line in report.named("log"))


def test_a_full_gpu_is_a_reason_of_its_own() -> None:
    error = torch.OutOfMemoryError("CUDA out of memory")
    found = attempt(lambda: failing(error), ListReporter(), "turntable_absent")
    assert found == Reason("out_of_memory")


@pytest.mark.parametrize("error", [Cancelled(), TimeLimit(), KeyboardInterrupt()], ids=repr)
def test_whoever_stops_the_job_stops_this_too(error: BaseException) -> None:
    report = ListReporter()
    with pytest.raises(type(error)):
        attempt(lambda: failing(error), report, "turntable_absent")
    assert report.named("warn") == []


def test_what_a_failure_held_is_free_before_the_warning() -> None:
    held: list[weakref.ref[torch.Tensor]] = []
    free_when_told: list[bool] = []

    class Listening(ListReporter):
        def warn(self, code: str, **facts: object) -> None:
            free_when_told.append(held[0]() is None)

    def work() -> None:
        scene = torch.zeros(3)
        held.append(weakref.ref(scene))
        raise torch.OutOfMemoryError("CUDA out of memory")

    attempt(work, Listening(), "turntable_absent")
    assert free_when_told == [True]
