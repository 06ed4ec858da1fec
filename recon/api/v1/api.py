"""API v1 put together: its rooms, its problems, and its OpenAPI description."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from instarecon_site.errors import API_V1
from recon.api.v1 import (
    drafts,
    jobs,
    photos,
    progress,
    repeats,
    results,
    shares,
    site,
    teams,
    webhooks,
)
from recon.api.v1.callers import SentParser
from recon.api.v1.description.openapi import completed
from recon.api.v1.problems import answer_problems

DESCRIPTION = "Photos in, a 3D scene out. The guide is docs/use/api-v1.md."


class Api(NinjaAPI):
    """Ninja's, with what it can't know of our answers in the description."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        prefix = path_prefix or f"{API_V1}/"
        schema = super().get_openapi_schema(path_prefix=prefix, path_params=path_params)
        return completed(schema)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The view's name: no two are alike."""
        return operation.view_func.__name__


def _answer_again(request: HttpRequest, before: repeats.AnsweredBefore) -> HttpResponse:
    return before.response()


api = Api(
    title="InstaRecon3D",
    version="1",
    description=DESCRIPTION,
    urls_namespace="v1",
    parser=SentParser(),
)
for room in (drafts, photos, jobs, progress, results, shares, site, teams, webhooks):
    api.add_router("", room.router)
answer_problems(api)
api.add_exception_handler(repeats.AnsweredBefore, _answer_again)  # type: ignore[arg-type]
