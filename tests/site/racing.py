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
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from tests.waiting import wait_until

THREADS = 4

#: Codes of the errors that a loser of a race may get.
REFUSALS = (
    "too_many_photos", "quota_stored", "quota_active_jobs", "quota_jobs_a_day", "last_superuser",
)  # fmt: skip


def main() -> None:
    django.setup()
    from django.db import connection

    from accounts.models import User
    from recon.jobs import account_deletion, attempts, lifecycle, sharing
    from recon.jobs.drafts import drafts
    from recon.models import Job
    from recon.pipeline.errors import UserError
    from tests.site.making import photo

    folder, action, keys = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    won: Counter[str] = Counter()
    lock = threading.Lock()

    def within_limits(do: Callable[..., Any], *arguments: Any) -> bool:
        try:
            done = do(*arguments)
        except UserError as error:
            if error.code not in REFUSALS:
                raise
            return False
        return done[1] if isinstance(done, tuple) else done is not False

    def act(key: str) -> bool:
        if action == "cancel":
            return lifecycle.cancel(Job.objects.get(pk=key))
        if action == "view":
            sharing.count_view(Job.objects.get(pk=key))
            return True
        if action == "leave":
            user = User.objects.filter(pk=key).first()
            return user is not None and within_limits(account_deletion.delete_account, user)
        if action == "start in turn":
            return within_limits(drafts.start, Job.objects.get(pk=key))
        if action == "submit":
            return drafts.start(Job.objects.get(pk=key))
        if action == "add":
            upload = photo("a.jpg", seed=random.getrandbits(64))
            return within_limits(drafts.add_photo, Job.objects.get(pk=key), upload)
        module = attempts if action == "worker_lost" else lifecycle
        return bool(getattr(module, action)(key, 1))

    def race() -> None:
        connection.ensure_connection()
        wait_until((folder / "go").exists, "the race begins", longest_s=0.001)
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
