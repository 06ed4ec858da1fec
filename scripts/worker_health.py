"""Exits with 0 if this container's worker has told Redis lately that it is alive, otherwise with 1.

    python scripts/worker_health.py [QUEUE]

Without a queue it asks for the worker of jobs, `recon`.
"""

from __future__ import annotations

import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instarecon_site.settings")

import redis
from django.conf import settings
from rq import Worker

#: An idle worker reports about once a minute.
SILENCE = timedelta(minutes=5)


def main() -> None:
    queue = sys.argv[1] if len(sys.argv) > 1 else "recon"
    connection = redis.Redis.from_url(settings.REDIS_URL)
    for worker in Worker.all(connection=connection):
        if worker.hostname != socket.gethostname() or queue not in worker.queue_names():
            continue
        if worker.last_heartbeat is None:
            continue
        if datetime.now(UTC) - worker.last_heartbeat.replace(tzinfo=UTC) < SILENCE:
            return
    sys.exit("No worker of this container has been heard of lately.")


if __name__ == "__main__":
    main()
