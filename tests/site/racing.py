"""One of several processes that all try the same transition at the same moment.

    python -m tests.site.racing FOLDER ACTION JOB...

Each process runs four threads. All wait for `go` in FOLDER, then do ACTION to every job in turn;
how many of them won each job is printed as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import django

THREADS = 4


def main() -> None:
    django.setup()
    from django.db import connection

    from recon.jobs import drafts, lifecycle
    from recon.models import Job
    from recon.pipeline.errors import UserError
    from tests.site.making import photo

    folder, action, keys = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    won: Counter[str] = Counter()
    lock = threading.Lock()

    def act(key: str) -> bool:
        if action == "cancel":
            return lifecycle.cancel(Job.objects.get(pk=key))
        if action == "submit":
            return drafts.start(Job.objects.get(pk=key))
        if action == "add":
            upload = photo("a.jpg", seed=random.getrandbits(64))
            try:
                return drafts.add_photo(Job.objects.get(pk=key), upload)[1]
            except UserError as error:
                if error.code != "too_many_photos":
                    raise
                return False
        return bool(getattr(lifecycle, action)(key, 1))

    def race() -> None:
        connection.ensure_connection()
        while not (folder / "go").exists():
            time.sleep(0.001)
        for key in keys:
            if act(key):
                with lock:
                    won[key] += 1
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    (folder / f"ready-{threading.get_native_id()}").touch()
    for thread in threads:
        thread.join()
    print(json.dumps(won))


if __name__ == "__main__":
    main()
