"""What must not stand in a log: keys of shared scenes, password links, tokens, passwords.

More people read a log than may open what these open, and it is copied with every question to a
mailing list.
"""

from __future__ import annotations

import logging
import re

#: An address's part that gives access, after the part of it that says what it is.
_KEYS = re.compile(
    r"(?P<what>/v/|/recon/pub/|/accounts/(?:reset|confirm|confirm-email|invitation|link)/"
    r"|/teams/join/|/stats\.json/)"
    r"(?!done\b|sent\b)(?P<key>[^\s/?#\"'<>]+)"
    r"(?P<token>/[^\s/?#\"'<>]+)?"
)
#: What may be an address: up to the next space or quote. Longer patterns than this, which begin
#: at each slash and look for a question mark, take a minute for the longest address.
_WORD = re.compile(r"[^\s\"'<>]+")
_BEARER = re.compile(r"(?i)\b(?P<what>bearer|basic|token)[ =:]+[\w.~+/=-]{8,}")
#: postgres://user:password@host
_PASSWORD = re.compile(r"(?P<what>://[^\s:/@]*):[^\s/@]+@")


def _key(found: re.Match[str]) -> str:
    # Behind a reset link's number comes its token, behind a scene's key the file's name.
    token = found["token"] or ""
    return f"{found['what']}…" + ("/…" if token and "reset" in found["what"] else token)


def _without_query(found: re.Match[str]) -> str:
    """Share keys stand in the query of `oembed`, what people look for in others."""
    path, _, query = found[0].partition("?")
    return f"{path}?…" if query and "/" in path else found[0]


def redact(text: str) -> str:
    """`text` without what gives access to something."""
    text = _PASSWORD.sub(r"\g<what>:…@", text)
    text = _WORD.sub(_without_query, text)
    text = _KEYS.sub(_key, text)
    return _BEARER.sub(r"\g<what> …", text)


def redacted_address(path: str) -> str:
    """The path of a request, for the access log."""
    return _KEYS.sub(_key, path)


class RedactingFormatter(logging.Formatter):
    """Takes secrets out of whole lines, tracebacks included, whoever wrote them."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
