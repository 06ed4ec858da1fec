"""The command `instarecon` on a real site: what it prints, where, and how it ends."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from accounts.models import ApiToken, Scope, User
from recon.client import Client, WrongUse, sign_in
from recon.client.cli import command
from recon.models import Job as JobRow
from tests.bad_line import NEVER, BadLine, bad_line
from tests.site.client_site import FILES, Pauses, finish, photo_folder
from tests.site.making import job_of, person, token_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_queue")]


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        (line,) = self.out.splitlines()
        return json.loads(line)


Run = Callable[..., Ended]


@pytest.fixture
def owner(data_dir: Path, live_server: Any, settings: Any) -> User:
    settings.BASE_URL = live_server.url
    return person()


@pytest.fixture
def line(live_server: Any) -> Iterator[BadLine]:
    """A good line that counts."""
    with bad_line(live_server.url, first=NEVER) as line:
        yield line


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    pauses = Pauses()
    monkeypatch.setattr("recon.client.cli.options.Client", partial(Client, pause=pauses.make))
    return pauses


@pytest.fixture
def run(
    owner: User, line: BadLine, pauses: Pauses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:  # fmt: skip
    """Runs the command as the owner, with a folder of settings of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv(sign_in.URL, line.url)
    monkeypatch.setenv(sign_in.TOKEN, token_of(owner))

    def ended(*words: str) -> Ended:
        capsys.readouterr()
        return Ended(command.main(words), *capsys.readouterr())

    return ended


def test_photos_become_a_scene_that_is_downloaded(run: Run, pauses: Pauses, tmp_path: Path) -> None:
    photos, out = photo_folder(tmp_path / "photos", 3), tmp_path / "out"
    pauses.then = lambda: finish(str(JobRow.objects.get().pk))
    made = run("upload", str(photos), "--preset", "quick", "--tag", "fern", "--watch", "--json")
    assert (made.code, made.json["status"], made.json["tags"]) == (0, "COMPLETED", ["fern"])
    assert "notes.txt" in made.err, "what is left out is said"
    assert "3 files sent." in made.err
    job_id = made.json["job_id"]
    status = run("status", job_id)
    assert (status.code, status.out.split()[:2]) == (0, [job_id, "COMPLETED"])
    assert "20 of 3 photos placed, 5 Gaussians, PSNR 24.00 dB" in status.out
    brought = run("download", job_id, str(out), "--kind", "spz", "--kind", "scene_ply")
    assert brought.code == 0
    contents = [Path(name).read_bytes() for name in brought.out.splitlines()]
    assert contents == [FILES["spz"][1], FILES["scene_ply"][1]]
    assert run("wait", job_id).code == 0


def test_ctrl_c_says_how_to_go_on_and_that_works(
    run: Run, line: BadLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = photo_folder(tmp_path / "my photos", 4)
    with monkeypatch.context() as patch:

        def stop(*_: object) -> None:
            if len(line.files()) == 2:
                raise KeyboardInterrupt

        patch.setattr("recon.client.cli.bars.UploadBar._has_dealt_with", stop)
        stopped = run("upload", str(photos))
    assert stopped.code == 130
    draft = JobRow.objects.get()
    assert f"upload '{photos}' --draft {draft.pk}" in stopped.err
    done = run("upload", str(photos), "--draft", str(draft.pk), "--json")
    assert (done.code, done.json["job_id"], done.json["image_count"]) == (0, str(draft.pk), 4)
    assert len(line.files()) == 4
    assert "2 files sent, 2 were there already." in done.err


def test_jobs_are_listed_shared_and_cancelled(run: Run, owner: User) -> None:
    first, second = (str(job_of(owner, title=title).pk) for title in ("Fern", "Horns"))
    assert [row.split()[0] for row in run("list").out.splitlines()] == ["JOB", second, first]
    assert [job["title"] for job in run("list", "--limit", "1", "--json").json["jobs"]] == ["Horns"]
    shared = run("share", first, "--until", "2099-01-31T18:00+01:00", "--downloads", "splat")
    assert shared.out.startswith("http")
    assert "until 2099-01-31" in shared.out
    told = run("share", first, "--show", "--json").json
    assert (told["until"], told["downloads"]) == ("2099-01-31T17:00:00Z", "splat")
    assert run("share", first, "--off").out == "Not shared.\n"
    assert run("cancel", first, "--json").json["status"] == "CANCELLED"
    assert run("wait", first).code == 7, "a cancelled job is no success"


def test_a_failed_job_says_why_and_whose_fault_it_is(run: Run, owner: User) -> None:
    failed = job_of(owner, status="FAILED", step="COLMAP_MAP", error_code="photos_share_nothing",
                    error_facts={"total": 3, "groups": 3, "largest": 1, "minimum": 3})  # fmt: skip
    ended = run("wait", str(failed.pk))
    assert ended.code == 3
    assert "No two photos show the same place." in ended.out
    ours = job_of(owner, status="FAILED", step="GS_TRAIN", error_code="internal")
    assert run("wait", str(ours.pk)).code == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["status", "nonsense"], 2, "not the id of a job"),
        (["status"], 2, "Missing argument"),
        (["statsu"], 2, "No such command"),
        (["upload", "/nowhere"], 2, "/nowhere is not there"),
        (["upload", "EMPTY"], 3, "no photos"),
        (["share", "JOB", "--until", "soon"], 2, "soon"),
        (["status", "00000000-0000-0000-0000-000000000000"], 5, "no such job"),
        (["download", "JOB"], 5, "no files"),
        (["wait", "JOB", "--timeout", "0"], 8, "instarecon wait"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_a_code(
    run: Run, owner: User, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    stand_for = {"JOB": str(job_of(owner).pk), "EMPTY": str(tmp_path / "empty")}
    words = [stand_for.get(word, word) for word in words]
    ended = run(*words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    if said not in ("Missing argument", "No such command"):
        told = run(*words, "--json").json["error"]
        assert told["exit_code"] == code
        assert said in f"{told['detail']} {told['advice']}"


def test_a_token_that_may_not_and_a_site_that_is_not_there(
    run: Run, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = str(job_of(owner).pk)
    monkeypatch.setenv(sign_in.TOKEN, ApiToken.issue(owner, "reads", scopes=[Scope.READ])[1])
    assert run("cancel", job_id).code == 4
    monkeypatch.setenv(sign_in.TOKEN, "ir3d_wrong")
    refused = run("list")
    assert (refused.code, "instarecon login" in refused.err) == (4, True)
    monkeypatch.setenv(sign_in.URL, "http://127.0.0.1:1")
    assert run("list").code == 6


def test_a_token_is_kept_for_its_owner_and_its_site_alone(
    run: Run, owner: User, line: BadLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = token_of(owner)
    monkeypatch.delenv(sign_in.TOKEN)
    monkeypatch.delenv(sign_in.URL)
    assert run("list").code == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("ir3d_wrong\n"))
    assert run("login", line.url).code == 4
    assert not sign_in.file_path().exists(), "what does not work is not kept"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{secret}\n"))
    assert owner.email in run("login", f"{line.url}/").out
    assert stat.S_IMODE(sign_in.file_path().stat().st_mode) == 0o600
    assert run("list").code == 0
    monkeypatch.setenv(sign_in.URL, line.url.replace("127.0.0.1", "localhost"))
    asked = len(line.through)
    elsewhere = run("list")
    assert (elsewhere.code, len(line.through)) == (2, asked)
    assert "There is no token for http://localhost" in elsewhere.err
    monkeypatch.setenv(sign_in.TOKEN, secret)
    assert run("list").code == 0
    with pytest.raises(WrongUse, match="no token"):
        Client("https://example.org")
