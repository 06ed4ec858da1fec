"""Teams for programs: API v1, the client and its command."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from recon.client import AsyncClient, Client, sign_in
from recon.client.cli import command
from recon.jobs import tags
from recon.models import Job, Team, TeamEvent
from tests.site.client_site import photo_folder
from tests.site.making import finished_job, job_of, person, photos, team_of, token_of
from tests.site.v1 import Program, is_problem, wrong_fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture
def bob() -> User:
    return person("bob@example.org", public_name="Bob")


@pytest.fixture
def team(bob: User) -> Team:
    return team_of(person(), editor=bob)


def test_a_program_sees_its_teams_and_who_is_in_them(team: Team, bob: User, settings: Any) -> None:
    settings.MAX_DRAFTS = 7
    program = Program(bob)
    (told,) = program.get("/teams").json()["items"]
    assert (told["handle"], told["name"], told["role"]) == ("acme", "Acme", "editor")
    assert told["url"].endswith("/teams/acme/")
    job_of(bob, team=team)
    full = program.get("/teams/acme").json()
    assert full["quota"]["active_jobs"]["used"] == 1
    assert full["quota"]["drafts"] == {"used": 0, "most": 7}
    people = program.get("/teams/acme/members").json()["items"]
    assert [(one["email"], one["name"], one["role"]) for one in people] == [
        ("ann@example.org", "", "owner"), ("bob@example.org", "Bob", "editor"),
    ]  # fmt: skip
    outsider = Program(person("carl@example.org"))
    assert outsider.get("/teams").json() == {"items": []}
    for path in ("/teams/acme", "/teams/acme/members", "/teams/never"):
        assert is_problem(outsider.get(path), 404, "no_such_team", "no such team")


def test_a_team_s_jobs_are_listed_apart(team: Team, bob: User) -> None:
    own, shared = job_of(bob), job_of(team.memberships.first().user, team=team)
    tags.put(shared, ["garden"])
    program = Program(bob)
    for query, expected in (({}, own), ({"team": "acme"}, shared)):
        (told,) = program.get("/jobs", query).json()["items"]
        assert told["job_id"] == str(expected.pk)
        assert told["team"] == (query.get("team"))
    assert program.get("/jobs", {"team": "acme", "tag": "garden"}).json()["total"] == 1
    assert wrong_fields(program.get("/jobs", {"team": "other"})) == {"team"}
    assert program.get("/quota").json()["active_jobs"]["used"] == 1


def test_a_scene_is_made_in_a_team_and_moved(team: Team, bob: User) -> None:
    program = Program(bob)
    job = program.upload("/jobs", files=photos(3), team="acme", share="true").json()["job"]
    assert job["team"] == "acme"
    assert TeamEvent.objects.first().kind == "scene_shared"  # type: ignore[union-attr]
    draft = program.draft(3, team="acme")
    assert draft.team == team
    back = program.post(f"/jobs/{draft.pk}/start", {"team": None})
    assert back.json()["team"] is None
    moved = program.send("PATCH", f"/jobs/{draft.pk}", {"team": "acme", "title": "Fern"})
    assert (moved.json()["team"], moved.json()["title"]) == ("acme", "Fern")
    for wrong in ("other", "x" * 31):
        assert wrong_fields(program.post("/drafts", {"team": wrong})) <= {"team"}
    answer = program.send("PATCH", f"/jobs/{draft.pk}/share", {"in_gallery": True})
    assert is_problem(answer, 409, "belongs_to_team", "nobody’s public page")
    Team.objects.update(quota_stored_mb=0)
    full = program.upload("/jobs", files=photos(3), team="acme")
    assert is_problem(full, 413, "team_quota_stored", "Acme")


def test_what_is_done_by_programs_is_in_the_log(team: Team, bob: User) -> None:
    job, program = finished_job(bob, team=team), Program(bob)
    program.send("PATCH", f"/jobs/{job.pk}/share", {"on": True, "figures": False})
    program.send("PATCH", f"/jobs/{job.pk}/share", {"figures": True})
    program.send("DELETE", f"/jobs/{job.pk}/share")
    program.send("DELETE", f"/jobs/{job.pk}")
    kinds = [event.kind for event in TeamEvent.objects.exclude(kind="team_made")]
    assert kinds == ["scene_deleted", "scene_unshared", "scene_shared"]


def test_another_run_is_the_caller_s(team: Team, bob: User) -> None:
    job = finished_job(team.memberships.first().user, team=team)
    again = Program(bob).post(f"/jobs/{job.pk}/run-again", {"preset": "quick"})
    assert again.json()["team"] == "acme"
    assert Job.objects.get(pk=again.json()["job_id"]).owner == bob


@pytest.mark.django_db(transaction=True)
def test_the_client_and_its_command_know_teams(
    team: Team, bob: User, live_server: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(sign_in.URL, live_server.url)
    monkeypatch.setenv(sign_in.TOKEN, token_of(bob))
    folder = photo_folder(tmp_path / "photos", 3)
    assert command.main(["upload", str(folder), "--team", "acme", "--no-start", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["team"] == "acme"
    assert command.main(["list", "--team", "acme", "--json"]) == 0
    (listed,) = json.loads(capfd.readouterr().out)["jobs"]
    assert listed["team"] == "acme"
    with Client() as site:
        assert [(one.handle, one.role) for one in site.teams()] == [("acme", "editor")]
        assert list(site.jobs()) == []
        assert site.edit(listed["job_id"], team=None).team is None

    async def awaited() -> list[str]:
        async with AsyncClient() as site:
            return [one.name for one in await site.teams()]

    with ThreadPoolExecutor(1) as own_thread:  # a browser test before leaves a loop in this one
        assert own_thread.submit(asyncio.run, awaited()).result() == ["Acme"]
