"""`manage.py storage_report`: what the site stores, for whom, and what could go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandParser

from recon.jobs.storage.prune import INTERMEDIATE_DAYS
from recon.jobs.storage.report import Report, make_report

PEOPLE_SHOWN, TEAMS_SHOWN, MONTHS_SHOWN = 20, 20, 12


class Command(BaseCommand):
    help = "Prints how much is stored, by person, team, kind of file and month, and what could go."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="all of it, for programs")
        parser.add_argument(
            "--intermediate-days",
            type=int,
            default=INTERMEDIATE_DAYS,
            metavar="N",
            help="as of `prune`; default: %(default)s",
        )

    def handle(self, *args: object, json: bool, intermediate_days: int, **options: object) -> None:
        report = make_report(intermediate_days)
        self.stdout.write(_as_json(report) if json else _as_text(report))


def _as_json(report: Report) -> str:
    return json.dumps(asdict(report), indent=1, ensure_ascii=False)


def _as_text(report: Report) -> str:
    people = [
        (f"{one.email}, {one.scenes} scenes", one.size) for one in report.people[:PEOPLE_SHOWN]
    ]
    teams = [
        (f"{one.handle} ({one.name}), {one.scenes} scenes", one.size)
        for one in report.teams[:TEAMS_SHOWN]
    ]
    months = [
        (f"{one.month}, {one.scenes} scenes", one.size) for one in report.months[-MONTHS_SHOWN:]
    ]
    parts = [
        _table("Disk", [("free", report.disk_free), ("in all", report.disk_total)]),
        _table("By person (photos of several scenes count for each)", people),
        _table("By team (not counted under any person)", teams) if teams else "",
        _table("By kind of file", report.kinds.items()),
        _table("By month in which it was added", months),
        f"The oldest scene ended on {report.oldest[:10]}.\n" if report.oldest else "",
        _table("`manage.py prune` would give", report.removable.items()),
    ]
    return "\n".join(part for part in parts if part)


def _table(title: str, rows: Iterable[tuple[str, int]]) -> str:
    lines = [f"{size / 2**20:>12,.1f} MB  {name}" for name, size in rows]
    return "\n".join([title, *(lines or ["  nothing"]), ""])
