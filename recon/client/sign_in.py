"""Which site, and with which token: the file that `instarecon login` writes, and two variables of
the environment that come before it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import platformdirs

from recon.client.errors import WrongUse
from recon.client.line import site_address

URL, TOKEN = "INSTARECON_URL", "INSTARECON_TOKEN"


class SignIn(msgspec.Struct, frozen=True):
    """A site's address and a token of it."""

    url: str
    token: str


def file_path() -> Path:
    """In the platform's folder for settings: on Linux ~/.config/instarecon/sign-in.json."""
    return platformdirs.user_config_path("instarecon", appauthor=False) / "sign-in.json"


def site_and_token(url: str | None = None, token: str | None = None) -> tuple[str, str]:
    """The address and the token to use, where not both are given. A token in the file, or in the
    environment, is only for the site that is named beside it.

    Raises WrongUse if either is missing.
    """
    if url is not None and token is not None:
        return url, token
    known = _read_file()
    url = url or os.environ.get(URL) or (known.url if known else "")
    if not url:
        raise WrongUse("No site is known.", f"Run instarecon login, or set {URL} and {TOKEN}.")
    url = site_address(url)
    in_file = known.token if known and known.url == url else ""
    is_elsewhere = site_address(os.environ.get(URL) or url) != url
    token = token or ("" if is_elsewhere else os.environ.get(TOKEN)) or in_file
    if not token:
        raise WrongUse(f"There is no token for {url}.", f"Run instarecon login, or set {TOKEN}.")
    return url, token


def write(sign_in: SignIn) -> Path:
    """Keeps it in a file that only its owner can read; returns its path."""
    path = file_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    # Made unreadable for others before anything is in it.
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(sign_in))
    new.replace(path)
    return path


def _read_file() -> SignIn | None:
    path = file_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=SignIn)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path} can't be read: {error}.", "Run instarecon login.") from error
