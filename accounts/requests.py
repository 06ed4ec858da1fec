"""Requests as this site's middleware leaves them, for type checkers.

Django says of `request.user` that it may be nobody, and knows nothing of `request.htmx`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeGuard, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_htmx.middleware import HtmxDetails

from accounts.models import User

P = ParamSpec("P")


class HtmxRequest(HttpRequest):
    """What every view gets."""

    htmx: HtmxDetails


class SignedInRequest(HtmxRequest):
    """What a view gets behind a decorator that lets nobody in without an account."""

    user: User


View = Callable[Concatenate[HtmxRequest, P], HttpResponseBase]
SignedInView = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]


def is_signed_in(request: HttpRequest) -> TypeGuard[SignedInRequest]:
    return request.user.is_authenticated


def account_required(view: SignedInView[P]) -> View[P]:
    """Django's `login_required`, which says of its view what the view may rely on."""
    return cast(View[P], login_required(view))
