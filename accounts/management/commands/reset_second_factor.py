"""`manage.py reset_second_factor`: for whoever has lost their app and their recovery codes."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import letters, sessions
from accounts.models import Letter, User
from accounts.second_factor import codes


class Command(BaseCommand):
    help = "Switches somebody's two-step sign-in off and ends their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the account's e-mail address")

    def handle(self, *args: object, email: str, **options: object) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        if not codes.switch_off(user):
            raise CommandError(f"{user.email} has no two-step sign-in.")
        letters.tell_owner(Letter.Kind.FACTOR_OFF, user)
        sessions.end_all(user)
        self.stdout.write(
            f"Two-step sign-in of {user.email} is off, and their sessions have ended."
        )
