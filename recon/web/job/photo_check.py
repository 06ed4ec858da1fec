"""What a draft's page and the API say of its photo check."""

from __future__ import annotations

from dataclasses import asdict
from typing import TypedDict

from django.utils.translation import gettext, ngettext

from recon.jobs.drafts import checks
from recon.jobs.drafts.checks import State
from recon.models import Job
from recon.pipeline.photo_check.check_texts import explain_finding, is_about
from recon.web.overlap import pair_graph

NEEDED = 2  # photos that can overlap


class CheckContext(TypedDict):
    """What `_check.html` shows of a draft."""

    job: Job
    count: int  # photos
    check_state: str
    picture: pair_graph.Picture | None
    summary: str
    short_summary: str


def check_context(job: Job) -> CheckContext:
    check = checks.state_of(job)
    count = job.photos.count()
    picture = pair_graph.of_report(job, check.report) if count else None
    findings = len(picture.said) if picture else 0
    return {
        "job": job,
        "count": count,
        "check_state": check.state.value,
        "picture": picture,
        "summary": _summary(check.state, findings, count),
        "short_summary": _in_short(check.state, findings, count),
    }


def check_facts(job: Job) -> dict[str, object]:
    """The same for programs: findings as codes and sentences, photos by their names."""
    check = checks.state_of(job)
    report = check.report
    numbers = {photo.name: n for n, photo in enumerate(job.photos.all(), start=1)}
    found = [one for one in (report.findings if report else ()) if is_about(one, numbers)]
    said = [explain_finding(finding, numbers) for finding in found]
    return {
        "state": check.state.value,
        "findings": [
            {"code": s.code, "title": s.title, "advice": s.advice, "photos": list(finding.photos)}
            for s, finding in zip(said, found, strict=True)
        ],
        "pairs": [asdict(pair) for pair in report.pairs] if report else [],
        "groups": [list(group) for group in report.groups] if report else [],
    }


def _in_short(state: State, findings: int, count: int) -> str:
    """What stands beside "Start"; empty if there is nothing to say about the photos (yet)."""
    if state is State.ABSENT or count < NEEDED:
        return ""
    if state is State.COMING:
        return gettext("checking")
    if findings:
        return ngettext("{count} hint", "{count} hints", findings).format(count=findings)
    return gettext("no problems")


def _summary(state: State, findings: int, count: int) -> str:
    if state is State.COMING:
        return gettext("Checking the photos…")
    if state is State.ABSENT:
        return gettext(
            "The photo check is not available right now. The scene can be started without it."
        )
    if findings:
        return gettext("You can start anyway.")
    if not count:
        return ""
    if count < NEEDED:
        return gettext("This photo looks fine.")
    return gettext("These photos look fine.")
