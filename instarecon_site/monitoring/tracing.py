"""Traces for OpenTelemetry, where somebody collects them (OTEL_EXPORTER_OTLP_ENDPOINT): a request,
the tasks that it puts on queues, and the steps of the pipeline, as spans of one trace.

A trace goes on over the queue as W3C's trace context, beside the request's number. Spans have what
the lines of the log have (`log_facts`). Without the setting nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings

from instarecon_site.monitoring import log_facts

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

#: Of attributes that are ours.
PREFIX = "recon."
#: Seconds that a try to send spans may take, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise.
SEND_S = 5.0

Facts = Mapping[str, object]
_NO_FACTS: Facts = {}

Kind = Literal["SERVER", "PRODUCER", "CONSUMER", "INTERNAL"]

_present: ContextVar[Span | None] = ContextVar("span", default=None)
#: Of a process that does one thing: threads that it starts have no context of their own.
_of_process: list[Span] = []


def is_on() -> bool:
    return bool(settings.TRACES_TO)


def present() -> Span | None:
    """The span that this thread is in."""
    return _present.get() or (_of_process[-1] if _of_process else None)


@contextmanager
def span(
    name: str,
    kind: Kind = "INTERNAL",
    facts: Facts = _NO_FACTS,
    *,
    parent: Mapping[str, str] | None = None,
) -> Iterator[Span | None]:
    """What is done in the block. `parent`: headers or a task's meta that may carry a trace context;
    without one, what is present is the parent. None where nobody collects."""
    if not is_on():
        yield None
        return
    own = begin(name, kind, facts, parent=parent)
    token = _present.set(own)
    try:
        yield own
    except BaseException as error:
        end(own, error=type(error).__name__)  # no text: it may quote what people sent
        raise
    else:
        end(own)
    finally:
        _present.reset(token)


@contextmanager
def whole_process_span(
    name: str, facts: Facts = _NO_FACTS, *, parent: Mapping[str, str], since: datetime | None
) -> Iterator[Span | None]:
    """What a work horse does. `since`: when its task was put on the queue. Everything is sent by
    the end of the block: the process then ends without a farewell."""
    if not is_on():
        yield None
        return
    try:
        with span(name, "CONSUMER", facts, parent=parent) as own:
            assert own is not None  # noqa: S101 - it is on
            if since is not None:
                _add_past("wait in the queue", since)
            _of_process.append(own)
            try:
                yield own
            finally:
                _of_process.remove(own)
    finally:
        flush()


def begin(
    name: str,
    kind: Kind = "INTERNAL",
    facts: Facts = _NO_FACTS,
    *,
    parent: Mapping[str, str] | None = None,
    began: datetime | None = None,
) -> Span:
    """A span for `end`, which is nobody's present one."""
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context, now = None, present()
    if parent is not None:
        context = TraceContextTextMapPropagator().extract(parent, trace.set_span_in_context(
            trace.INVALID_SPAN
        ))  # fmt: skip
    elif now is not None:
        context = trace.set_span_in_context(now)
    tracer = _provider().get_tracer("instarecon3d")
    own = tracer.start_span(
        name,
        context=context,
        kind=trace.SpanKind[kind],
        start_time=_ns(began) if began else None,
    )
    note(own, {**log_facts.present(), **facts})
    return own


def end(own: Span | None, *, error: str = "") -> None:
    """`error`: a code, or an exception's name."""
    if own is None:
        return
    if error:
        from opentelemetry.trace import Status, StatusCode

        own.set_attribute("error.type", error)
        own.set_status(Status(StatusCode.ERROR))
    own.end()


def note(own: Span | None, facts: Facts) -> None:
    """Adds attributes: those with a dot are of OpenTelemetry's conventions, the others ours. None
    is none."""
    if own is None:
        return
    for name, value in facts.items():
        if value is not None:
            called = name if "." in name else PREFIX + name
            plain = value if isinstance(value, str | bool | int | float) else str(value)
            own.set_attribute(called, plain)


def note_failure(own: Span | None, status: int) -> None:
    """A request that ended so: only what is our fault is an error."""
    if own is not None and status >= 500:
        from opentelemetry.trace import Status, StatusCode

        own.set_attribute("error.type", str(status))
        own.set_status(Status(StatusCode.ERROR))


def carried() -> dict[str, str]:
    """What carries the present trace over a queue; empty where there is none."""
    own = present()
    if own is None:
        return {}
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(own))
    return carrier


def flush() -> None:
    """Sends what has ended, for as long as one try takes."""
    _provider().force_flush(round(SEND_S * 1000))


def _add_past(name: str, began: datetime) -> None:
    """What has been going on until now."""
    end(begin(name, began=began))


def _ns(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1e9)


@lru_cache(maxsize=1)
def _provider() -> TracerProvider:
    """This process's: made with its first span, since its thread does not survive a fork."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from recon import __version__

    facts: dict[str, Any] = {"service.version": __version__, "process.pid": os.getpid()}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        facts["service.name"] = "instarecon3d"
    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else SEND_S
    made = TracerProvider(resource=Resource.create(facts))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
    return made


os.register_at_fork(after_in_child=_provider.cache_clear)
