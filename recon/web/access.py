"""Who may see what: one decorator for pages that need an account, one look-up for jobs.

Somebody else's job is answered exactly like one that never was.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from recon.models import Job

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class NotThere(Http404):
    """A 404 with a sentence that the person gets to read."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


NO_SUCH_JOB = "There is no such job among yours. It may have been deleted."
SIGN_IN_FIRST = "Sign in first: this page belongs to an account."


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
            return JsonResponse({"errors": [SIGN_IN_FIRST]}, status=401)
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))

    return cast(View, checked)


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
    job = visible_jobs(cast(User, request.user)).filter(pk=pk).first()
    if job is None:
        raise NotThere(NO_SUCH_JOB)
    return job


def shared_job_or_404(pub_key: str) -> Job:
    """The job behind a share link, while its owner shares it. Raises NotThere.

    A draft is never public. Nobody is let in past a switched-off link, the owner neither: so they
    can see that it is off.
    """
    public = Job.objects.filter(shared=True).exclude(status=Job.Status.DRAFT)
    job = public.filter(pub_key=pub_key).first()
    if job is None:
        raise NotThere("There is nothing at this link. Its owner may have switched it off.")
    return job


def _leave_the_fragment(request: HttpRequest) -> HttpResponse:
    """A poll without a session: the whole page goes to sign-in, not just its fragment."""
    page = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
    sign_in = redirect_to_login(page, resolve_url(settings.LOGIN_URL))
    response = HttpResponseClientRedirect(sign_in.url)
    response.status_code = 401
    return response
