"""The commands about jobs: `status`, `wait`, `list`, `cancel`, `share`, `download`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from recon.client import Client, ShareChange
from recon.client.answers import Job, Share
from recon.client.cli.bars import DownloadBar, JobBar
from recon.client.cli.options import (
    PRESETS,
    as_json,
    job_id,
    print_json,
    print_line,
    site,
    stoppable,
)
from recon.client.cli.texts import job_lines, share_line, table
from recon.client.errors import SITE_FAULTS, Exit, WrongUse

STATUSES = ("DRAFT", "PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED")
KINDS = ("scene_ply", "splat", "spz", "ply", "filtered_ply", "other_spz", "turntable", "poster",
         "colmap", "results", "cameras")  # fmt: skip


@click.command()
@job_id
@as_json
def status(job_id: str, as_json: bool) -> int:
    """Says how a job is. Ends with 0 whatever it says."""
    with site() as client:
        print_job(client.job(job_id), as_json=as_json)
    return Exit.DONE


@click.command()
@job_id
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait no longer.")
@as_json
def wait(job_id: str, timeout: float | None, as_json: bool) -> int:
    """Waits until a job has ended; the exit code says how."""
    with site() as client:
        return watch(client, job_id, limit_s=timeout, as_json=as_json)


@click.command("list")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES),
              help="Only these; may be given again.")  # fmt: skip
@click.option("--tag", default="", help="Only those with this tag.")
@click.option("--preset", type=PRESETS, default=None, help="Only those of this preset.")
@click.option("--team", default="", metavar="HANDLE", help="Those of this team instead of yours.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@as_json
def list_jobs(
    statuses: tuple[str, ...], tag: str, preset: str | None, team: str, limit: int, as_json: bool
) -> int:
    """Lists your jobs, or a team's, newest first."""
    with site() as client:
        jobs = client.jobs(statuses=statuses, tag=tag, preset=preset or "", team=team, limit=limit)
        found = list(jobs)
    if as_json:
        print_json({"jobs": [job.to_dict() for job in found]})
        return Exit.DONE
    for line in table(found):
        print_line(line)
    return Exit.DONE


@click.command()
@job_id
@as_json
def cancel(job_id: str, as_json: bool) -> int:
    """Stops a job that waits or runs. Its photos stay."""
    with site() as client:
        print_job(client.cancel(job_id), as_json=as_json)
    return Exit.DONE


@click.command()
@job_id
@click.option("--off", is_flag=True, help="End the link.")
@click.option("--password", help="Ask for it behind the link; empty: no longer. “-” reads it.")
@click.option("--until", metavar="TIME", help="When the link ends (ISO 8601); empty: never.")
@click.option("--downloads", type=click.Choice(["nothing", "splat", "all"]),
              help="What people with the link may download.")  # fmt: skip
@click.option("--figures/--no-figures", default=None, help="Show how good the scene is.")
@click.option("--in-gallery/--not-in-gallery", default=None, help="Show it on your public page.")
@click.option("--new-link", is_flag=True, help="End the old link and make another.")
@click.option("--show", is_flag=True, help="Change nothing.")
@as_json
def share(
    job_id: str, off: bool, password: str | None, until: str | None, downloads: str | None,
    figures: bool | None, in_gallery: bool | None, new_link: bool, show: bool, as_json: bool,
) -> int:  # fmt: skip
    """Makes a link to a scene, or changes what the link is like. What is not named stays."""
    wanted: dict[str, object] = {"on": not off}
    wanted |= {"password": _password(password)} if password is not None else {}
    wanted |= {"until": _moment(until)} if until is not None else {}
    named = {"downloads": downloads, "figures": figures, "in_gallery": in_gallery}
    wanted |= {name: value for name, value in named.items() if value is not None}
    wanted |= {"new_link": True} if new_link else {}
    with site() as client:
        shared = client.share(job_id, None if show else ShareChange(**wanted))  # type: ignore[arg-type]
    print_share(shared, as_json=as_json)
    return Exit.DONE


@click.command()
@job_id
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--kind", "kinds", multiple=True, type=click.Choice([*KINDS, "all"]),
              default=["scene_ply"], show_default=True, help="May be given again.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace other files of the same name.")
@as_json
def download(
    job_id: str, folder: Path, kinds: tuple[str, ...], overwrite: bool, as_json: bool
) -> int:
    """Brings a finished job's files into FOLDER, the current one by default.

    If the line breaks, it goes on where it was; the same command goes on after an interruption.
    A file has its name only when it is whole and its checksum is right.
    """
    wanted = () if "all" in kinds else kinds
    how = "The same command goes on from here."
    with site() as client, stoppable(how), DownloadBar(sys.stderr) as bar:
        paths = client.download(job_id, folder, kinds=wanted, overwrite=overwrite, on_bytes=bar)
    if as_json:
        print_json({"files": [str(path.resolve()) for path in paths]})
    else:
        for path in paths:
            print_line(str(path))
    return Exit.DONE


# What `upload` shares with them.


def watch(client: Client, job_id: str, *, limit_s: float | None, as_json: bool) -> int:
    """Waits for a job, and says how it ended. Raises TimedOut, Stopped."""
    how = f"The job goes on. Later: instarecon wait {job_id}"
    with stoppable(how), JobBar(sys.stderr) as bar:
        job = client.wait(job_id, limit_s=limit_s, tell=bar)
    print_job(job, as_json=as_json)
    return exit_code_of(job)


def end_with(client: Client, job: Job, *, watch_it: bool, as_json: bool) -> int:
    """The end of a command that has made `job`."""
    if watch_it and job.status != "DRAFT":
        return watch(client, job.job_id, limit_s=None, as_json=as_json)
    print_job(job, as_json=as_json)
    return Exit.DONE


def exit_code_of(job: Job) -> Exit:
    """How a job that has ended went."""
    if job.status == "COMPLETED":
        return Exit.DONE
    if job.status == "CANCELLED":
        return Exit.NOT_NOW
    is_ours = job.error is not None and job.error.code in SITE_FAULTS
    return Exit.FAULT if is_ours else Exit.PHOTOS


def print_job(job: Job, *, as_json: bool) -> None:
    if as_json:
        print_json(job.to_dict())
        return
    for line in job_lines(job):
        print_line(line)


def print_share(shared: Share, *, as_json: bool) -> None:
    if as_json:
        print_json(shared.to_dict())
    else:
        print_line(share_line(shared))


def _password(given: str) -> str:
    """What is typed or piped where "-" is given, so that it is in no list of processes."""
    if given != "-":
        return given
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, err=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _moment(given: str) -> datetime | None:
    """A time without a zone is this machine's. Raises WrongUse."""
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).astimezone()
    except (ValueError, OverflowError) as error:
        said = f"--until: “{given}” is no time such as 2027-01-31T18:00."
        raise WrongUse(said) from error
