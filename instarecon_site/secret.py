"""The site's secret key: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def kept_secret(path: Path) -> str:
    """The secret in `path`; the first caller makes it.

    Several processes start at once. Each writes its own temporary file and links it to `path`,
    which succeeds for exactly one; so nobody can read a secret that is half written.

    Raises ImproperlyConfigured where the file can't be read or made, or is empty.
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(path)
        secret = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The secret key in {path} can't be read or made: {error.strerror}."
            " Set SECRET_KEY, or correct the file's owner."
        ) from error
    if len(secret) < 32:
        raise ImproperlyConfigured(
            f"The secret key in {path} is too short. Delete the file to have a new one made"
            " (everyone will have to sign in again)."
        )
    return secret


def _make(path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50) + "\n")
        os.link(temporary, path)
    except FileExistsError:
        return  # another process got there first, and its secret is the one to use
    finally:
        temporary.unlink()
