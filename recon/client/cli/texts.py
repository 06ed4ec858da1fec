"""What the commands print about jobs for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from recon.client.answers import Job, JobSummary, Share
from recon.client.cli.bars import note_on
from recon.client.exchange import in_words

_COLUMNS = ("JOB", "STATUS", "%", "PRESET", "PHOTOS", "MADE", "TITLE")


def job_lines(job: Job) -> Iterator[str]:
    """A job in a few lines: what it is, how it is, where it is."""
    yield f"{job.job_id}  {job.status}  {job.title}"
    if not job.has_ended and job.status != "DRAFT":
        yield f"  {job.progress}% {note_on(job)}"
    if job.status == "DRAFT":
        yield f"  {job.image_count} photos, not started"
    if job.error is not None:
        yield f"  {job.error.title} {job.error.advice}".rstrip()
    for warning in job.warnings:
        yield f"  {warning.title} {warning.advice}".rstrip()
    if job.status == "COMPLETED":
        yield f"  {figures_line(job)}"
    if job.share is not None and job.share.url:
        yield f"  Shared: {job.share.url}"
    if job.url:
        yield f"  {job.url}"


def figures_line(job: Job) -> str:
    """ "12 of 12 photos placed, 81234 Gaussians, PSNR 24.12 dB: good"."""
    figures = job.figures
    words = []
    if figures.registered is not None:
        words.append(f"{figures.registered} of {job.image_count} photos placed")
    if figures.gaussian_count is not None:
        words.append(f"{figures.gaussian_count} Gaussians")
    for name, value, digits, unit in (
        ("PSNR", figures.psnr, 2, " dB"), ("SSIM", figures.ssim, 3, ""),
        ("LPIPS", figures.lpips, 3, ""),
    ):  # fmt: skip
        if value is not None:
            words.append(f"{name} {value:.{digits}f}{unit}")
    if job.processing_time_seconds is not None:
        words.append(f"made in {in_words(job.processing_time_seconds)}")
    quality = f": {job.quality.word}" if job.quality is not None and job.quality.word else ""
    return (", ".join(words) or "done") + quality


def share_line(share: Share) -> str:
    if not share.url:
        return "Not shared."
    words = [share.url]
    if share.has_password:
        words.append("with a password")
    if share.until is not None:
        words.append(f"until {share.until.astimezone():%Y-%m-%d %H:%M}")
    return ", ".join(words)


def table(jobs: Iterable[JobSummary]) -> Iterator[str]:
    """Jobs in columns; the title, which may be of any length and width, comes last."""
    rows = [_COLUMNS]
    for job in jobs:
        made = f"{job.created_at.astimezone():%Y-%m-%d %H:%M}"
        rows.append((job.job_id, job.status, str(job.progress), job.preset, str(job.image_count),
                     made, job.title))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()
