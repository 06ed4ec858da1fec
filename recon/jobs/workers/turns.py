"""Whose turn it is: nobody's tenth job stands before another's first, whatever number of workers.

The line of those that wait is in the database (`queue.LINE`). A new job is given a number, its
`turn`, that puts it behind everybody's job of the same rank: a person's first job, running or
waiting, is of the first rank, their second of the second. Numbers have room between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from recon.jobs import queue
from recon.jobs.workers.ranks import place_of
from recon.models import Job

#: A new number takes this part of the gap, so that others still find room behind it.
_PART = 1 / 256

Status = Job.Status


def turn_of(job: Job) -> float:
    """The number that puts a job into the line, where its owner's turn is."""
    line = list(_line().exclude(pk=job.pk).values_list("pk", "owner_id", "turn"))
    place = place_of(job.owner_id, [owner for _, owner, _ in line], _running_owners())
    found = _between([turn for _, _, turn in line], place)
    if found is None:
        _renumber([pk for pk, _, _ in line])
        found = place - 0.5
    return found


def before_new(owner_pk: int | None) -> list[UUID]:
    """The jobs that would come before one that this person, or a newcomer, started now."""
    waiting = Job.objects.filter(Q(priority__gt=0) | Q(gives_way=False), status=Status.PENDING)
    rows = list(waiting.order_by(*queue.LINE).values_list("pk", "owner_id", "priority"))
    first = [pk for pk, _, priority in rows if priority]
    line = [(pk, owner) for pk, owner, priority in rows if not priority]
    place = place_of(owner_pk, [owner for _, owner in line], _running_owners())
    return [*first, *(pk for pk, _ in line[:place])]


def front() -> float:
    """The number of a job that has waited its turn once already."""
    first = _line().values_list("turn", flat=True).first()
    return 0.0 if first is None else first - 1.0


def close_up(job: Job) -> None:
    """A job has left the line: those that its owner has behind it move up by one turn each."""
    free = job.turn
    behind = _line().filter(owner_id=job.owner_id, turn__gt=free).exclude(pk=job.pk)
    for pk, turn in list(behind.values_list("pk", "turn")):
        if Job.objects.filter(pk=pk, status=Status.PENDING, turn=turn).update(turn=free):
            free = turn


def _line() -> queue.Line:
    """Those that wait for their turn; not what gives way, nor what staff put first."""
    waiting = Job.objects.filter(status=Status.PENDING, gives_way=False, priority=0)
    return waiting.order_by(*queue.LINE)


def _running_owners() -> list[int]:
    running = Job.objects.filter(status=Status.PROCESSING, gives_way=False)
    return list(running.order_by().values_list("owner_id", flat=True))


def _between(turns: Sequence[float], place: int) -> float | None:
    """A number for this place; None where there is no room."""
    if not turns:
        return 0.0
    if place == len(turns):
        return turns[-1] + 1.0
    if place == 0:
        return turns[0] - 1.0
    before, after = turns[place - 1], turns[place]
    found = before + (after - before) * _PART
    return found if before < found < after else None


def _renumber(line: Sequence[UUID]) -> None:
    """Whole numbers again, in the same order. Two that do it at once do the same."""
    for number, pk in enumerate(line):
        Job.objects.filter(pk=pk, status=Status.PENDING).update(turn=float(number))
