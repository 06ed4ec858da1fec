"""Talks with the provider. The protocol is Authlib's; here is what it is asked and may answer.

Each web process asks for the provider's description once, and again for its keys when a signature
names one that it does not know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from accounts.provider.environment import Oidc, provider
from accounts.provider.refusals import Refused

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
#: A provider's description is asked for anew when it is older.
KNOWN_S = 60 * 60
#: Where it could not be had, it is asked for again after as long.
AWAY_S = 5.0
_away_until: dict[str, float] = {}
SCOPE = "openid email profile"
#: Signatures that only the provider can make: none that a shared secret could, and not "none".
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip


#: What Authlib raises for answers that lack something or are no JSON.
_ODD = (ValueError, KeyError, TypeError, AttributeError, RuntimeError)


@dataclass(frozen=True)
class Begun:
    """A sign-in that is under way: where the person goes, and what must come back with them."""

    url: str
    state: str
    nonce: str
    code_verifier: str


def begin(*, again: bool = False) -> Begun:
    """Raises Refused. `again`: the provider is to ask who they are, whatever it remembers."""
    fresh = {"prompt": "login", "max_age": "0"} if again else {}
    with _faults():
        app = _checked_app()
        made = app.create_authorization_url(redirect_uri(), **fresh)
    return Begun(made["url"], made["state"], made["nonce"], made["code_verifier"])


def claims_for(code: str, *, nonce: str, code_verifier: str) -> Mapping[str, Any]:
    """What the provider says of whoever came back with `code`: the claims of its ID token, whose
    signature, issuer, audience, times and nonce are right. Raises Refused."""
    with _faults():
        app = _checked_app()
        token = app.fetch_access_token(redirect_uri(), code=code, code_verifier=code_verifier)
        claims = app.parse_id_token(token, nonce=nonce)
        if not claims or not claims.get("sub"):
            raise Refused("odd_answer", why="there is no ID token, or it names nobody")
        if not constant_time_compare(str(claims.get("nonce", "")), nonce):
            raise Refused("odd_answer", why="the ID token has another nonce")
        if _lacks_email(claims) and app.server_metadata.get("userinfo_endpoint"):
            more = app.userinfo(token=token)
            if more.get("sub") != claims["sub"]:
                raise Refused("odd_answer", why="userinfo is about somebody else")
            claims = {**more, **claims}
    return dict(claims)


def sign_out_address() -> str:
    """Where people sign out at the provider, too, and come back from; "" where there is none.
    Raises Refused."""
    with _faults():
        app = _checked_app()
        if not app.server_metadata.get("end_session_endpoint"):
            return ""
        back = settings.BASE_URL + reverse("recon:home")
        made = app.create_logout_url(post_logout_redirect_uri=back, client_id=app.client_id)
    return str(made["url"])


def redirect_uri() -> str:
    return settings.BASE_URL + reverse("accounts:provider_callback")


@contextmanager
def _faults() -> Iterator[None]:
    """Whatever goes wrong with the provider is one of two things for the person."""
    import requests  # here, as Authlib: only these pages need them, and they take time to load
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    try:
        yield
    except requests.HTTPError as error:
        status = 0 if error.response is None else error.response.status_code
        code = "away" if status >= 500 else "odd_answer"
        raise Refused(code, why=str(error)) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise Refused("away", why=f"{type(error).__name__}: {error}") from error
    except AuthlibBaseError as error:
        # A code that is too old or was used before: the person can begin again.
        code = "lost" if error.error == "invalid_grant" else "odd_answer"
        raise Refused(code, why=str(error)) from error
    except (JoseError, requests.RequestException, *_ODD) as error:
        raise Refused("odd_answer", why=f"{type(error).__name__}: {error}") from error


def _checked_app() -> Any:
    """The client, with the provider's description loaded. Raises Refused where it is about another
    issuer, and what the network and JSON raise."""
    oidc = provider()
    if time.time() - _app(oidc).server_metadata.get("_loaded_at", time.time()) > KNOWN_S:
        forget()
    app = _app(oidc)
    metadata = _description(app)
    if str(metadata.get("issuer", "")).rstrip("/") != oidc.issuer:
        forget()
        raise Refused("odd_answer", why=f"its description is of {metadata.get('issuer')!r}")
    _choose_proof(metadata, oidc)
    named = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [one for one in named if one in ALGORITHMS]
    return app


def _description(app: Any) -> dict[str, Any]:
    """Where the provider has just been away it is not asked: each request would wait for it."""
    import requests

    if time.monotonic() < _away_until.get("it", 0.0):
        raise Refused("away", why="it was away a moment ago")
    try:
        found: dict[str, Any] = app.load_server_metadata()
    except requests.RequestException:
        _away_until["it"] = time.monotonic() + AWAY_S
        raise
    return found


def _lacks_email(claims: Mapping[str, Any]) -> bool:
    is_told = "email_verified" in claims or provider().trust_email
    return "email" not in claims or not is_told


def _choose_proof(metadata: dict[str, Any], oidc: Oidc) -> None:
    """How the site proves to the provider who it is: without a secret, by the code verifier."""
    known = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    with_secret = "basic" if "client_secret_basic" in known else "post"
    chosen = f"client_secret_{with_secret}" if oidc.client_secret else "none"
    metadata["token_endpoint_auth_method"] = chosen


@cache
def _app(oidc: Oidc) -> Any:
    from authlib.integrations.base_client import (
        BaseApp,
        FrameworkIntegration,
        OAuth2Mixin,
        OpenIDMixin,
    )
    from authlib.integrations.requests_client import OAuth2Session

    class App(OAuth2Mixin, OpenIDMixin, BaseApp):
        client_cls = OAuth2Session

    return App(
        FrameworkIntegration("provider"),
        "provider",
        client_id=oidc.client_id,
        client_secret=oidc.client_secret or None,
        client_kwargs={
            "scope": SCOPE,
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT_S,
        },
        server_metadata_url=f"{oidc.issuer}/.well-known/openid-configuration",
    )


def forget() -> None:
    """Has the provider's description asked for anew, at once."""
    _app.cache_clear()
    _away_until.clear()
