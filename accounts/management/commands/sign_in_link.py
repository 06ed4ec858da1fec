"""`manage.py sign_in_link`: the way in where no other works."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import emergency
from accounts.models import User


class Command(BaseCommand):
    help = (
        "Prints a link that signs a superuser in, once and for a quarter of an hour, also where "
        "SIGN_IN_WITH_PASSWORD is off. A second factor is asked for as ever: see "
        "reset_second_factor."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the superuser's e-mail address")

    def handle(self, *args: object, email: str, **options: object) -> None:
        superusers = User.objects.filter(is_superuser=True, is_active=True)
        user = superusers.filter(email__iexact=email).first()
        if user is None:
            known = ", ".join(superusers.values_list("email", flat=True)) or "none"
            raise CommandError(f"{email} is no active superuser. There are: {known}.")
        self.stdout.write(emergency.link_for(user))
