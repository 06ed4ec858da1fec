"""docs/use/api-v1.md: every example is run, against the web server that sites run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application

from instarecon_site.errors import _BY_STATUS
from recon.models import Job
from tests.photos import PROJECT
from tests.site.making import person, photo_bytes, token_of
from tests.site.test_server import running
from tests.zips import transforms

GUIDE = (PROJECT / "docs" / "use" / "api-v1.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
FROM_THE_API = PROJECT / "recon" / "api" / "v1"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("data_dir", "redis_queue")
def test_every_example_works(tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in (1, 2, 3):
        (folder / f"{number}.jpg").write_bytes(photo_bytes(number))
    (folder / "transforms.json").write_bytes(transforms("1.jpg", "2.jpg", "3.jpg"))
    token = token_of(person())
    with running(get_wsgi_application(), tmp_path, threads=2) as server:
        settings.BASE_URL = f"http://127.0.0.1:{server.port}"
        done = subprocess.run(
            ["bash", "-eu", "-c", "\n".join(EXAMPLES)],
            env={"PATH": os.environ["PATH"], "TOKEN": token, "SITE": settings.BASE_URL},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "304\n" in done.stdout
    assert done.stdout.count('"found": 2') == 2, "sent, and looked at"
    assert Job.objects.filter(title="Once").count() == 1, "sent twice with one key"
    assert Job.objects.get(title="").photos.count() == 2, "one was known"
    assert not Job.objects.filter(title="Fern").exists(), "deleted at the end"


def test_every_code_is_in_the_guide() -> None:
    """Those of API v1 itself; the pipeline's are in troubleshooting.md."""
    code = "".join(file.read_text() for file in FROM_THE_API.rglob("*.py"))
    used = set(re.findall(r'Refused\(\s*\d+, "(\w+)"', code))
    used |= set(re.findall(r'code="(\w+)"', code)) | set(re.findall(r'code = "(\w+)"', code))
    used |= {str(code) for code, _ in _BY_STATUS.values()}
    unused = {"forbidden", "conflict", "range_not_satisfiable"}  # only where no code is better
    missing = [one for one in sorted(used - unused) if f"`{one}`" not in GUIDE]
    assert missing == []
