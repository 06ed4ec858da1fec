"""Who calls API v1, and what comes with the call: a token or a session, then the body.

The order is that of the prototype's API (`recon.api.auth`, `recon.api.bodies`): first who sends it,
then the body within the limits, then a session's CSRF token. Only then do fields matter.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext
from ninja.parser import Parser
from ninja.security import HttpBearer

from accounts.models import Scope, User
from accounts.requests import SignedInRequest
from recon.api import bodies as api_bodies
from recon.api.auth import bearer, identify
from recon.api.errors import ApiError
from recon.api.v1 import repeats
from recon.web import bodies

MULTIPART = "multipart/form-data"


class Body(Enum):
    """What an operation takes."""

    NONE = "none"
    JSON = "json"
    FILES = "files"  # multipart/form-data


class Token(HttpBearer):
    """Lets in whoever may do it: a token that has `scope`, or a session."""

    def __init__(
        self, scope: Scope = Scope.READ, body: Body = Body.NONE, *, once: bool = False
    ) -> None:
        """`once`: a request with a key is done once, however often it is sent (`repeats`)."""
        super().__init__()
        self.scope, self.body, self.once = scope, body, once

    def __call__(self, request: HttpRequest) -> User:
        """Raises NotSignedIn, ApiError and TooMany as `identify`, ApiError as `receive`, and what
        `repeats.claim` raises."""
        caller = identify(request, self.scope)  # type: ignore[arg-type]
        if request.method not in ("GET", "HEAD"):
            receive(caller, self.body)
        if self.once:
            repeats.claim(caller)
        return caller.user

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Ninja asks `__call__`; its parent must have this."""
        return self(request)


class SentParser(Parser):
    """Hands ninja the JSON that `receive` has read and looked through."""

    def parse_body(self, request: HttpRequest) -> Any:
        return request.sent  # type: ignore[attr-defined]


def receive(request: SignedInRequest, body: Body) -> None:
    """Reads the body: JSON into `request.sent`, a form into POST and FILES. Then checks the CSRF
    token of a session.

    Raises ApiError: 400 for what is broken or not taken here, 403, 413 and 415.
    """

    def read(request: SignedInRequest) -> QueryDict:
        request.sent = _read(request, body)  # type: ignore[attr-defined]
        return QueryDict()

    try:
        bodies.receive(request, read, by_session=bearer(request) is None)
    except bodies.CsrfRefused as refused:
        said = gettext("Programs send a bearer token instead of a session.")
        raise ApiError(403, f"{refused.reason} {said}", code="csrf") from refused


def _read(request: SignedInRequest, body: Body) -> dict[str, Any]:
    if not api_bodies.has_body(request):
        return {}
    if api_bodies.is_encoded(request):
        raise ApiError(415, gettext("Send the body as it is, without Content-Encoding."))
    kind = request.content_type or ""
    if body is Body.FILES:
        if kind != MULTIPART:
            raise _unsupported(MULTIPART)
        api_bodies.read_form(request)
        return {}
    if kind != api_bodies.JSON:
        raise _unsupported(api_bodies.JSON)
    sent = api_bodies.read_json(request)
    _check_texts(sent)
    if sent and body is Body.NONE:
        said = gettext("{method} takes no fields: send it without a body.")
        raise ApiError(400, said.format(method=request.method))
    return sent


def _unsupported(kind: str) -> ApiError:
    said = gettext("Send the body as {kind}.").format(kind=kind)
    return ApiError(415, said, Accept=kind)


def _check_texts(value: Any) -> None:
    """Raises ApiError (400) for texts that can't be stored, keys too."""
    if isinstance(value, str):
        api_bodies.checked_text(value)
    elif isinstance(value, list):
        for one in value:
            _check_texts(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_texts(name)
            _check_texts(one)
