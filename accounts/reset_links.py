"""Links that set a new password, for staff to hand over where the site can't send them itself."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User


def link_for(user: User) -> str:
    """Django's own link, as its mail has it: it works once, for PASSWORD_RESET_TIMEOUT, and ends
    when its owner signs in or sets a password in another way."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return settings.BASE_URL + reverse("accounts:password_reset_confirm", args=(uid, token))
