"""Another e-mail address for an account.

Where the site can send mail, a link proves the new address before anything changes, and the old
address gets a mail about it. Elsewhere the password is the only proof that there can be.
"""

from __future__ import annotations

from django.core import signing
from django.urls import reverse

from accounts.models import User

SALT = "accounts.new_address"
VALID_S = 24 * 60 * 60


def link_for(user: User, email: str) -> str:
    """The address of the page that makes `email` the account's. It works once, for a day, and only
    until the password changes.
    """
    wanted = {"user": user.pk, "from": user.email, "to": email, "proof": _proof(user)}
    return reverse("accounts:confirm_email", args=(signing.dumps(wanted, salt=SALT),))


def read_confirmation(token: str) -> tuple[User, str] | None:
    """Whose address changes and to what, if the link is valid, in time and unused; otherwise
    None."""
    try:
        wanted = signing.loads(token, salt=SALT, max_age=VALID_S)
    except signing.BadSignature:
        return None
    user = User.objects.filter(
        pk=wanted["user"], email=wanted["from"], is_active=True, leaving_since=None
    ).first()
    if user is None or wanted["proof"] != _proof(user):
        return None
    return user, str(wanted["to"])


def _proof(user: User) -> str:
    """Changes with the password, and does not give it away."""
    return user.get_session_auth_hash()[:16]
