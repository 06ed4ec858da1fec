"""Who may do what in API v1: every operation, for each kind of visitor and each kind of token.

The operations come from the OpenAPI description; one without a line here fails.
"""

from __future__ import annotations

import functools
import re
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import ApiToken, Scope, User
from instarecon_site.errors import PROBLEM_TYPE
from recon.api.v1.api import api
from recon.api.v1.urls import urlpatterns
from recon.models import Job
from tests.site.making import browser_of, finished_job, person, photo, supporter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

READ, UPLOAD, MANAGE, DELETE = Scope.READ, Scope.UPLOAD, Scope.MANAGE, Scope.DELETE
EVERYBODY = None
MISSING, UNAUTHORISED, FORBIDDEN = 404, 401, 403

#: By operation: the scope that a token needs, and the status for the owner and for somebody else,
#: on a private finished job.
EXPECTED: dict[str, tuple[Scope | None, int, int]] = {
    "create_draft": (UPLOAD, 201, 201),
    "make_anyway": (UPLOAD, 409, MISSING),
    "draft_of_job": (UPLOAD, 201, MISSING),
    "get_check": (READ, 409, MISSING),
    "start_draft": (UPLOAD, 409, MISSING),
    "list_photos": (READ, 200, MISSING),
    "add_photo": (UPLOAD, 409, MISSING),
    "add_photos": (UPLOAD, 409, MISSING),
    "add_known_photos": (UPLOAD, 409, MISSING),
    "order_photos": (UPLOAD, 409, MISSING),
    "drop_photo": (UPLOAD, 409, MISSING),
    "list_videos": (READ, 200, MISSING),
    "get_video": (READ, MISSING, MISSING),
    "drop_video": (UPLOAD, 409, MISSING),
    "get_poses": (READ, MISSING, MISSING),  # none came with it: test_api_v1_poses
    "set_poses": (UPLOAD, 409, MISSING),
    "drop_poses": (UPLOAD, 409, MISSING),
    "list_jobs": (READ, 200, 200),
    "create_job": (UPLOAD, 422, 422),  # one photo
    "get_job": (READ, 200, MISSING),
    "change_job": (MANAGE, 200, MISSING),
    "delete_job": (DELETE, 204, MISSING),
    "follow_progress": (READ, 200, MISSING),
    "cancel_job": (UPLOAD, 409, MISSING),
    "retry_job": (UPLOAD, 409, MISSING),
    "run_again": (UPLOAD, 202, MISSING),
    "get_result": (READ, 200, MISSING),
    "list_artifacts": (READ, 200, MISSING),
    "get_artifact": (READ, 200, MISSING),
    "list_events": (READ, 200, MISSING),
    "get_log": (READ, 200, MISSING),
    "get_share": (READ, 200, MISSING),
    "change_share": (MANAGE, 200, MISSING),
    "end_share": (MANAGE, 204, MISSING),
    "list_webhooks": (MANAGE, 200, 200),
    "create_webhook": (MANAGE, 422, 422),  # an address inside
    "delete_webhook": (MANAGE, MISSING, MISSING),  # there is none: test_webhooks
    "test_webhook": (MANAGE, MISSING, MISSING),
    "list_deliveries": (MANAGE, MISSING, MISSING),
    "list_teams": (READ, 200, 200),
    "get_team": (READ, MISSING, MISSING),  # there is none: test_teams_api
    "list_members": (READ, MISSING, MISSING),
    "get_queue": (READ, 200, 200),
    "get_account": (READ, 200, 200),
    "get_quota": (READ, 200, 200),
    "get_presets": (READ, 200, 200),
    "get_limits": (EVERYBODY, 200, 200),
}
#: Addresses that describe the others, for everybody.
DESCRIPTIONS = {"openapi-json": "openapi.json", "openapi-view": "docs"}

FILES = {"add_photo": "file", "add_photos": "files", "create_job": "files", "set_poses": "files"}
BODIES: dict[str, dict[str, Any]] = {
    "add_known_photos": {"photos": [{"sha256": "0" * 64}]},
    "order_photos": {"photo_ids": [1]},
    "change_job": {"title": "Fern"},
    "create_webhook": {"url": "http://127.0.0.1/"},
    "change_share": {"figures": False},
}


@functools.cache
def operations() -> dict[str, tuple[str, str]]:
    """Each operation's method and path. Describing all of them takes a tenth of a second."""
    paths = api.get_openapi_schema()["paths"]
    return {
        operation["operationId"]: (method, path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path.startswith("/api/v1/")
    }


def call(client: Client, name: str, job: Job, **headers: str) -> HttpResponse:
    """As it is meant, for this job."""
    method, path = operations()[name]
    ids = {"job_id": job.pk, "photo_id": 1, "video_id": 1, "kind": "splat", "webhook_id": 1}
    ids["handle"] = "acme"
    sent: dict[str, Any] = {}
    if name in FILES:
        sent = {"data": {FILES[name]: photo()}}
    elif method != "get":
        sent = {"data": BODIES.get(name, {}), "content_type": "application/json"}
    return getattr(client, method)(path.format(**ids), headers=headers, **sent)


def test_every_operation_says_who_may_do_it() -> None:
    assert set(operations()) == set(EXPECTED)


def test_every_address_is_described() -> None:
    """Whatever is added to the addresses, by ninja or beside it."""
    described = {path.removeprefix("/api/v1/") for _, path in operations().values()}
    served = {re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern)) for one in urlpatterns}
    assert served == described | set(DESCRIPTIONS.values())


@pytest.mark.parametrize("name", EXPECTED)
def test_each_visitor_gets_what_is_theirs(name: str) -> None:
    scope, for_owner, for_other = EXPECTED[name]
    job = finished_job(person())
    for_stranger = for_owner if scope is EVERYBODY else UNAUTHORISED
    visitors = [
        (Client(), for_stranger),
        (browser_of(person("bob@example.org")), for_other),
        (browser_of(job.owner), for_owner),
    ]
    for visitor, status in visitors:
        answer = call(visitor, name, job)
        assert answer.status_code == status, answer.content
        if status >= 400:
            assert answer["Content-Type"] == PROBLEM_TYPE
            assert answer.json()["status"] == status


@pytest.mark.parametrize("name", [name for name, (scope, *_) in EXPECTED.items() if scope])
def test_a_token_needs_the_scope_and_no_other(name: str) -> None:
    scope, for_owner, _ = EXPECTED[name]
    job = finished_job(person())
    others = [one for one in Scope.values if one != scope]
    refused = call(Client(), name, job, Authorization=f"Bearer {token(job.owner, *others)}")
    assert (refused.status_code, refused.json()["code"]) == (FORBIDDEN, "token_scope")
    assert Job.objects.get() == job
    allowed = call(Client(), name, job, Authorization=f"Bearer {token(job.owner, str(scope))}")
    assert allowed.status_code == for_owner, allowed.content


def token(user: User, *scopes: str) -> str:
    return ApiToken.issue(user, "a test", scopes=scopes)[1]


CHANGES = [name for name in EXPECTED if operations()[name][0] != "get"]


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_is_changed_by_a_session_without_its_csrf_token(name: str) -> None:
    job = finished_job(person())
    answer = call(browser_of(job.owner, enforce_csrf_checks=True), name, job)
    assert (answer.status_code, answer.json()["code"]) == (FORBIDDEN, "csrf")
    assert Job.objects.get() == job


def test_staff_with_the_permission_see_a_strangers_job() -> None:
    job = finished_job(person())
    staff = browser_of(supporter())
    assert call(staff, "get_job", job).status_code == 200
    assert call(staff, "list_jobs", job).json()["total"] == 0
    assert call(staff, "change_job", job).status_code == MISSING


@pytest.mark.parametrize("address", DESCRIPTIONS.values())
def test_the_description_is_for_everybody(address: str) -> None:
    assert Client().get(f"/api/v1/{address}").status_code == 200


@pytest.mark.parametrize("pk", ["nonsense", str(UUID(int=0))])
def test_a_job_that_never_was_is_not_there(pk: str) -> None:
    ann = browser_of(person())
    answer = ann.get(f"/api/v1/jobs/{pk}")
    assert (answer.status_code, answer["Content-Type"]) == (MISSING, PROBLEM_TYPE)
