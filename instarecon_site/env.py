"""Reads settings from the environment, one typed value at a time.

A wrong value never becomes a default or a traceback: it raises `ImproperlyConfigured` with one
sentence that names the variable, the value found and what is expected. An empty value counts as
not set, so that `NAME=` in `.env` means "the default".
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


def read_file(path: Path) -> None:
    """Adds the variables in the file `path`, where it exists; the environment's own win.

    Raises ImproperlyConfigured where the file is there and can't be read.
    """
    if not path.exists():
        return
    try:
        environ.Env.read_env(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"The settings file {path} can't be read: {error}") from error


def wrong(name: str, expected: str) -> ImproperlyConfigured:
    """The error for the variable `name`, whose value is not `expected`. Passwords are masked."""
    shown = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", os.environ.get(name, ""))
    return ImproperlyConfigured(f"{name} is set to “{shown}”, but must be {expected}.")


def has_module(name: str) -> bool:
    """Whether it is installed; it is not loaded, but the packages around it are."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def is_set(name: str) -> bool:
    return bool(os.environ.get(name, "").strip())


def text(name: str, default: str = "") -> str:
    return os.environ[name].strip() if is_set(name) else default


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """A list, separated by commas."""
    if not is_set(name):
        return list(default)
    return [word.strip() for word in text(name).split(",") if word.strip()]


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in _TRUE + _FALSE:
        raise wrong(name, "on or off (true, false, yes, no, 1 and 0 are understood too)")
    return value in _TRUE


def choice(
    name: str, options: Sequence[str], default: str, *, earlier: Mapping[str, str] | None = None
) -> str:
    """One of `options`; `earlier` are names that some had before, and the names of today."""
    value = text(name, default)
    value = (earlier or {}).get(value, value)
    if value not in options:
        raise wrong(name, f"one of {', '.join(options)}")
    return value


def whole(name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
    """A whole number from `least` to `most`, both included."""
    value = ceiling(name, least=least, most=most)
    return default if value is None else value


def ceiling(name: str, *, least: int = 1, most: int | None = None) -> int | None:
    """A whole number, or None where it is not set."""
    if not is_set(name):
        return None
    expected = f"a whole number {_span(least, most)}"
    try:
        value = int(text(name))
    except ValueError as error:
        raise wrong(name, expected) from error
    if value < least or (most is not None and value > most):
        raise wrong(name, expected)
    return value


def number(name: str, default: float, *, least: float, most: float | None = None) -> float:
    """A number from `least` to `most`, both included."""
    if not is_set(name):
        return default
    expected = f"a number {_span(least, most)}"
    try:
        value = float(text(name))
    except ValueError as error:
        raise wrong(name, expected) from error
    # Written so that "nan", for which every comparison is false, is refused too.
    if not (least <= value <= (float("inf") if most is None else most)) or value == float("inf"):
        raise wrong(name, expected)
    return value


def url(name: str, default: str, *, schemes: Sequence[str]) -> str:
    """An address with one of `schemes`, without a slash at its end."""
    if not is_set(name):
        return default
    value = text(name)
    expected = f"an address that begins with {' or '.join(f'{s}://' for s in schemes)}"
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (raises where the port is no number)
    except ValueError as error:
        raise wrong(name, expected) from error
    if parts.scheme not in schemes:
        raise wrong(name, expected)
    return value if value.endswith("://") else value.rstrip("/")


def link(name: str) -> str:
    """An address for people: http, https, or a path on this site; empty where it is not set."""
    value = text(name)
    # A browser reads "//host" and "/\\host" as another site's address.
    if re.fullmatch(r"/(?![/\\])[^\s\\]*", value) or not value:
        return value
    expected = "an address that begins with http:// or https://, or a path such as /privacy"
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (raises where the port is no number)
    except ValueError as error:
        raise wrong(name, expected) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", value):
        raise wrong(name, expected)
    return value


def database(name: str, default: str) -> dict[str, object]:
    """Django's description of the database at an address such as postgres://user:word@host/db."""
    schemes = ("postgres", "postgresql", "sqlite")
    config = dict(environ.Env.db_url_config(url(name, default, schemes=schemes)))
    if not config.get("NAME"):
        raise wrong(name, "an address that ends with the database's name")
    return config


def storage(name: str) -> dict[str, object] | None:
    """Django's description of the object store at an address such as s3://bucket/folder, or
    file:///mnt/files; None where it is not set. Keys, region and endpoint are AWS's own variables.
    """
    if not is_set(name):
        return None
    parts = urlsplit(url(name, "", schemes=("s3", "file")))
    if parts.scheme == "file":
        if parts.netloc or not parts.path:
            raise wrong(name, "an address with an absolute path, such as file:///mnt/files")
        backend = "django.core.files.storage.FileSystemStorage"
        return {"BACKEND": backend, "OPTIONS": {"location": parts.path}}
    if not parts.hostname:
        raise wrong(name, "an address with a bucket, such as s3://bucket/folder")
    from boto3.s3.transfer import TransferConfig  # here: most sites have no such address
    from botocore.config import Config

    endpoint = text("AWS_ENDPOINT_URL_S3") or text("AWS_ENDPOINT_URL") or None
    client = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        # Other servers than Amazon's know no such checksums, or know them wrongly; we have our own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=5,  # seconds
        read_timeout=30,
        retries={"max_attempts": 1},  # `recon.jobs.folder.object_store` tries again
    )
    options = {
        "bucket_name": parts.netloc,
        "location": parts.path.strip("/"),
        "endpoint_url": endpoint,
        "client_config": client,
        # Where memory is short a new thread may not come to life, and Python waits for it for ever
        # (`Thread.start`, cpython #140746): a job once hung like that. Files go one by one anyway.
        "transfer_config": TransferConfig(use_threads=False),
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def mail(name: str, *, folder: Path) -> dict[str, object]:
    """Django's EMAIL_* settings for an address such as smtp+tls://user:word@host:587.

    Where none is set, each mail becomes a file in `folder`.
    """
    if not is_set(name):
        backend = "django.core.mail.backends.filebased.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": str(folder)}
    usual_ports = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "filemail": 0, "consolemail": 0}
    address = url(name, "", schemes=tuple(usual_ports))
    scheme = urlsplit(address).scheme
    config = environ.Env.email_url_config(address)
    if scheme.startswith("smtp") and not config["EMAIL_HOST"]:
        raise wrong(name, "an address with a host, such as smtp+tls://user:password@host:587")
    return {
        "EMAIL_BACKEND": config["EMAIL_BACKEND"],
        "EMAIL_HOST": config["EMAIL_HOST"] or "",
        "EMAIL_PORT": config["EMAIL_PORT"] or usual_ports[scheme],
        "EMAIL_HOST_USER": config["EMAIL_HOST_USER"] or "",
        "EMAIL_HOST_PASSWORD": config["EMAIL_HOST_PASSWORD"] or "",
        "EMAIL_USE_TLS": scheme == "smtp+tls",
        "EMAIL_USE_SSL": scheme == "smtp+ssl",
        "EMAIL_FILE_PATH": f"/{config['EMAIL_FILE_PATH']}" if scheme == "filemail" else None,
    }


def folder(name: str, default: Path) -> Path:
    """A folder that can be written to, or could be made. It is `make_folder` that makes it."""
    path = Path(text(name, str(default))).expanduser().resolve()
    there = next(one for one in (path, *path.parents) if os.path.lexists(one))
    if not there.is_dir():
        raise _no_folder(name, path, os.strerror(errno.ENOTDIR))
    if not os.access(there, os.W_OK | os.X_OK):
        raise _no_folder(name, path, os.strerror(errno.EACCES))
    return path


def make_folder(name: str, path: Path) -> None:
    """Makes the folder of the setting `name` where it is missing, and closes it to others."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's photos will lie there
    except OSError as error:
        raise _no_folder(name, path, error.strerror or str(error)) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise _no_folder(name, path, os.strerror(errno.EACCES))
    tighten(path)


def _no_folder(name: str, path: Path, problem: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name} is {path}, but must be a folder that can be written to ({problem})."
    )


def tighten(path: Path) -> None:
    """Takes other users' rights to a file or folder away, if it is ours.

    Not with a folder like /tmp, which is meant for everybody.
    """
    with suppress(OSError):  # a file system without owners, say
        status = path.lstat()
        for_everybody = status.st_mode & stat.S_ISVTX
        plain = stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
        if status.st_uid == os.getuid() and plain and status.st_mode & 0o077 and not for_everybody:
            path.chmod(stat.S_IMODE(status.st_mode) & ~0o077)


def _span(least: float, most: float | None) -> str:
    return f"of at least {least}" if most is None else f"from {least} to {most}"
