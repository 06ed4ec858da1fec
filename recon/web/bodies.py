"""The order in which a body is read and its sender is checked, for pages and programs alike.

First who sends it, then the body within the limits, then its CSRF token, which may be in it. Only
then does anything happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.views.decorators.csrf import csrf_exempt

from accounts.requests import HtmxRequest, P, SignedInRequest, View
from recon.jobs import decoders
from recon.web import uploads

T = TypeVar("T")


class CsrfRefused(Exception):
    """A request by session without a valid CSRF token; `reason` is Django's."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _CsrfCheck(CsrfViewMiddleware):
    """Django's check, raising CsrfRefused instead of answering with a page."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        raise CsrfRefused(reason)


def _no_view(request: HttpRequest) -> HttpResponse:
    """Stands for a view that is not exempt."""
    return HttpResponse()


def receives_body(view: View[P]) -> View[P]:
    """For a view that has `receive` or `files_received` read its body.

    Django's CSRF middleware is told to stand back, since it would read a whole upload before it is
    known who sends it. What the check refuses later is answered as Django answers it.
    """

    @csrf_exempt
    @wraps(view)
    def answered(request: HtmxRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except CsrfRefused as refused:
            middleware: Any = CsrfViewMiddleware(_no_view)  # its stubs leave out what it answers by
            answer: HttpResponseBase = middleware._reject(request, refused.reason)
            return answer

    return answered


def receive(
    request: SignedInRequest, read: Callable[[SignedInRequest], T], *, by_session: bool = True
) -> T:
    """What `read` makes of the body; then checks the CSRF token if the request comes `by_session`.

    Raises what `read` raises, and CsrfRefused.
    """
    fields = read(request)
    if by_session:
        check = _CsrfCheck(_no_view)
        check.process_request(request)
        check.process_view(request, _no_view, (), {})
    return fields


@contextmanager
def files_received(request: SignedInRequest) -> Iterator[None]:
    """Inside, POST and FILES are there, and few other files of this person's are looked at.

    Raises TooMany and UploadRefused as `uploads.receive`, CsrfRefused, and PipelineError where too
    many are looked at already.
    """
    receive(request, uploads.receive)
    with decoders.place_for(request.user.pk):
        yield
