"""What must not stand in a log: keys of shared scenes, password links, tokens, passwords.

A log is read by more people than may open what these open, and is copied with every question to
a mailing list.
"""

from __future__ import annotations

import logging
import re

#: An address's part that gives access, after the part of it that says what it is.
_KEYS = re.compile(
    r"(?P<what>/v/|/recon/pub/|/accounts/(?:reset|confirm|invitation)/|/stats\.json/)"
    r"(?!done\b|sent\b)(?P<key>[^\s/?#\"'<>]+)"
    r"(?P<token>/[^\s/?#\"'<>]+)?"
)
#: A query: share keys stand in `oembed`'s, what people look for in others.
_QUERY = re.compile(r"(?P<path>(?:https?://|/)[^\s?\"'<>]*)\?[^\s\"'<>]+")
_BEARER = re.compile(r"(?i)\b(?P<what>bearer|basic|token)[ =:]+[\w.~+/=-]{8,}")
#: postgres://user:password@host
_PASSWORD = re.compile(r"(?P<what>\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@")


def _key(found: re.Match[str]) -> str:
    # Behind a reset link's number comes its token, behind a scene's key the file's name.
    token = found["token"] or ""
    return f"{found['what']}…" + ("/…" if token and "reset" in found["what"] else token)


def redacted(text: str) -> str:
    """`text` without what gives access to something."""
    text = _PASSWORD.sub(r"\g<what>:…@", text)
    text = _QUERY.sub(r"\g<path>?…", text)
    text = _KEYS.sub(_key, text)
    return _BEARER.sub(r"\g<what> …", text)


def redacted_address(path: str) -> str:
    """The path of a request, for the access log."""
    return _KEYS.sub(_key, path)


class RedactingFormatter(logging.Formatter):
    """Takes secrets out of whole lines, tracebacks included, whoever wrote them."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))
