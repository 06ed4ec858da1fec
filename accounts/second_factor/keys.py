"""Apps' secrets at rest: encrypted with a key that comes from SECRET_KEY.

A copy of the database alone makes no codes. What was encrypted with an earlier key is read as long
as that is among SECRET_KEY_FALLBACKS, and encrypted anew when it is next used; after that the app
can't be checked, and recovery codes, which need no key, still work.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_SALT = "accounts.second_factor"


class KeyLost(Exception):
    """The secret was encrypted with a key that the site no longer has."""


def encrypt(secret: str) -> str:
    return _cipher().encrypt(secret.encode()).decode()


def decrypt(cipher_text: str) -> str:
    """Raises KeyLost."""
    from cryptography.fernet import InvalidToken  # here: no page but these needs it

    try:
        return _cipher().decrypt(cipher_text.encode()).decode()
    except InvalidToken as error:
        raise KeyLost from error


def is_of_an_earlier_key(cipher_text: str) -> bool:
    from cryptography.fernet import InvalidToken

    try:
        _cipher(only_now=True).decrypt(cipher_text.encode())
    except InvalidToken:
        return True
    return False


def _cipher(*, only_now: bool = False) -> MultiFernet:
    """Encrypts with today's key, decrypts with any of them."""
    from cryptography.fernet import Fernet, MultiFernet

    keys = [settings.SECRET_KEY, *([] if only_now else settings.SECRET_KEY_FALLBACKS)]
    digests = [salted_hmac(_SALT, "totp", secret=key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
