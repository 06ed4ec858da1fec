"""Errors as programs get them: the HTTP status gives the kind, `detail` says it in a sentence."""

from __future__ import annotations

from functools import wraps

from django.http import JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from accounts.requests import P, SignedInRequest, SignedInView
from recon.models import Job
from recon.pipeline.errors import ReconError
from recon.web import faults


class ApiError(Exception):
    """Ends a request with `status` and `{"detail": ...}`, with `code` where programs need one."""

    def __init__(self, status: int, detail: str, *, code: str = "", **headers: str) -> None:
        super().__init__(detail)
        self.status, self.detail, self.code, self.headers = status, detail, code, headers

    def response(self) -> JsonResponse:
        readable = {"ensure_ascii": False}
        content = {"detail": self.detail} | ({"code": self.code} if self.code else {})
        response = JsonResponse(content, status=self.status, json_dumps_params=readable)
        for name, value in self.headers.items():
            response[name.replace("_", "-")] = value
        return response


class NotSignedIn(ApiError):
    """No account, or an invalid token."""

    def __init__(self, detail: str) -> None:
        super().__init__(401, detail, WWW_Authenticate='Bearer realm="InstaRecon3D"')


class NoSuchJob(ApiError):
    """The job does not exist, or is somebody else's: both get the same answer."""

    def __init__(self) -> None:
        super().__init__(404, gettext("You have no such job."))


def explained(view: SignedInView[P]) -> SignedInView[P]:
    """Answers what `recon.jobs` raises, and a job that was deleted while the view was at work."""

    @wraps(view)
    def answered(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except ReconError as error:
            headers = faults.headers_of(error)
            raise ApiError(faults.status_of(error), str(error), **headers) from error
        except Job.DoesNotExist as error:
            raise NoSuchJob from error

    return answered
