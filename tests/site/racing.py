"""Several processes that all try the same transition at the same moment.

    python -m tests.site.racing

Each line of its input orders a race (`Order`, as JSON): it forks the racers and prints a line with
their results. So Django is loaded once, not once for each racer.

Each racer runs four threads. All wait for `go` in the folder, then do the action to every job in
turn; its result says how many of them won each job.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django

from tests.waiting import wait_until

RACERS, THREADS = 3, 4

#: Codes of the errors that a loser of a race may get.
REFUSALS = (
    "too_many_photos", "quota_stored", "quota_active_jobs", "quota_jobs_a_day", "last_superuser",
    "last_team_owner",
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    """A race: its own folder, the site's data folder, and what is done to which jobs."""

    folder: str
    data: str
    action: str
    keys: list[str]

    def written(self) -> str:
        return json.dumps(asdict(self))


def main() -> None:
    django.setup()
    from accounts.models import User
    from recon.jobs import account_deletion, attempts, lifecycle, sharing
    from recon.jobs.drafts import drafts
    from recon.models import Job
    from recon.pipeline.errors import UserError
    from tests.site.making import photo

    def within_limits(do: Callable[..., Any], *arguments: Any) -> bool:
        try:
            done = do(*arguments)
        except UserError as error:
            if error.code not in REFUSALS:
                raise
            return False
        return done[1] if isinstance(done, tuple) else done is not False

    def act(action: str, key: str) -> bool:
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

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the log goes elsewhere
    for line in sys.stdin:
        racers = [forked(act, Order(**json.loads(line))) for _ in range(RACERS)]
        print(json.dumps([result_of(*racer) for racer in racers]), file=answers, flush=True)


def forked(act: Callable[[str, str], bool], order: Order) -> tuple[int, int]:
    """A process that races, and where its result can be read. There is nothing that it would share
    with this one: no connection, no thread."""
    reading, writing = os.pipe()
    number = os.fork()
    if number:
        os.close(writing)
        return number, reading
    try:
        random.seed()  # or all would throw the same dice
        with os.fdopen(writing, "w") as result:
            json.dump(race(act, order), result)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def result_of(number: int, reading: int) -> dict[str, int] | None:
    """What a racer won; None if it failed. What it said is on the error output."""
    with os.fdopen(reading) as result:
        told = result.read()
    failed = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return None if failed else json.loads(told)


def race(act: Callable[[str, str], bool], order: Order) -> Counter[str]:
    from django.conf import settings
    from django.db import connection

    settings.DATA_DIR = Path(order.data)
    won: Counter[str] = Counter()
    lock = threading.Lock()
    folder = Path(order.folder)

    def run() -> None:
        connection.ensure_connection()
        wait_until((folder / "go").exists, "the race begins", longest_s=0.001)
        for key in order.keys:
            if act(order.action, key):
                with lock:
                    won[key] += 1
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    (folder / f"ready-{threading.get_native_id()}").touch()
    for thread in threads:
        thread.join()
    return won


if __name__ == "__main__":
    main()
