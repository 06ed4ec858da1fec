"""What a person is told when their request is one too many: too much of what, and how long to wait.

By the names of the limits, which stand where they are kept.
"""

from __future__ import annotations

import math

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as N_

_SENTENCES = {
    "sign_in": N_("Too many wrong passwords."),
    "sign_in_by_address": N_("Too many wrong passwords from your network."),
    "sign_in_by_account": N_("Too many wrong passwords for this account."),
    "code": N_("Too many wrong codes."),
    "recovery_code": N_("Too many wrong recovery codes."),
    "provider": N_("Too many sign-ins from your network."),
    "sign_up": N_("Too many accounts were made from your network."),
    "mail_by_address": N_("Too many e-mails were requested from your network."),
    "link": N_("Too many wrong passwords."),
    "link_by_address": N_("Too many wrong passwords from your network."),
    "link_in_all": N_("Too many wrong passwords for this scene."),
    "uploads": N_("You have sent too many files within an hour."),
    "team_invitations": N_("You have invited too many people within an hour."),
    "api": N_("Too many requests within a minute."),
    "api_by_address": N_("Too many requests without a valid token from your network."),
}


def wait_sentence(name: str, wait_s: int) -> str:
    return f"{gettext(_SENTENCES[name])} {_when(wait_s)}"


def _when(wait_s: int) -> str:
    if wait_s < 90:
        said = ngettext("Try again in {n} second.", "Try again in {n} seconds.", wait_s)
        return said.format(n=wait_s)
    minutes = math.ceil(wait_s / 60)
    if minutes < 90:
        said = ngettext("Try again in {n} minute.", "Try again in {n} minutes.", minutes)
        return said.format(n=minutes)
    hours = math.ceil(minutes / 60)
    said = ngettext("Try again in {n} hour.", "Try again in {n} hours.", hours)
    return said.format(n=hours)
