"""What the site's tests share: the one finished reconstruction, and two kinds of database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reconstruction import finished_run
from tests.site.databases import database, migrated_postgres
from tests.site.provider_sign_in import provider, provider_key
from tests.site.second_factor import clock
from tests.site.serving import site

__all__ = [
    "clock",
    "database",
    "finished_run",
    "mail_set_up",
    "migrated_postgres",
    "provider",
    "provider_key",
    "site",
]


@pytest.fixture
def mail_set_up(settings: Any) -> None:
    """As if EMAIL_URL named a server; what is sent goes into `mail.outbox`."""
    settings.MAIL_IS_SET_UP = True
