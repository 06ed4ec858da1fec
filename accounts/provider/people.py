"""Whose account it is that somebody signs in to at the provider."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import get_language

from accounts import languages
from accounts.models import Invitation, ProviderAccount, User
from accounts.provider.environment import provider
from accounts.provider.refusals import Refused

logger = logging.getLogger(__name__)

#: Ways of proving who one is that are a second one beside a password (RFC 8176).
_SECOND = frozenset(
    ("otp", "hwk", "swk", "sc", "pop", "sms", "tel", "fpt", "face", "iris", "retina", "vbm")
)


class _CameFirstError(Exception):
    """An account with this address has been made meanwhile: two signed in at once, or one twice."""


def person_for(claims: Mapping[str, Any], *, invitation: str = "") -> tuple[User, str]:
    """Whose account it is, and how it was found: "known", "connected" just now by the address, or
    "made". Raises Refused."""
    with suppress(_CameFirstError):
        return _find_or_make(claims, invitation)
    try:
        return _find_or_make(claims, invitation)
    except _CameFirstError as error:
        why = "an account with this address can neither be found nor made"
        raise Refused("lost", email=address_in(claims), why=why) from error


def _find_or_make(claims: Mapping[str, Any], invitation: str) -> tuple[User, str]:
    """`person_for`. Raises _CameFirstError, too: then the account is there at the next look."""
    email = address_in(claims)
    _check_domain(email)
    known = _account_of(claims)
    if known is not None:
        _check_open(known.user)
        ProviderAccount.objects.filter(pk=known.pk).update(email=email, last_used_at=timezone.now())
        return _with_powers(known.user, claims), "known"
    if not email:
        raise Refused("no_email")
    if not is_verified(claims):
        raise Refused("not_verified", email=email)
    user, how = _by_address(email, claims), "connected"
    if user is None:
        user, how = _make(email, claims, invitation), "made"
    return _with_powers(user, claims), how


def connect(user: User, *, subject: str, email: str) -> ProviderAccount:
    """Raises Refused where it is another's, or they have another there."""
    account = ProviderAccount(user=user, issuer=provider().issuer, subject=subject, email=email)
    account.last_used_at = timezone.now()
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as error:
        taken = ProviderAccount.objects.filter(issuer=provider().issuer, subject=subject).first()
        if taken is None:
            raise Refused("has_another", email=user.email) from error
        if taken.user_id != user.pk:
            raise Refused("connected_elsewhere", email=email) from error
        return taken
    return account


def is_theirs(user: User, claims: Mapping[str, Any]) -> bool:
    known = _account_of(claims)
    return known is not None and known.user_id == user.pk


def is_fresh(claims: Mapping[str, Any], *, within_s: int) -> bool:
    """Whether the provider asked who they are just now. One that does not say when was told to."""
    when = claims.get("auth_time")
    return not isinstance(when, int | float) or time.time() - when < within_s


def address_in(claims: Mapping[str, Any]) -> str:
    email = claims.get("email")
    well_formed = isinstance(email, str) and 3 <= len(email) <= 254 and "@" in email
    return User.objects.normalize_email(str(email)) if well_formed else ""


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Some providers write the word instead of the value."""
    said = claims.get("email_verified")
    return provider().trust_email or said is True or said == "true"


def second_factor(claims: Mapping[str, Any]) -> str:
    """What stands for ours, where the provider has asked for one; otherwise ""."""
    if provider().second_factor == "provider":
        return "provider"
    named = claims.get("amr")
    if provider().second_factor != "amr" or not isinstance(named, list):
        return ""
    ways = {str(way) for way in named}
    return "provider" if "mfa" in ways or ("pwd" in ways and ways & _SECOND) else ""


def _account_of(claims: Mapping[str, Any]) -> ProviderAccount | None:
    accounts = ProviderAccount.objects.select_related("user")
    return accounts.filter(issuer=provider().issuer, subject=str(claims["sub"])).first()


def _check_open(user: User) -> None:
    if not user.is_active or user.leaving_since:
        raise Refused("switched_off", email=user.email)


def _check_domain(email: str) -> None:
    allowed = provider().email_domains
    if allowed and email.rpartition("@")[2].lower() not in allowed:
        raise Refused("other_domain", email=email) if email else Refused("no_email")


@transaction.atomic
def _by_address(email: str, claims: Mapping[str, Any]) -> User | None:
    """The account with this address, connected from now on.

    Where the site sends no mail nobody has proven yet that the account's address is theirs: its
    password, sessions and tokens may be somebody else's who made it in their name, and end.
    """
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        return None
    _check_open(user)
    connect(user, subject=str(claims["sub"]), email=email)
    if not settings.MAIL_IS_SET_UP and user.has_usable_password():
        user.set_unusable_password()
        user.save(update_fields=["password"])
    logger.info("Account %s is connected to the provider by its address", user.pk)
    return user


def _make(email: str, claims: Mapping[str, Any], invitation_link: str) -> User:
    """Raises Refused where this takes an invitation, or nobody may, and _CameFirstError."""
    invitation = Invitation.behind(invitation_link) if invitation_link else None
    by_invitation = provider().sign_up == "site" and settings.SIGN_UP == "invitation"
    closed = provider().sign_up == "off" or settings.SIGN_UP == "closed"
    if provider().sign_up != "on" and closed:
        raise Refused("no_account", email=email)
    if by_invitation and invitation is None:
        raise _uninvited(email)
    with transaction.atomic():
        if by_invitation and invitation is not None and not invitation.spend():
            raise _uninvited(email)  # somebody had the last of it, perhaps they themselves
        user = _new(email)
        connect(user, subject=str(claims["sub"]), email=email)
    logger.info("Account %s was made at a sign-in by the provider", user.pk)
    return user


def _uninvited(email: str) -> Exception:
    """To be raised. Who has an account by now needs no invitation any more."""
    made_meanwhile = User.objects.filter(email__iexact=email).exists()
    return _CameFirstError() if made_meanwhile else Refused("needs_invitation", email=email)


def _new(email: str) -> User:
    language = languages.valid_code(get_language() or "")
    try:
        with transaction.atomic():
            return User.objects.create_user(email, None, language=language)
    except IntegrityError as error:
        raise _CameFirstError from error


def _with_powers(user: User, claims: Mapping[str, Any]) -> User:
    """Makes them staff, or no longer, as OIDC_STAFF says. Superusers stay what they are."""
    wanted = provider().staff
    if wanted is None or user.is_superuser:
        return user
    claim, value = wanted
    named = _value_at(claims, claim)
    is_staff = value in [str(one) for one in (named if isinstance(named, list) else [named])]
    if user.is_staff != is_staff:
        user.is_staff = is_staff
        user.save(update_fields=["is_staff"])
        logger.info("Account %s: staff %s, as the provider says", user.pk, is_staff)
    return user


def _value_at(claims: Mapping[str, Any], path: str) -> object:
    """The claim of that very name (some are addresses, with dots), or else inside others."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
