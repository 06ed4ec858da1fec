"""What a line of the log is about: the request, the job, the person. Whoever begins something says
it once, and every line that is written meanwhile has it.

A request's number goes with the work that the request causes, over the queue into the worker, so
that all lines about one upload can be found together.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from instarecon_site.redaction import redact

#: What may come from outside as a request's number: it is written to logs and sent back.
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
#: The attributes of a line that are said by whoever writes it (`extra=`).
FACTS = ("request_id", "job_id", "attempt", "user_id", "method", "path", "status", "seconds")

#: Where the web server gives the application the number, and a function that takes the person: the
#: access log is written outside of the application.
NUMBER, PERSON = "recon.request_id", "recon.tell_user_id"

_present: ContextVar[Mapping[str, object] | None] = ContextVar("log_facts", default=None)
#: Of a process that does one thing: threads that it starts have no context of their own.
_of_process: dict[str, object] = {}


def sane_request_id(sent: str | None) -> str:
    """The number that a proxy gave the request, if it looks like one, or a new one."""
    return sent if sent and _SANE.fullmatch(sent) else secrets.token_hex(8)


def present() -> dict[str, object]:
    """What is known now."""
    return {**_of_process, **(_present.get() or {})}


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Lines that this thread writes in the block are about these."""
    token = _present.set({**(_present.get() or {}), **_known(facts)})
    try:
        yield
    finally:
        _present.reset(token)


@contextmanager
def whole_process_about(**facts: object) -> Iterator[None]:
    """Lines of all threads of this process are, in the block: for a work horse."""
    before = dict(_of_process)
    _of_process.update(_known(facts))
    try:
        yield
    finally:
        _of_process.clear()
        _of_process.update(before)


def _known(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None}


class JsonFormatter(logging.Formatter):
    """A line of JSON for each record, without what must not stand in a log."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        line |= present()
        line |= _known({name: record.__dict__.get(name) for name in FACTS})
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)
