"""One line for each request: who, what, how it ended, how long it took. Never a secret."""

from __future__ import annotations

import logging
import time

from waitress.task import Task

from instarecon_site.redaction import redacted_address

logger = logging.getLogger("recon.access")


def write(task: Task) -> None:
    """Writes the line of a task that has been served. Referer and query are never written."""
    request = task.request
    if request.error and not getattr(request, "path", ""):
        asked = "(no request)"  # its head could not be read
    else:
        path = redacted_address(_printable(request.path, 400))
        asked = f"{_printable(request.command, 20)} {path} HTTP/{request.version}"
    seconds = time.time() - task.start_time
    facts = {
        "request_id": getattr(task, "number", "") or None,
        "user_id": getattr(task, "user_id", None),
        "method": asked.partition(" ")[0],
        "path": asked.partition(" ")[2].rpartition(" ")[0],
        "status": int(task.status.partition(" ")[0]),
        "seconds": round(seconds, 4),
    }
    logger.info(
        '%s "%s" %s %s %.3fs "%s"',
        _printable(task.channel.address, 64) or "-",
        asked,
        task.status.partition(" ")[0],
        task.content_length if task.content_length is not None else task.content_bytes_written,
        seconds,
        _printable(request.headers.get("USER_AGENT", "-"), 200),
        extra=facts,
    )


def _printable(text: str, most: int) -> str:
    """Nothing in it ends the line or its quotes."""
    shown = text[:most].encode("latin-1", "replace").decode("utf-8", "replace")
    return "".join(c if c.isprintable() and c != '"' else "?" for c in shown)
