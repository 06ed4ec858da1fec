"""Who may see what: one decorator for pages that need an account, one look-up for jobs.

Somebody else's job is answered exactly like one that never was.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from recon.jobs import sharing
from recon.models import Job
from recon.web import link_throttle

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class NotThere(Http404):
    """A 404 with a sentence that the person gets to read."""

    def __init__(self, sentence: StrOrPromise) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class LinkLocked(PermissionDenied):
    """A share link with a password that this visitor has not entered: a 403 that tells nothing."""

    sentence = _("This scene has a password. Open its page and enter it there.")

    def __init__(self, job: Job) -> None:
        super().__init__(self.sentence)
        self.job = job


#: Where a session keeps which links' passwords were entered, and for how many links.
ENTERED, MAX_ENTERED = "entered_links", 50
PASSWORD_HEADER, MAX_SENT = "X-Scene-Password", 200

NO_SUCH_PAGE = _("There is no such page for your account.")
NO_SUCH_JOB = _("There is no such job among yours. It may have been deleted.")
NO_SUCH_LINK = _(
    "There is nothing at this link. Its owner may have switched it off, or its time is over."
)
SIGN_IN_FIRST = _("Sign in first: this page belongs to an account.")


def prefers_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON rather than for a page (`Accept: */*` wants the page)."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def signed_in(view: View) -> View:
    """Sends people without a session to the sign-in page, each kind of client in its own way."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.headers.get("HX-Request") == "true":
            return _leave_the_fragment(request)
        if prefers_json(request):
            return JsonResponse({"errors": [str(SIGN_IN_FIRST)]}, status=401)
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))

    return cast(View, checked)


def staff_only(view: View) -> View:
    """Pages of the site's staff. Others who are signed in find nothing there."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_staff:
            raise NotThere(NO_SUCH_PAGE)
        return view(request, *args, **kwargs)

    return signed_in(cast(View, checked))


def unless_deleted(view: View) -> View:
    """Answers a job that is deleted while the view is at work like one that never was."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Job.DoesNotExist as error:
            raise NotThere(NO_SUCH_JOB) from error

    return cast(View, checked)


def visible_jobs(user: User) -> QuerySet[Job]:
    """The jobs that `user` may open: their own; staff may open all."""
    return Job.objects.all() if user.is_staff else Job.objects.filter(owner=user)


def own_job_or_404(request: HttpRequest, pk: uuid.UUID) -> Job:
    """The job, where this person may see it. Raises NotThere."""
    job = visible_jobs(cast(User, request.user)).select_related("owner").filter(pk=pk).first()
    if job is None:
        raise NotThere(NO_SUCH_JOB)
    return job


def shared_job_or_404(request: HttpRequest, pub_key: str) -> Job:
    """The job behind a share link, for whoever may open it just now.

    The one way in for everything behind a link: pages, files, descriptions for other sites.
    Raises NotThere for a link that is off, over, unknown or a draft's, all in the same words, and
    LinkLocked where it has a password that this visitor has not entered. Nobody is let in past
    any of these, the owner neither: so they see what others see.
    """
    job = sharing.open_links().filter(pub_key=pub_key).first()
    if job is None:
        raise NotThere(NO_SUCH_LINK)
    if job.share_password and not (has_entered(request, job) or _sends_password(request, job)):
        raise LinkLocked(job)
    return job


def _sends_password(request: HttpRequest, job: Job) -> bool:
    """Whether a program, which has no session, sends the link's password along, percent-encoded.

    Not as HTTP's own "Basic": that may be meant for a proxy in front, and would count as guessing.
    """
    sent = request.headers.get(PASSWORD_HEADER)
    if sent is None or not link_throttle.may_try(request, job):
        return False
    if sharing.password_is_right(job, unquote(sent)[:MAX_SENT]):
        return True
    link_throttle.note_wrong(request, job)
    return False


def has_entered(request: HttpRequest, job: Job) -> bool:
    """Whether this visitor's session knows the link's password as it is now."""
    kept = request.session.get(ENTERED, {})
    return sharing.proves(job, str(kept.get(str(job.pk), "")))


def remember_entered(request: HttpRequest, job: Job) -> None:
    """This visitor knows the link's password; their session remembers the last few links."""
    kept = dict(request.session.get(ENTERED, {}))
    kept.pop(str(job.pk), None)
    kept[str(job.pk)] = sharing.proof(job)
    request.session[ENTERED] = dict(list(kept.items())[-MAX_ENTERED:])


def _leave_the_fragment(request: HttpRequest) -> HttpResponse:
    """A poll without a session: the whole page goes to sign-in, not just its fragment."""
    page = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
    sign_in = redirect_to_login(page, resolve_url(settings.LOGIN_URL))
    response = HttpResponseClientRedirect(sign_in.url)
    response.status_code = 401
    return response
