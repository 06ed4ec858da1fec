"""Prints the OpenAPI description of the API, or writes it to docs/use/openapi.json."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from recon.api.v1.api import api
from recon.api.v1.description.breaking import breaks

COMMITTED = settings.BASE_DIR / "docs" / "use" / "openapi.json"


class Command(BaseCommand):
    help = "Print the OpenAPI description of the API, or write it to docs/use/openapi.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write the committed file")
        parser.add_argument(
            "--accept-breaks",
            action="store_true",
            help="write it even where programs that were written against it would break",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        described = description()
        if not options["write"]:
            self.stdout.write(described, ending="")
            return
        earlier = COMMITTED.read_text() if COMMITTED.exists() else described
        broken = breaks(json.loads(earlier), json.loads(described))
        if broken and not options["accept_breaks"]:
            raise CommandError("Programs would break:\n" + "\n".join(broken))
        COMMITTED.write_text(described)


def description() -> str:
    """As it is committed: in English, and the same whatever the site's settings."""
    with translation.override("en"):
        schema = api.get_openapi_schema()
    plain = json.loads(json.dumps(schema, default=str))  # statuses become keys of JSON
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
