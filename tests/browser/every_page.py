"""Every page of the site in every state that it has, each made on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts import letters
from accounts.models import ApiToken, Letter, User
from accounts.waiting import wait_sentence
from recon.jobs import sharing, tags
from recon.jobs.drafts import checks, drafts
from recon.jobs.teams import invitations, moving
from recon.models import (
    Delivery,
    Job,
    Notice,
    Photo,
    Team,
    TeamInvitation,
    Webhook,
    Worker,
)
from recon.pipeline.wishes import PRESET_NAMES
from recon.splats.snapshots import Snapshot, publish
from tests.browser.scenes import VIEW, splat_bytes
from tests.site.making import job_of, measured_job, person, photo, photo_bytes, team_of
from tests.site.matching import two_places

MB = 2**20
LONG = "A title of one very long word: " + "Donaudampfschiff" * 5
READY = "[data-splat-viewer][data-state=ready]"


def nothing(page: Page) -> None:
    """The page as it comes."""


@dataclass(frozen=True)
class State:
    """A page in one state. `make` gives the address; `act` brings an open page there."""

    make: Callable[[User], str]
    act: Callable[[Page], None] = nothing
    signed_in: bool = True
    #: What the console is expected to say, such as about a 404.
    said: tuple[str, ...] = field(default=())


def at(path: str) -> Callable[[User], str]:
    return lambda ann: path


def page_of(make: Callable[[User], Job]) -> Callable[[User], str]:
    return lambda ann: make(ann).get_absolute_url()


def link_to(make: Callable[[User], Job], query: str = "") -> Callable[[User], str]:
    return lambda ann: f"/v/{make(ann).share.key}{query}"


# --- Jobs ---


def scene(owner: User, **fields: object) -> Job:
    """A finished job that the viewer can show, with everything that its owner may have written,
    and too few photos placed."""
    facts = {"count": 3, "total": 6, "photos": ["000.jpg", "001.jpg", "002.jpg"]}
    warning = {"code": "photos_left_out", "facts": facts}
    shown = {"title": LONG, "description": "By the well.", "warnings": [warning], "view": VIEW}
    shown["own_view"] = VIEW | {"aspect": 1.2}
    job = measured_job(owner, **(shown | fields))
    artifact = job.artifacts.get(kind="splat")
    artifact.file.write_bytes(splat_bytes())
    job.artifacts.filter(kind="splat").update(size=len(splat_bytes()))
    return job


def two_runs(owner: User) -> str:
    first, second = scene(owner), scene(owner, psnr=23.5)
    for one, other in zip(first.photos.all(), second.photos.all(), strict=True):
        Photo.objects.filter(pk=other.pk).update(sha256=one.sha256)
    return reverse("recon:compare", args=(first.pk, second.pk))


def shared(owner: User) -> Job:
    return scene(owner, shared=True)


def locked(owner: User) -> Job:
    return scene(owner, shared=True, share_password=sharing.hash_password("under the mat"))


def without_file(owner: User) -> Job:
    job = scene(owner, shared=True)
    job.artifacts.all().delete()
    return job


def waiting(owner: User) -> Job:
    return job_of(owner)


def running(owner: User, step: str = "COLMAP_FEAT", percent: float = 20.0) -> Job:
    now = timezone.now()
    job = job_of(
        owner, status=Job.Status.PROCESSING, step=step, percent=percent,
        progress={"code": "photo", "facts": {"number": 2, "total": 3}},
        started_at=now, heartbeat_at=now, shared=True, title=LONG,
    )  # fmt: skip
    job.workspace.log.parent.mkdir(parents=True, exist_ok=True)
    job.workspace.log.write_text("12:00:00 first line\n")
    return job


def growing(owner: User) -> Job:
    """A job in training, with a snapshot and its curve."""
    job = running(owner, "GS_TRAIN", 75.0)
    folder = job.workspace.snapshot
    folder.mkdir(parents=True)
    splat, render = folder / "scene-000300-a.splat", folder / "render-000300-a.jpg"
    splat.write_bytes(splat_bytes())
    render.write_bytes(photo_bytes(3))
    publish(
        Snapshot(
            splat=splat, render=render, step=300, of=700, start_seconds=1.0, seconds=3.0,
            gaussians=3, shown=3, psnr=21.0, photo="000.jpg", held_out=True, spent_seconds=0.1,
            history=[(100, 1.0, 18.2), (200, 2.0, 19.9), (300, 3.0, 21.0)],
        )
    )  # fmt: skip
    return job


def failed(owner: User) -> Job:
    """A job that failed because its photos show two places."""
    facts = {"total": 5, "groups": 2, "largest": 3, "minimum": 4}
    return two_places(
        owner, status=Job.Status.FAILED, step="COLMAP_MAP", error_code="photos_share_nothing",
        error_facts=facts, completed_at=timezone.now(), shared=True,
    )  # fmt: skip


def cancelled(owner: User) -> Job:
    return job_of(owner, status=Job.Status.CANCELLED, completed_at=timezone.now(), shared=True)


def draft(owner: User, photos: str = "abc") -> Job:
    """A draft with blank photos, checked: too small, and no two alike."""
    made = drafts.create_draft(owner, title=LONG)
    for name in photos:
        drafts.add_photo(made, photo(f"{name}.jpg", size=(480, 360)))
    if photos:
        checks.check_photos(str(made.pk))
    return made


def empty_draft(owner: User) -> Job:
    return draft(owner, "")


# --- A person's pages ---


def one_of_each(owner: User) -> str:
    for make in (waiting, running, scene, failed, cancelled, empty_draft):
        make(owner)
    return "/jobs/"


def tagged_ones(owner: User) -> str:
    one_of_each(owner)
    for job in owner.jobs.all():
        tags.put(job, ["garden", "W" * 30, "summer 2026"])
    return "/jobs/"


def links_of_some(owner: User) -> str:
    made = [shared(owner), locked(owner), scene(owner)]
    return "/jobs/selected/links/?" + "&".join(f"job={job.pk}" for job in made)


def with_notices(owner: User) -> str:
    Notice.objects.create(user=owner, job=scene(owner))
    Notice.objects.create(user=owner, job=failed(owner), read_at=timezone.now())
    return "/notices/"


def with_webhooks(owner: User) -> str:
    hook = Webhook.objects.create(owner=owner, url="https://example.org/" + "hook" * 30)
    for event in Delivery.Event:
        Delivery.objects.create(webhook=hook, event=event, tries=1, fault="no_answer")
    return "/webhooks/"


def full(owner: User) -> str:
    owner.quota_stored_mb = 10
    owner.save()
    job_of(owner, title=LONG, status=Job.Status.FAILED, stored_bytes=11 * MB)
    return "/usage/"


def in_a_team(owner: User) -> Team:
    """A team with long names, members in every role, open and expired invitations, and a log."""
    bob, carl = person("bob@example.org", public_name="Bob"), person(f"{'carl' * 12}@example.org")
    team = team_of(owner, "acme", editor=bob, viewer=carl)
    team.name = "Donaudampfschiffgesellschaft of the north"
    team.save()
    for email in ("", f"{'dora' * 12}@example.org"):
        invitations.invite(team, email=email, role="viewer", by=owner)
    TeamInvitation.objects.filter(email="").update(ends_at=timezone.now())
    tags.put(scene(bob, team=team), ["garden"])
    draft(owner)
    moving.move(owner.jobs.get(), team, by=owner)
    return team


def invited(owner: User) -> str:
    in_a_team(owner)
    other = team_of(person("eve@example.org"), "bees")
    invitations.invite(other, email=owner.email, role="viewer", by=other.memberships.get().user)
    return "/teams/"


def joining(_: User) -> str:
    team = in_a_team(person("eve@example.org"))
    return reverse("recon:join_team", args=(team.invitations.exclude(email="").get().link_part,))


def with_a_token(owner: User) -> str:
    ApiToken.issue(owner, "laptop")
    return "/accounts/"


def proven_address(_: User) -> str:
    return letters.link_for(Letter(email="bea@example.org"))


def on_show(owner: User) -> str:
    scene(owner, shared=True, in_gallery=True)
    return nothing_on_show(owner)


def nothing_on_show(owner: User) -> str:
    owner.gallery_open, owner.handle, owner.public_name = True, "ann", "Ann"
    owner.save()
    return "/u/ann/"


def as_staff(owner: User) -> str:
    owner.is_staff = True
    owner.save()
    draft(owner)
    return "/styleguide/"


def no_machines(owner: User) -> str:
    owner.is_superuser = True
    as_staff(owner)
    return "/staff/"


def machines(owner: User) -> str:
    """Workers in every state, for staff."""
    no_machines(owner)
    now = timezone.now()
    usual = {"host": "box-1", "version": "0.1.0", "presets": list(PRESET_NAMES), "started_at": now}
    card = {
        "gpu_name": "NVIDIA H100 80GB HBM3",
        "gpu_memory_mb": 81559,
        "gpu_used_mb": 20300,
        "gpu_use_percent": 97,
        "gpu_celsius": 61,
    }
    running = job_of(owner, status=Job.Status.PROCESSING, step="GS_TRAIN", percent=72.0)
    each: tuple[dict[str, object], ...] = (
        card | {"job": running, "disk_total_mb": 900_000, "disk_free_mb": 20_000},
        card | {"is_drained": True, "job": running},
        card | {"is_drained": True},
        {"host": "laptop"},
        {"host": "laptop", "stopped_at": now},
        card | {"host": "gone", "heartbeat_at": now - timedelta(hours=2)},
    )
    for number, facts in enumerate(each):
        Worker.objects.create(name=f"worker-{number}", **({"heartbeat_at": now} | usual | facts))
    job_of(owner, status=Job.Status.FAILED, error_code="no_features", completed_at=now)
    return "/staff/"


def somebody_elses(ann: User) -> str:
    return scene(person("bob@example.org")).get_absolute_url()


# --- What is done on a page ---


def viewer_ready(page: Page) -> None:
    page.wait_for_selector(READY)


def viewer_menu(page: Page) -> None:
    viewer_ready(page)
    page.locator("[data-viewer-more-button]").click()
    expect(page.locator("[data-viewer-more]")).to_be_visible()


def menu_and_sheet(page: Page) -> None:
    viewer_menu(page)
    everything_unfolded(page)


def everything_unfolded(page: Page) -> None:
    for details in page.locator("main details").all():
        details.evaluate("(details) => { details.open = true; }")


def owner_sees_all(page: Page) -> None:
    viewer_ready(page)
    everything_unfolded(page)


def second_tab(page: Page) -> None:
    page.get_by_role("tab", name="Quality").click()
    everything_unfolded(page)


def third_tab(page: Page) -> None:
    page.get_by_role("tab", name="Details").click()
    everything_unfolded(page)


def asked_whether_sure(page: Page) -> None:
    page.get_by_role("button", name="Delete").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def hero_live(page: Page) -> None:
    page.wait_for_selector("[data-hero][data-live]")


def select_all(page: Page) -> None:
    page.locator("[data-select-start]").click()
    page.get_by_role("button", name="Select all on this page").click()
    expect(page.get_by_text("6 selected")).to_be_visible()


def ask_to_delete_all(page: Page) -> None:
    select_all(page)
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", name="Delete 6 scenes?")).to_be_visible()


def ask_to_download_all(page: Page) -> None:
    select_all(page)
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_role("heading", name="Download scenes")).to_be_visible()


def sent_empty(page: Page) -> None:
    page.get_by_role("button", name="Start").click()
    expect(page.locator("[data-photo-errors] li")).to_be_visible()


def wrong_password(page: Page) -> None:
    page.get_by_label("E-mail address").fill("ann@example.org")
    page.get_by_label("Password", exact=True).fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(visible=True)).to_be_visible()


def short_password(page: Page) -> None:
    page.get_by_label("E-mail address").fill("bea@example.org")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator(".errorlist").first).to_be_visible()


def wrong_new_address(page: Page) -> None:
    page.get_by_label("New e-mail address").fill("bea@example.org")
    page.get_by_label("Your password").fill("not this one")
    page.get_by_role("button", name="Change your e-mail address").click()
    expect(page.get_by_label("Your password")).to_be_focused()


def past_expiry(page: Page) -> None:
    page.get_by_text("Password, expiry and public page").click()
    page.get_by_label("The link expires on").fill("2020-01-01T00:00")
    page.locator(".link-settings").get_by_role("button", name="Save").click()
    expect(page.get_by_text("This time has already passed.")).to_be_visible()
    expect(page.get_by_label("The link expires on")).to_be_focused()


def dropping(page: Page) -> None:
    """As while files are dragged over it."""
    page.locator("[data-drop-anywhere]").evaluate("(cover) => { cover.hidden = false; }")


def asked_whether_to_leave(page: Page) -> None:
    """As after a drop on a page where something was typed."""
    page.locator("[data-drop-leave]").evaluate("(dialog) => dialog.showModal()")


def not_kept(page: Page) -> None:
    """As after a drop that the browser can't store."""
    page.locator("[data-drop-failed]").evaluate("(notice) => { notice.hidden = false; }")


def offline(page: Page) -> None:
    page.context.set_offline(True)
    expect(page.locator("[data-offline], [data-line], [data-poll-trouble]").filter(visible=True)
           ).to_have_count(1)  # fmt: skip


def template(name: str) -> Callable[[Page], None]:
    """Shows one of the error pages that can't be produced on demand."""

    def show(page: Page) -> None:
        html = render_to_string(
            f"errors/{name}.html", {"sign_up_open": True, "sentence": wait_sentence("sign_up", 900)}
        )

        def answer(route: Route) -> None:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")

        page.route("**/shown", answer)
        page.goto("/shown")

    return show


OFFLINE = ("ERR_INTERNET_DISCONNECTED", "htmx:afterRequest", "htmx:sendError")
BAD_REQUEST = ("400 (Bad Request)",)
FORBIDDEN = ("403 (Forbidden)",)
GONE = ("410 (Gone)",)
NOT_FOUND = ("404 (Not Found)",)
STATES = {
    "home": State(at("/"), hero_live, signed_in=False),
    "demo": State(at("/demo/"), menu_and_sheet, signed_in=False),
    "sign in": State(at("/accounts/sign-in/"), signed_in=False),
    "sign in, wrong": State(
        at("/accounts/sign-in/"), wrong_password, signed_in=False, said=BAD_REQUEST
    ),
    "sign up": State(at("/accounts/sign-up/"), signed_in=False),
    "sign up, wrong": State(
        at("/accounts/sign-up/"), short_password, signed_in=False, said=BAD_REQUEST
    ),
    "sign up, offline": State(at("/accounts/sign-up/"), offline, signed_in=False, said=OFFLINE),
    "sign up, sent": State(at("/accounts/sign-up/sent/"), signed_in=False),
    "sign up, proven": State(proven_address, signed_in=False),
    "sign up, link too old": State(at("/accounts/confirm/x/"), signed_in=False, said=GONE),
    "invitation over": State(at("/accounts/invitation/x/"), signed_in=False, said=FORBIDDEN),
    "reset": State(at("/accounts/reset/"), signed_in=False),
    "reset, too old": State(at("/accounts/reset/MQ/abc-def/"), signed_in=False),
    "gallery, empty": State(at("/jobs/")),
    "gallery": State(one_of_each),
    "gallery, selecting": State(tagged_ones, select_all),
    "gallery, deleting several": State(tagged_ones, ask_to_delete_all),
    "gallery, downloading some": State(tagged_ones, ask_to_download_all),
    "gallery, links": State(links_of_some, everything_unfolded),
    "gallery, of a team": State(lambda ann: f"/jobs/?team={in_a_team(ann).handle}"),
    "gallery, no such tag": State(at("/jobs/?tag=unicorn")),
    "gallery, nothing found": State(lambda ann: f"{one_of_each(ann)}?q=unicorn"),
    "upload": State(at("/jobs/new/"), everything_unfolded),
    "upload, wrong": State(at("/jobs/new/"), sent_empty),
    "upload, offline": State(at("/jobs/new/"), offline, said=OFFLINE),
    "draft, empty": State(page_of(empty_draft)),
    "draft": State(page_of(draft), everything_unfolded),
    "draft, offline": State(page_of(draft), offline, said=OFFLINE),
    "job, waiting": State(page_of(waiting)),
    "job, running": State(page_of(running), everything_unfolded),
    "job, growing": State(page_of(growing), viewer_ready),
    "job, offline": State(page_of(running), offline, said=OFFLINE),
    "job, done": State(page_of(shared), owner_sees_all),
    "job, quality": State(page_of(shared), second_tab),
    "job, details": State(page_of(shared), third_tab),
    "job, menu open": State(page_of(scene), viewer_menu),
    "two runs": State(two_runs, viewer_ready),
    "job, wrong expiry": State(page_of(shared), past_expiry, said=BAD_REQUEST),
    "job, file gone": State(page_of(without_file)),
    "job, failed": State(page_of(failed), everything_unfolded),
    "job, cancelled": State(page_of(cancelled)),
    "job, deleting": State(page_of(cancelled), asked_whether_sure),
    "notices, empty": State(at("/notices/")),
    "notices": State(with_notices),
    "usage, empty": State(at("/usage/")),
    "webhooks, empty": State(at("/webhooks/")),
    "webhooks, with a log": State(with_webhooks),
    "usage, full": State(full),
    "usage, drop not kept": State(at("/usage/"), not_kept),
    "account, asked whether to leave": State(at("/accounts/"), asked_whether_to_leave),
    "account": State(with_a_token),
    "teams": State(invited),
    "team": State(lambda ann: in_a_team(ann).get_absolute_url(), everything_unfolded),
    "team, deleting": State(lambda ann: f"{in_a_team(ann).get_absolute_url()}delete/"),
    "team, joining": State(joining, signed_in=False),
    "password": State(at("/accounts/password/")),
    "e-mail address, wrong": State(at("/accounts/email/"), wrong_new_address, said=BAD_REQUEST),
    "signing out": State(at("/accounts/sign-out/"), dropping),
    "leaving": State(at("/accounts/delete/")),
    "shared, done": State(link_to(shared), menu_and_sheet, signed_in=False),
    "shared, file gone": State(link_to(without_file), signed_in=False),
    "shared, running": State(link_to(running), signed_in=False),
    "shared, failed": State(link_to(failed), signed_in=False),
    "shared, locked": State(link_to(locked), signed_in=False),
    "frame": State(link_to(shared, "?embed=1"), viewer_ready, signed_in=False),
    "frame, running": State(link_to(running, "?embed=1"), signed_in=False),
    "frame, locked": State(link_to(locked, "?embed=1"), signed_in=False),
    "public page": State(on_show, signed_in=False),
    "public page, empty": State(nothing_on_show, signed_in=False),
    "styleguide": State(as_staff),
    "machines, none": State(no_machines),
    "machines": State(machines),
    "nowhere": State(at("/nowhere"), said=NOT_FOUND),
    "somebody else's": State(somebody_elses, said=NOT_FOUND),
    **{f"error {code}": State(at("/"), template(code), signed_in=False)
       for code in ("400", "403", "403_csrf", "405", "413", "429", "429_slow_down", "500", "503")},
}  # fmt: skip
