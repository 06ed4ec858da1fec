"""A program that calls API v1 with a token and nothing else, for tests."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from accounts.models import User
from instarecon_site.errors import PROBLEM_TYPE
from recon.models import Job
from tests.site.making import photo, photos, token_of

ROOT = "/api/v1"


class Program:
    """Its answers are the test client's."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.client = Client(headers={"Authorization": f"Bearer {token_of(owner)}"})

    def get(self, path: str, query: Any = None, **headers: str) -> Any:
        return self.client.get(ROOT + path, query, headers=headers)

    def send(self, method: str, path: str, sent: Any = None, **headers: str) -> Any:
        """JSON, or no body."""
        body = {} if sent is None else {"data": json.dumps(sent)}
        kind = {} if sent is None else {"content_type": "application/json"}
        ask = self.client.generic
        return ask(method, ROOT + path, **body, **kind, headers=headers)

    def post(self, path: str, sent: Any = None, **headers: str) -> Any:
        return self.send("POST", path, sent, **headers)

    def upload(self, path: str, **fields: Any) -> Any:
        return self.client.post(ROOT + path, fields)

    def draft(self, count: int = 0, **wishes: Any) -> Job:
        """A new draft with so many photos."""
        made = self.post("/drafts", wishes)
        assert made.status_code == 201, made.content
        draft = Job.objects.get(pk=made.json()["job_id"])
        for one in photos(count):
            assert self.upload(f"/jobs/{draft.pk}/photos", file=one).status_code == 201
        return draft

    def add(self, draft: Job, name: str = "a.jpg", **options: Any) -> Any:
        return self.upload(f"/jobs/{draft.pk}/photos", file=photo(name, **options))


def is_problem(answer: Any, status: int, code: str, *words: str) -> bool:
    """Whether it is a problem of this kind, whose sentence has these words."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == PROBLEM_TYPE
    told = answer.json()
    assert told["code"] == code, told
    assert told["type"] == f"urn:instarecon3d:problem:{code}"
    assert told["status"] == status
    assert told["title"]
    assert all(word in told["detail"] for word in words), told
    return True


def wrong_fields(answer: Any) -> set[str]:
    assert is_problem(answer, 422, "invalid_fields")
    return {error["field"] for error in answer.json()["errors"]}
