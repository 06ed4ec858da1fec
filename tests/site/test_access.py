"""Who may open what: every address of the pages and the API, for each kind of visitor.

The other tests check what an address does; this one knows them all, and fails when one is added
without saying who may open it.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import urls as account_urls
from accounts.models import User
from recon.api import urls as api_urls
from recon.models import Job
from recon.web import urls as web_urls
from tests.site.making import browser_of, finished_job, person, photos, supporter, team_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

SIGN_IN = 302  # to the sign-in page
MISSING, UNAUTHORISED = 404, 401

#: (method, status for the owner, for somebody else, for a stranger), on a private finished job.
EXPECTED = {
    "recon:home": ("get", 302, 302, 200),
    "recon:demo": ("get", 200, 200, 200),
    "recon:gallery": ("get", 200, 200, SIGN_IN),
    "recon:selected": ("post", 302, 302, SIGN_IN),  # nothing is ticked: see test_gallery_selection
    "recon:selected_links": ("get", 302, 302, SIGN_IN),
    "recon:upload": ("get", 200, 200, SIGN_IN),
    "recon:sample": ("get", 302, 302, 302),  # to the page that has the button
    "recon:create_draft": ("post", 302, 302, SIGN_IN),
    "recon:draft_from": ("post", 302, MISSING, SIGN_IN),
    "recon:add_photos": ("post", 400, MISSING, SIGN_IN),
    "recon:known_photo": ("post", 204, MISSING, SIGN_IN),
    "recon:drop_photo": ("post", 409, MISSING, SIGN_IN),
    "recon:move_photo": ("post", 400, MISSING, SIGN_IN),
    "recon:order_photos": ("post", 409, MISSING, SIGN_IN),
    "recon:tiles": ("get", 286, MISSING, SIGN_IN),
    "recon:videos": ("get", 286, MISSING, SIGN_IN),
    "recon:drop_video": ("post", 409, MISSING, SIGN_IN),
    "recon:scene_of": ("post", 409, MISSING, SIGN_IN),
    "recon:start": ("post", 302, MISSING, SIGN_IN),
    "recon:job": ("get", 200, MISSING, SIGN_IN),
    "recon:check": ("get", 286, MISSING, SIGN_IN),
    "recon:progress": ("get", 286, MISSING, SIGN_IN),
    # What a running job shows is gone when it ends, or has become the finished scene; `test_live`
    # asks while it runs.
    "recon:features": ("get", MISSING, MISSING, SIGN_IN),
    "recon:cloud": ("get", MISSING, MISSING, SIGN_IN),
    "recon:snapshot": ("get", 200, MISSING, SIGN_IN),
    "recon:cancel": ("post", 409, MISSING, SIGN_IN),
    "recon:move": ("post", 302, MISSING, SIGN_IN),
    "recon:teams": ("get", 200, 200, SIGN_IN),
    "recon:create_team": ("post", 400, 400, SIGN_IN),  # nothing is sent
    "recon:join_team": ("get", 410, 410, 410),  # no such invitation: see test_teams_joining
    "recon:team": ("get", 200, MISSING, SIGN_IN),
    "recon:edit_team": ("post", 400, MISSING, SIGN_IN),
    "recon:team_usage": ("get", 200, MISSING, SIGN_IN),
    "recon:team_log": ("get", 200, MISSING, SIGN_IN),
    "recon:delete_team": ("get", 200, MISSING, SIGN_IN),
    "recon:leave_team": ("post", 409, MISSING, SIGN_IN),  # its only owner
    "recon:role": ("post", 400, MISSING, SIGN_IN),
    "recon:remove_member": ("post", 409, MISSING, SIGN_IN),
    "recon:invite": ("post", 400, MISSING, SIGN_IN),
    "recon:withdraw_invitation": ("post", 302, MISSING, SIGN_IN),
    "recon:keep": ("post", 302, MISSING, SIGN_IN),
    "recon:again": ("post", 302, MISSING, SIGN_IN),
    "recon:make_anyway": ("post", 409, MISSING, SIGN_IN),
    "recon:share": ("post", 400, MISSING, SIGN_IN),
    "recon:share_settings": ("post", 302, MISSING, SIGN_IN),
    "recon:share_offer": ("post", 400, MISSING, SIGN_IN),
    "recon:about": ("post", 302, MISSING, SIGN_IN),
    "recon:cover": ("post", 400, MISSING, SIGN_IN),
    "recon:reset_cover": ("post", 302, MISSING, SIGN_IN),
    "recon:qr": ("get", MISSING, MISSING, SIGN_IN),
    "recon:notices": ("get", 200, 200, SIGN_IN),
    "recon:read_notices": ("post", 302, 302, SIGN_IN),
    "recon:read_notice": ("post", 302, MISSING, SIGN_IN),
    "recon:usage": ("get", 200, 200, SIGN_IN),
    "recon:delete_account": ("get", 200, 200, SIGN_IN),
    "recon:webhooks": ("get", 200, 200, SIGN_IN),
    "recon:create_webhook": ("post", 400, 400, SIGN_IN),  # nothing is sent
    "recon:test_webhook": ("post", MISSING, MISSING, SIGN_IN),  # there is none: test_webhooks
    "recon:remove_webhook": ("post", MISSING, MISSING, SIGN_IN),
    "recon:public_gallery": ("get", MISSING, MISSING, MISSING),
    "recon:enter": ("post", MISSING, MISSING, MISSING),
    "recon:visit": ("post", MISSING, MISSING, MISSING),
    "recon:delete": ("post", 302, MISSING, SIGN_IN),
    "recon:file": ("get", 200, MISSING, SIGN_IN),
    "recon:thumb": ("get", 200, MISSING, SIGN_IN),
    "recon:views": ("get", 200, MISSING, SIGN_IN),
    "recon:view_photo": ("get", MISSING, MISSING, SIGN_IN),  # the run's photos are not there
    "recon:held_out": ("get", MISSING, MISSING, SIGN_IN),  # nothing was measured
    "recon:compare": ("get", 302, MISSING, SIGN_IN),  # with itself
    "recon:public": ("get", MISSING, MISSING, MISSING),
    "recon:public_scene": ("get", MISSING, MISSING, MISSING),
    "recon:public_progress": ("get", MISSING, MISSING, MISSING),
    "recon:public_cloud": ("get", MISSING, MISSING, MISSING),
    "recon:public_snapshot": ("get", MISSING, MISSING, MISSING),
    "recon:public_ply": ("get", MISSING, MISSING, MISSING),
    "recon:public_splat": ("get", MISSING, MISSING, MISSING),
    "recon:public_spz": ("get", MISSING, MISSING, MISSING),
    "recon:public_turntable": ("get", MISSING, MISSING, MISSING),
    "recon:public_poster": ("get", MISSING, MISSING, MISSING),
    "recon:public_preview": ("get", MISSING, MISSING, MISSING),
    "recon:public_views": ("get", MISSING, MISSING, MISSING),
    "recon:staff": ("get", MISSING, MISSING, SIGN_IN),  # staff: see test_staff_page
    "recon:reset_second_factor": ("get", MISSING, MISSING, SIGN_IN),  # see test_second_factor
    "recon:styleguide": ("get", MISSING, MISSING, SIGN_IN),  # staff: see test_styleguide
    "recon:readyz": ("get", 503, 503, 503),  # no queue here: see test_monitoring
    "recon:metrics": ("get", MISSING, MISSING, MISSING),  # without its token
    "recon:oembed": ("get", MISSING, MISSING, MISSING),
    "api:healthz": ("get", 200, 200, 200),
    "api:jobs": ("post", 400, 400, UNAUTHORISED),
    "api:own_file": ("get", 200, MISSING, UNAUTHORISED),
    "api:cancel": ("post", 409, MISSING, UNAUTHORISED),
    "api:make_anyway": ("post", 409, MISSING, UNAUTHORISED),
    "api:delete": ("delete", 204, MISSING, UNAUTHORISED),
    "api:job_status": ("get", 200, MISSING, UNAUTHORISED),
    "api:create_draft": ("post", 201, 201, UNAUTHORISED),
    "api:draft_from": ("post", 201, MISSING, UNAUTHORISED),
    "api:add_photo": ("post", 400, MISSING, UNAUTHORISED),
    "api:drop_photo": ("delete", 409, MISSING, UNAUTHORISED),
    "api:order_photos": ("post", 400, MISSING, UNAUTHORISED),
    "api:drop_video": ("delete", 409, MISSING, UNAUTHORISED),
    "api:start": ("post", 409, MISSING, UNAUTHORISED),
    "api:share": ("post", 200, MISSING, UNAUTHORISED),
    "api:queue": ("get", 200, 200, UNAUTHORISED),
}

WHILE_RUNNING = ("recon:public_cloud",)
TEAM = "acme"
OF_TEAM = ("team", "edit_team", "team_usage", "team_log", "delete_team", "leave_team", "invite")
SNAPSHOT = "scene-000300-abc123.splat"


def address(name: str, job: Job) -> str:
    arguments: dict[str, list[Any]] = {
        "recon:file": [job.pk, "splat"],
        "recon:thumb": [job.pk, "000.jpg"],
        "recon:drop_photo": [job.pk, 1],
        "recon:scene_of": [job.pk, 1],
        "recon:view_photo": [job.pk, 1],
        "recon:held_out": [job.pk, 1, "photo"],
        "recon:compare": [job.pk, job.pk],
        "recon:oembed": [],
        "recon:move_photo": [job.pk, 1],
        "recon:drop_video": [job.pk, 1],
        "recon:snapshot": [job.pk, SNAPSHOT],
        "recon:public_scene": [job.share.key, "splat"],
        "api:own_file": [job.pk, "splat"],
        "recon:public_snapshot": [job.share.key, SNAPSHOT],
        "api:drop_photo": [job.pk, 1],
        "api:drop_video": [job.pk, 1],
        "api:create_draft": [],
        "recon:test_webhook": [1],
        "recon:remove_webhook": [1],
        "recon:reset_second_factor": [1],
        "recon:join_team": ["nothing"],
        "recon:role": [TEAM, 1],
        "recon:remove_member": [TEAM, 1],
        "recon:withdraw_invitation": [TEAM, 1],
        **{f"recon:{name}": [TEAM] for name in OF_TEAM},
        "api:jobs": [],
    }
    if name in arguments:
        return reverse(name, args=arguments[name])
    if name == "recon:public_gallery":
        return reverse(name, args=["ann"])
    if name.startswith("recon:public") or name in ("recon:enter", "recon:visit"):
        return reverse(name, args=[job.share.key])
    of_no_job = (
        "home", "demo", "gallery", "selected", "selected_links", "upload", "sample",
        "create_draft", "healthz", "queue",
        "notices", "read_notices", "usage", "delete_account", "staff", "styleguide",
        "webhooks", "create_webhook", "teams", "create_team",
        "readyz", "metrics",
    )  # fmt: skip
    return reverse(name, args=[] if name.partition(":")[2] in of_no_job else [job.pk])


def test_every_address_says_who_may_open_it() -> None:
    pages = {f"recon:{pattern.name}" for pattern in web_urls.urlpatterns}
    api = {f"api:{pattern.name}" for pattern in api_urls.urlpatterns}
    assert pages | api == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_visitor_gets_what_is_theirs(name: str) -> None:
    method, for_owner, for_other, for_stranger = EXPECTED[name]
    job = finished_job(person())
    team_of(job.owner, TEAM)
    visitors = [
        (Client(), for_stranger),
        (browser_of(person("bob@example.org")), for_other),
        (browser_of(job.owner), for_owner),
    ]
    for visitor, status in visitors:
        response = getattr(visitor, method)(address(name, job))
        assert response.status_code == status
        is_first = visitor is visitors[0][0] and name != "recon:sample"
        if (status, for_stranger) == (SIGN_IN, SIGN_IN) and is_first:
            assert response["Location"].startswith(reverse("accounts:sign_in"))


#: (method, status for somebody who is signed in, for a stranger); no provider is set up.
ACCOUNTS = {
    "account": ("get", 200, SIGN_IN),
    "sign_up": ("get", 302, 200),
    "sign_up_sent": ("get", 200, 200),
    "invited": ("get", 302, 403),
    "confirm": ("get", 410, 410),
    "sign_in": ("get", 302, 200),
    "second_step": ("get", 302, SIGN_IN),
    "second_factor": ("get", 200, SIGN_IN),
    "new_codes": ("post", 302, SIGN_IN),  # there is none to make them for: test_second_factor
    "second_factor_off": ("post", 302, SIGN_IN),
    "provider": ("get", MISSING, MISSING),  # where there is one: test_provider
    "provider_callback": ("get", MISSING, MISSING),
    "provider_connect": ("post", MISSING, SIGN_IN),
    "provider_disconnect": ("post", MISSING, SIGN_IN),
    "provider_sign_out": ("get", MISSING, MISSING),
    "sign_in_link": ("get", 410, 410),
    "sign_out": ("get", 200, 200),
    "email_change": ("get", 200, SIGN_IN),
    "confirm_email": ("get", 410, 410),
    "preferences": ("post", 302, SIGN_IN),
    "public_page": ("post", 302, SIGN_IN),
    "token_create": ("post", 400, SIGN_IN),  # nothing is sent
    "token_delete": ("post", MISSING, SIGN_IN),
    "password_change": ("get", 200, SIGN_IN),
    "password_change_done": ("get", 200, SIGN_IN),
    "password_reset": ("get", 200, 200),
    "password_reset_done": ("get", 200, 200),
    "password_reset_complete": ("get", 200, 200),
    "password_reset_confirm": ("get", 200, 200),
}
ARGUMENTS: dict[str, list[Any]] = {
    "invited": ["x"], "confirm": ["x"], "sign_in_link": ["x"], "confirm_email": ["x"],
    "token_delete": [1], "password_reset_confirm": ["x", "y"],
}  # fmt: skip


def test_every_address_of_accounts_says_who_may_open_it() -> None:
    assert {pattern.name for pattern in account_urls.urlpatterns} == set(ACCOUNTS)
    for name, (method, for_person, for_stranger) in ACCOUNTS.items():
        where = reverse(f"accounts:{name}", args=ARGUMENTS.get(name, []))
        ann = User.objects.filter(email="ann@example.org").first() or person()
        for visitor, status in ((browser_of(ann), for_person), (Client(), for_stranger)):
            answer = getattr(visitor, method)(where)
            assert answer.status_code == status, name
            if for_stranger == SIGN_IN and status == SIGN_IN and visitor.session.is_empty():
                assert answer["Location"].startswith(reverse("accounts:sign_in")), name


BY_FORM = {
    name: method for name, (method, *_) in EXPECTED.items() if method != "get"
} | dict.fromkeys(
    (
        "recon:upload",
        "recon:sample",
        "recon:delete_account",
        "recon:reset_second_factor",
        "recon:delete_team",
        "recon:join_team",
        "api:jobs",
    ),
    "post",
)


@pytest.mark.parametrize("name", sorted(BY_FORM))
def test_nothing_is_changed_by_a_session_without_its_csrf_token(name: str) -> None:
    """Even where a view reads its body itself and Django's own check doesn't run."""
    job = finished_job(person(), shared=name == "recon:enter")
    team_of(job.owner, TEAM)
    visitor = browser_of(job.owner, enforce_csrf_checks=True)
    response = getattr(visitor, BY_FORM[name])(address(name, job))
    assert response.status_code == 403
    assert Job.objects.get() == job


FORMS = [name for name, (method, *_) in EXPECTED.items() if method == "post" and "api:" not in name]


@pytest.mark.parametrize("name", [*FORMS, "recon:sample"])
def test_the_address_of_a_form_leads_to_its_page(name: str) -> None:
    """A browser without scripts stays at that address after a refusal, and may open it again."""
    job = finished_job(person(), shared=True)
    team_of(job.owner, TEAM)
    browser = browser_of(job.owner)
    where = address(name, job)
    assert browser.get(where, follow=True).redirect_chain[0][1] == 302
    assert browser.get(where, follow=True).status_code == 200
    for headers in ({"Accept": "application/json"}, {"Accept": "text/html"}):
        change = browser.get if "json" in headers["Accept"] else browser.put
        assert change(where, headers=headers).status_code == 405
    job.refresh_from_db()
    assert (job.status, Job.objects.count()) == ("COMPLETED", 1)


SHARED = (
    "", "_progress", "_ply", "_splat", "_spz", "_turntable", "_poster", "_preview", "_views",
    "_snapshot",
)  # fmt: skip
LINKS = [*(f"recon:public{part}" for part in SHARED), *WHILE_RUNNING]


@pytest.mark.parametrize("name", LINKS)
def test_a_shared_link_treats_all_visitors_alike(name: str) -> None:
    job = finished_job(person(), shared=True)
    answers = {
        visitor.get(address(name, job)).status_code
        for visitor in (Client(), browser_of(person("bob@example.org")), browser_of(job.owner))
    }
    assert len(answers) == 1
    assert answers <= ({MISSING} if name in WHILE_RUNNING else {200, 286})


@pytest.mark.parametrize("page", ["http://[", "", "//", "nonsense"])
def test_a_poll_from_a_page_with_an_odd_address_is_led_to_sign_in(page: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    job = finished_job(person())
    response = Client().get(reverse("recon:progress", args=[job.pk]), headers=headers)
    assert response.status_code == UNAUTHORISED
    assert response["HX-Redirect"].startswith(reverse("accounts:sign_in"))


def test_an_inactive_account_has_no_access() -> None:
    job = finished_job(person())
    browser = browser_of(job.owner)
    type(job.owner).objects.update(is_active=False)
    assert browser.get(reverse("recon:job", args=[job.pk])).status_code == SIGN_IN
    assert browser.post("/recon/jobs", {"files": photos(3)}).status_code == UNAUTHORISED


def test_staff_see_a_strangers_job_but_not_in_their_gallery() -> None:
    job = finished_job(person())
    staff = browser_of(supporter())
    assert staff.get(reverse("recon:job", args=[job.pk])).status_code == 200
    assert staff.get(reverse("recon:gallery")).context["total"] == 0
