"""Locks a job's row in a transaction that never ends: the worst moment to be cut off in.

python -m benchmarks.boxes.lock_row JOB
"""

from __future__ import annotations

import signal
import sys

import django

django.setup()

from django.db import transaction  # noqa: E402

from recon.models import Job  # noqa: E402

LOCKED = "locked"


def main() -> None:
    with transaction.atomic():
        Job.objects.select_for_update(of=("self",)).get(pk=sys.argv[1])
        print(LOCKED, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
