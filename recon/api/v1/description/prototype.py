"""The prototype's addresses in the description of API v1: they stay, and docs/use/api.md is theirs.

What they take and give is told there field by field; here are their paths, methods and errors.
"""

from __future__ import annotations

import re
from typing import Any

from recon.web.home.views import ENDPOINTS

_TAG = "prototype"
_ERROR = {
    "type": "object",
    "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
    "required": ["detail"],
    "title": "PrototypeError",
    "description": "An error of the prototype's addresses.",
}
_REFUSED = {
    "description": "A sentence, and a code where a program may want to know which.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PrototypeError"}}},
}
_OF_A_LINK = {
    "description": "A page or JSON, as `Accept` asks.",
    "content": {"*/*": {"schema": {}}},
}
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded", "application/json")


def add_to(schema: dict[str, Any]) -> None:
    """Adds the addresses that `GET /` tells programs of."""
    schema["components"]["schemas"]["PrototypeError"] = _ERROR
    for summary, endpoint in ENDPOINTS.items():
        method, _, address = endpoint.partition(" ")
        path, _, query = address.partition("?")
        operations = schema["paths"].setdefault(path, {})
        operations[method.lower()] = _operation(summary, method, path, query)


def _operation(summary: str, method: str, path: str, query: str) -> dict[str, Any]:
    is_own = path.startswith("/recon/") and "{pub_key}" not in path
    refused = _REFUSED if is_own else _OF_A_LINK
    described: dict[str, Any] = {
        "operationId": f"prototype_{re.sub(r'[^a-z]+', '_', summary.lower())}",
        "summary": summary[0].upper() + summary[1:],
        "description": "See docs/use/api.md.",
        "tags": [_TAG],
        "parameters": [
            *(_parameter(name, "path") for name in re.findall(r"{(\w+)}", path)),
            *(_parameter(name, "query") for name in re.findall(r"{(\w+)}", query)),
        ],
        "responses": {
            "2XX": {"description": "As asked.", "content": {"*/*": {"schema": {}}}},
            "3XX": {"description": "Unchanged, or elsewhere."},
            "4XX": refused,
            "5XX": refused,
        },
    }
    if method == "POST":
        kinds = _FORMS[:1] if path == "/recon/jobs" else _FORMS
        body = {kind: {"schema": {"type": "object"}} for kind in kinds}
        described["requestBody"] = {"content": body, "required": False}
    if is_own:
        described["security"] = [{"Token": []}]
    return described


def _parameter(name: str, where: str) -> dict[str, Any]:
    kind = "integer" if name in ("photo_id", "video_id") else "string"
    return {"in": where, "name": name, "schema": {"type": kind}, "required": True}
