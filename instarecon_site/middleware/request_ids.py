"""A number for each request: taken from the proxy or made, in every line of the log that the
request causes, and in the answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from instarecon_site.monitoring import log_facts
from instarecon_site.monitoring.log_facts import NUMBER, PERSON

HEADER = "X-Request-ID"


def number_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, the outermost one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        number = request.META.get(NUMBER) or log_facts.sane_request_id(request.headers.get(HEADER))
        with log_facts.about(request_id=number):
            response = get_response(request)
        response[HEADER] = number
        return response

    return middleware


def name_people(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, behind those that find out who asks: only what they know already."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with log_facts.about(user_id=user_id_of(request)):
            response = get_response(request)
        known = user_id_of(request)  # the view may have been the first to ask
        if callable(tell := request.META.get(PERSON)):
            tell(known)
        return response

    return middleware


def user_id_of(request: HttpRequest) -> int | None:
    """Without asking the database: the person, if somebody has asked for them already."""
    user = request.__dict__.get("user")
    if type(user) is SimpleLazyObject:  # nobody's token decided
        user = request.__dict__.get("_cached_user")
    return getattr(user, "pk", None)
