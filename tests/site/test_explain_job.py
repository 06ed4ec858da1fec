"""`manage.py explain_job ID`."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from recon.models import Job
from recon.pipeline.outcome import write_pair_graph
from recon.poses.colmap.pairs import Pair
from recon.poses.pair_graph import RungRecord, make_pair_graph
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db


def said(pk: object) -> str:
    out = io.StringIO()
    call_command("explain_job", str(pk), stdout=out)
    return out.getvalue()


def test_a_failed_jobs_ladder_is_told_with_its_error(data_dir: Path) -> None:
    failed = job_of(
        person(), status=Job.Status.FAILED, step="COLMAP_MAP", error_code="photos_share_nothing",
        error_facts={"total": 3, "groups": 2, "largest": 2, "minimum": 3},
    )  # fmt: skip
    record = RungRecord("incremental", "SIFT", "tried", "no two photos could start", 2.0)
    graph = make_pair_graph(
        ["a.jpg", "b.jpg", "c.jpg"], [Pair("a.jpg", "b.jpg", 70)], registered=(), rungs=[record]
    )
    write_pair_graph(failed.workspace, graph)
    text = said(failed.pk)
    assert "2 photos: a.jpg, b.jpg" in text
    assert "1 photo alone: c.jpg" in text
    assert "no two photos could start" in text
    assert "failed at COLMAP_MAP: The 3 photos show 2 places" in text


def test_a_job_that_was_not_matched_yet_has_nothing_to_explain(data_dir: Path) -> None:
    assert "nothing to explain" in said(job_of(person()).pk)


@pytest.mark.parametrize("pk", ["7", "6e8c3c0e-0000-4000-8000-000000000000"])
def test_an_unknown_job_is_a_plain_error(data_dir: Path, pk: str) -> None:
    with pytest.raises(CommandError, match="no job"):
        said(pk)
