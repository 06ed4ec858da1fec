"""The provider that people may sign in with (OpenID Connect), as the environment describes it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from instarecon_site import env

SIGN_UP = ("site", "on", "off")
SECOND_FACTOR = ("ask", "amr", "provider")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def provider() -> Oidc:
    """The one that is set; for code that no page reaches without one."""
    oidc: Oidc | None = settings.OIDC
    if oidc is None:
        raise ImproperlyConfigured("There is no OIDC_ISSUER.")
    return oidc


@dataclass(frozen=True, kw_only=True)
class Oidc:
    """One provider. Names are those of the settings, without OIDC_."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    sign_up: str
    email_domains: tuple[str, ...]
    trust_email: bool
    #: The claim, with a dot between names where it is inside another, and the value of staff.
    staff: tuple[str, str] | None
    second_factor: str


def read() -> Oidc | None:
    """None where there is no provider. Raises ImproperlyConfigured."""
    issuer = env.url("OIDC_ISSUER", "", schemes=("https", "http"))
    client_id = env.text("OIDC_CLIENT_ID")
    if not issuer and not client_id:
        return None
    if not (issuer and client_id):
        raise ImproperlyConfigured("OIDC_ISSUER and OIDC_CLIENT_ID are set together, or neither.")
    host = str(urlsplit(issuer).hostname or "")
    if not host or (issuer.startswith("http://") and host not in _LOOPBACK):
        raise env.wrong("OIDC_ISSUER", "an address that begins with https://")
    return Oidc(
        issuer=issuer,
        client_id=client_id,
        client_secret=env.text("OIDC_CLIENT_SECRET"),
        name=env.text("OIDC_NAME", host),
        sign_up=env.choice("OIDC_SIGN_UP", SIGN_UP, "site"),
        email_domains=tuple(word.lower().lstrip("@") for word in env.words("OIDC_EMAIL_DOMAINS")),
        trust_email=env.flag("OIDC_TRUST_EMAIL", False),
        staff=_claim("OIDC_STAFF"),
        second_factor=env.choice("OIDC_SECOND_FACTOR", SECOND_FACTOR, "ask"),
    )


def _claim(name: str) -> tuple[str, str] | None:
    if not env.is_set(name):
        return None
    claim, equals, value = (part.strip() for part in env.text(name).partition("="))
    if not (claim and equals and value):
        raise env.wrong(name, "a claim and its value, such as groups=recon-staff")
    return claim, value
