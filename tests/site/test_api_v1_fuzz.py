"""API v1 as its description allows it, and as it does not: a short run of what
`benchmarks/fuzz_api.py` does at length."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application

from benchmarks.parts.schema_run import call_whatever_is_described
from tests.site.making import finished_job, person, token_of
from tests.site.test_server import running


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("data_dir", "redis_queue")
def test_every_answer_is_as_described(tmp_path: Path, settings: Any) -> None:
    settings.API_CALLS_A_MINUTE = settings.UPLOADS_AN_HOUR = 1_000_000
    ann = person()
    finished_job(ann)
    with running(get_wsgi_application(), tmp_path, threads=2) as server:
        address = f"http://127.0.0.1:{server.port}"
        settings.BASE_URL = address
        done = call_whatever_is_described(
            address, token_of(ann), seconds=15, examples=2, seed=1, only="^/api/v1/"
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    (count,) = re.findall(r"(\d+) generated", done.stdout)
    assert int(count) > 50
