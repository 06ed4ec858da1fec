"""The OpenAPI description: what ninja makes of the types, completed by what holds for all.

Committed as docs/use/openapi.json, which `manage.py openapi --write` writes: a test compares the
two, and `breaking` says what programs rely on.
"""

from __future__ import annotations

from typing import Any

from ninja.openapi.schema import OpenAPISchema

from instarecon_site.errors import PROBLEM_TYPE
from recon.api.v1.description import prototype

_PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def completed(schema: OpenAPISchema) -> OpenAPISchema:
    """`schema`, with the answers that every operation may give, and the prototype's addresses."""
    schema["servers"] = [{"url": "/"}]
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            _complete(method, operation)
    prototype.add_to(schema)
    return schema


def _complete(method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["schema"].pop("default", None)  # "nothing is sent", with each field spelled out
        for field in content["schema"].get("properties", {}).values():
            if field.get("items", {}).get("format") == "binary":
                field["minItems"] = 1  # a form without a file lacks the field
    if method == "get":
        responses[304] = {"description": "Unchanged (`If-None-Match`)."}
    for answer in responses.values():
        if "text/event-stream" in answer.get("content", {}):
            answer["content"].pop("application/json", None)  # the type is that of the events' data
    for status in (201, 202):
        if status in responses:
            said = {"description": "Where it is.", "schema": {"type": "string"}}
            responses[status]["headers"] = {"Location": said}
    responses["4XX"] = responses["5XX"] = _PROBLEM
