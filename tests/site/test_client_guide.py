"""Every example of docs/use/command-line.md works, in the order in which they stand there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from recon.client import AsyncClient, Client, sign_in
from recon.client.cli import command
from recon.models import Job
from tests.photos import PROJECT
from tests.site.client_site import Pauses, finish, photo_folder
from tests.site.making import person, team_of, token_of
from tests.zips import transforms

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_queue"),
    pytest.mark.slow,  # the whole guide, a step of the reconstruction too
]

GUIDE = PROJECT / "docs" / "use" / "command-line.md"
INTO_A_VARIABLE = re.compile(r"(\w+)=\$\((.*) \| jq -r \.(\w+)\)")


class AlwaysFinished(Pauses):
    """Whoever waits for a job finds it done after a pause."""

    def make(self, seconds: float) -> None:
        for job in Job.objects.filter(status="PENDING"):
            finish(str(job.pk))


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def run(
    data_dir: Path, live_server: Any, settings: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> Callable[[str], str]:  # fmt: skip
    """Runs a line of a shell in a folder with photos, and returns what it printed."""
    settings.BASE_URL = live_server.url
    photo_folder(tmp_path / "photos", 3)
    (tmp_path / "transforms.json").write_bytes(transforms("photo 00.jpg", "photo 01.jpg"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    ann = person()
    team_of(ann, "acme")
    monkeypatch.setenv(sign_in.TOKEN, token_of(ann))
    pauses = AlwaysFinished()
    monkeypatch.setattr("recon.client.cli.options.Client", partial(Client, pause=pauses.make))
    monkeypatch.setattr("recon.client.Client", partial(Client, pause=pauses.make))
    monkeypatch.setattr("recon.client.AsyncClient", partial(AsyncClient, pause=pauses.make_async))

    def run(line: str) -> str:
        program, *words = shlex.split(line.replace("https://example.org", live_server.url))
        assert program == "instarecon"
        if words[0] == "reconstruct":  # the rest takes minutes and is tested elsewhere
            words += ["--until", "PREFLIGHT"]
        capsys.readouterr()
        code = command.main(words)
        out, err = capsys.readouterr()
        assert (code, "Traceback" in err) == (0, False), err
        return str(out)

    return run


def test_the_guide_works_from_its_first_line_to_its_last(
    run: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variables: dict[str, str] = {}
    lines = [line for example in examples("sh") for line in example.splitlines()]
    assert len(lines) > 10
    for line in lines:
        for name, value in variables.items():
            line = line.replace(f"${name}", value)
        if found := INTO_A_VARIABLE.fullmatch(line):
            variables[found[1]] = json.loads(run(found[2]))[found[3]]
        elif line.startswith("instarecon cancel"):
            waiting = json.loads(run("instarecon upload photos/ --json"))["job_id"]
            run(f"instarecon cancel {waiting}")  # the guide's job has ended by then
        else:
            run(line)
    assert len(list((tmp_path / "everything").iterdir())) == 2
    assert {path.suffix for path in (tmp_path / "scene").iterdir()} == {".ply", ".spz"}
    with ThreadPoolExecutor(1) as own_thread:  # a browser test before leaves a loop in this one
        for example in examples("python"):
            code = compile(example, str(GUIDE), "exec")
            own_thread.submit(exec, code, {"__name__": "guide"}).result()
    printed = capsys.readouterr().out
    assert "COMPLETED 24.0" in printed
    assert str(Path("fern")) in printed
    assert "no_such_job" in printed
    assert "Fern in the hall" in printed
