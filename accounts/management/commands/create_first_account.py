"""`manage.py create_first_account`: the account that a fresh site is run with."""

from __future__ import annotations

import secrets

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from accounts.models import User


class Command(BaseCommand):
    help = (
        "Makes a staff account with a random password and prints both, where there is no account"
        " yet. Otherwise prints nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default="admin@localhost")

    @transaction.atomic
    def handle(self, *args: object, email: str, **options: object) -> None:
        if User.objects.exists():
            return
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(email, password)
        self.stdout.write(f"{email}\n{password}")
