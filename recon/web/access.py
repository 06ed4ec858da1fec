"""Who may see what: one decorator for pages that need an account, one look-up for jobs, one for
teams.

Somebody else's job gets exactly the same answer as one that never existed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect

from accounts import networks
from accounts.models import User
from accounts.requests import HtmxRequest, P, SignedInRequest, SignedInView, View, is_signed_in
from accounts.second_factor import staff
from recon.jobs import sharing
from recon.jobs.people import audit
from recon.jobs.teams import members
from recon.models import Job, Membership
from recon.web import link_throttle

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class NotThere(Http404):
    """A 404 with a sentence that the person gets to read."""

    def __init__(self, sentence: StrOrPromise) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class LinkLocked(PermissionDenied):
    """A share link with a password that this visitor has not entered: a 403 that reveals
    nothing."""

    sentence = _("This scene has a password. Open its page and enter it there.")

    def __init__(self, job: Job) -> None:
        super().__init__(self.sentence)
        self.job = job


class OnlyLooks(PermissionDenied):
    """A change by somebody who may only look at the scenes of that team: a 403."""

    sentence = _(
        "You can look at this team’s scenes, but not change them. "
        "One of the team’s owners can make you an editor."
    )

    def __init__(self) -> None:
        super().__init__(self.sentence)


class OnlyOwners(PermissionDenied):
    """What only an owner of the team may see or do: a 403."""

    sentence = _("Only an owner of the team can do that. Its page says who is one.")

    def __init__(self) -> None:
        super().__init__(self.sentence)


class NotOffered(PermissionDenied):
    """A file behind a share link that its owner does not let people download: a 403."""

    sentence = _("The owner of this scene does not offer this file for download.")

    def __init__(self) -> None:
        super().__init__(self.sentence)


#: What staff need for other people's scenes: to look, and (with it) to change and to delete.
VIEW, CHANGE, DELETE = "recon.view_private_scene", "recon.change_job", "recon.delete_job"

#: Where a session keeps which links' passwords were entered, and for how many links.
ENTERED, MAX_ENTERED = "entered_links", 50
PASSWORD_HEADER, MAX_SENT = "X-Scene-Password", 200

NO_SUCH_PAGE = _("There is no such page for your account.")
NO_SUCH_JOB = _("You have no such scene. It may have been deleted.")
NO_SUCH_TEAM = _("You are in no such team. It may have been deleted, or have another address now.")
NO_SUCH_LINK = _(
    "There is nothing at this link. Its owner may have switched it off, or it has expired."
)
SIGN_IN_FIRST = _("Sign in first: this page belongs to an account.")


def prefers_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON rather than for a page (`Accept: */*` wants the page)."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def signed_in(view: SignedInView[P]) -> View[P]:
    """Sends people without a session to the sign-in page, each kind of client in its own way."""

    @wraps(view)
    def checked(request: HtmxRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if is_signed_in(request):
            return view(request, *args, **kwargs)
        if request.htmx:
            return _leave_the_fragment(request)
        if prefers_json(request):
            return JsonResponse({"errors": [str(SIGN_IN_FIRST)]}, status=401)
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))

    return checked


def staff_only(view: SignedInView[P]) -> View[P]:
    """Pages of the site's staff. Others who are signed in find nothing there."""

    @wraps(view)
    def checked(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_staff:
            raise NotThere(NO_SUCH_PAGE)
        staff.check(request)
        return view(request, *args, **kwargs)

    return signed_in(checked)


def unless_deleted(view: SignedInView[P]) -> SignedInView[P]:
    """Treats a job that is deleted while the view is at work like one that never existed."""

    @wraps(view)
    def checked(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Job.DoesNotExist as error:
            raise NotThere(NO_SUCH_JOB) from error

    return checked


def unlisted(view: View[P]) -> View[P]:
    """Keeps a link secret: no search engine lists it, no other site learns it from a referrer."""

    @wraps(view)
    def answered(request: HtmxRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow"
        # Not "no-referrer": a browser then hides from us, too, that a form it sends is ours.
        response["Referrer-Policy"] = "same-origin"
        return response

    return answered


def job_for(request: SignedInRequest, pk: uuid.UUID, *, change: str = CHANGE) -> Job | None:
    """The job, if the person may do what they want with it: their own, or their team's, as a rule.

    Somebody else's takes permissions that staff may have: `recon.view_private_scene`, and for
    anything but looking the permission `change` as well (VIEW: only looking, though by a POST).
    The audit log then says so. Raises OnlyLooks for a change by a viewer of the team.
    """
    job = Job.objects.with_rows().select_related("owner").filter(pk=pk).first()
    user = request.user
    is_look = request.method in ("GET", "HEAD") or change == VIEW
    if job is None or (job.team_id is None and job.owner_id == user.pk):
        return job
    member = _membership(user, job)
    if member is not None and (is_look or member.may_edit):
        return job
    if member is not None and not (user.is_staff and user.has_perms([VIEW, change])):
        raise OnlyLooks
    if not user.is_staff or not user.has_perms([VIEW] if is_look else [VIEW, change]):
        return None
    staff.check(request)
    address = networks.client_address(request) or ""
    audit.note(user, job, action=_what(request), method=str(request.method), address=address)
    return job


def _membership(user: User, job: Job) -> Membership | None:
    if job.team_id is None:
        return None
    return Membership.objects.filter(team=job.team_id, user=user).first()


@dataclass(frozen=True)
class Standing:
    """What a page offers to whoever looks at a job."""

    is_theirs: bool  # their own, or their team's; otherwise they are staff
    can_change: bool
    can_move: bool  # to another team, or back to themselves


def standing_of(request: SignedInRequest, job: Job) -> Standing:
    """Of somebody who may look at it (`job_for`)."""
    is_owner = job.owner_id == request.user.pk
    if job.team_id is None:
        return Standing(is_theirs=is_owner, can_change=True, can_move=is_owner)
    member = _membership(request.user, job)
    can_change = member is None or member.may_edit
    return Standing(member is not None, can_change, can_move=is_owner and can_change)


def membership_or_404(
    request: SignedInRequest, handle: str, *, as_owner: bool = False
) -> Membership:
    """The person's place in the team at this address. Raises NotThere for anybody outside, staff
    too, and OnlyOwners for a member who would have to be one."""
    member = members.membership_of(request.user, handle)
    if member is None:
        raise NotThere(NO_SUCH_TEAM)
    if as_owner and not member.is_owner:
        raise OnlyOwners
    return member


def maker_of(request: SignedInRequest, job: Job) -> User:
    """Whose a new scene of this one's photos is, made by whoever sends the request: theirs in a
    team of theirs. What staff make of other people's belongs to these."""
    return request.user if _membership(request.user, job) else job.owner


def _what(request: HttpRequest) -> str:
    """The page or file requested, without the job's own number."""
    match = request.resolver_match
    if match is None:
        return request.path
    of_job = ("pk", "job_id")
    rest = [f"{name}={value}" for name, value in match.kwargs.items() if name not in of_job]
    return " ".join([match.view_name, *rest])


def own_job_or_404(request: SignedInRequest, pk: uuid.UUID, *, change: str = CHANGE) -> Job:
    """The job, if this person may do this with it (`job_for`). Raises NotThere."""
    job = job_for(request, pk, change=change)
    if job is None:
        raise NotThere(NO_SUCH_JOB)
    return job


def shared_job_or_404(request: HttpRequest, pub_key: str) -> Job:
    """The job behind a share link, for visitors who may open it now.

    The one way in for everything behind a link: pages, files, descriptions for other sites.
    Raises NotThere for a link that is off, expired, unknown or a draft's, all in the same words,
    LinkLocked where it has a password that this visitor has not entered, and TooMany after too many
    wrong ones. Nobody gets past any of these, not even the owner: so they see what others see.
    """
    job = sharing.open_links().filter(share__key=pub_key).first()
    if job is None:
        raise NotThere(NO_SUCH_LINK)
    if job.share.password and not (has_entered(request, job) or _sends_password(request, job)):
        raise LinkLocked(job)
    return job


def check_asked_by_page(request: HttpRequest) -> None:
    """Raises NotOffered for an address that was opened by itself, or that another site requests.

    Browsers say of each request who makes it; what says nothing, such as an old browser, is let
    through. This keeps a file off people's disks and other sites' pages, not from people who know
    how to request it as a page does: what a browser shows can be saved.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise NotOffered
    if request.headers.get("Sec-Fetch-Dest") == "document":  # a link on our own page
        raise NotOffered


def _sends_password(request: HttpRequest, job: Job) -> bool:
    """Whether a program, which has no session, sends the link's password along, percent-encoded.

    Not as HTTP's own "Basic": that may be meant for a proxy in front, and would count as guessing.
    Raises TooMany.
    """
    sent = request.headers.get(PASSWORD_HEADER)
    if sent is None:
        return False
    return link_throttle.password_is_right(request, job, unquote(sent)[:MAX_SENT])


def has_entered(request: HttpRequest, job: Job) -> bool:
    """Whether this visitor's session knows the link's password as it is now."""
    proofs = request.session.get(ENTERED, {})
    return sharing.proves(job, str(proofs.get(str(job.pk), "")))


def remember_entered(request: HttpRequest, job: Job) -> None:
    """This visitor knows the link's password; their session remembers the last few links."""
    proofs = dict(request.session.get(ENTERED, {}))
    proofs.pop(str(job.pk), None)
    proofs[str(job.pk)] = sharing.proof(job)
    request.session[ENTERED] = dict(list(proofs.items())[-MAX_ENTERED:])


def _leave_the_fragment(request: HtmxRequest) -> HttpResponse:
    """A poll without a session: the whole page goes to sign-in, not just its fragment."""
    try:
        page = urlsplit(request.htmx.current_url or "").path or "/"
    except ValueError:  # no address, so no browser's
        page = "/"
    sign_in = redirect_to_login(page, resolve_url(settings.LOGIN_URL))
    response = HttpResponseClientRedirect(sign_in.url)
    response.status_code = 401
    return response
