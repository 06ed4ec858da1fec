"""`Idempotency-Key`: a request that is sent again is answered again, and not done again."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.api.v1.problems import Refused
from recon.jobs.people import kept_answers
from recon.models import KeptAnswer

HEADER = "Idempotency-Key"
_KEPT_HEADERS = ("Content-Type", "Location")


class AnsweredBefore(Exception):
    """Ends a request with the answer that the first one got."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__()
        self.answer = answer

    def response(self) -> HttpResponse:
        response = HttpResponse(
            self.answer.body, status=self.answer.status, headers=self.answer.headers
        )
        response["Idempotency-Replayed"] = "true"
        return response


def claim(request: SignedInRequest) -> None:
    """Claims the request's key, if it has one, for what it sends; `settle` ends the claim.

    Call it when the body was read. Raises AnsweredBefore, and Refused: 400, 409 and 422.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
        said = gettext("“{header}” is 1 to 200 visible ASCII characters, without spaces.")
        raise Refused(400, "bad_request", said.format(header=HEADER))
    try:
        answer, is_new = kept_answers.claim(request.user, key, _fingerprint(request))
    except kept_answers.AnotherRequest as error:
        said = gettext("This “{header}” was used for another request. Choose a new one.")
        raise Refused(422, "idempotency_key_reused", said.format(header=HEADER)) from error
    except kept_answers.InProgress as error:
        said = gettext("The first request with this “{header}” is still at work.")
        detail = said.format(header=HEADER)
        raise Refused(409, "idempotency_in_progress", detail, retry_after_s=1) from error
    if not is_new:
        raise AnsweredBefore(answer)
    request.claimed = answer  # type: ignore[attr-defined]


def settle(request: HttpRequest, response: HttpResponseBase | None) -> None:
    """Keeps the answer to what was done; without one, or where it was refused, the key is free."""
    claimed: KeptAnswer | None = getattr(request, "claimed", None)
    if claimed is None:
        return
    if not isinstance(response, HttpResponse) or not 200 <= response.status_code < 300:
        kept_answers.release(claimed)
        return
    headers = {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)}
    kept_answers.keep(claimed, response.status_code, headers, response.content.decode())


def _fingerprint(request: SignedInRequest) -> str:
    """Of what is sent, not of how: the parts of a form have another boundary each time."""
    sent: Any = [request.method, request.get_full_path(), getattr(request, "sent", {})]
    if request.content_type == "multipart/form-data":
        files = [
            (field, file.name, _digest(file))
            for field, files in sorted(request.FILES.lists())
            for file in files
        ]
        sent += [sorted(request.POST.lists()), files]
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
