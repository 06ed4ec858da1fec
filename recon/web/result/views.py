"""What a finished job shows its owner: held-out photos, and two runs side by side."""

from __future__ import annotations

import uuid

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.models import Job
from recon.web.access import NotThere, own_job_or_404, signed_in
from recon.web.result import held_out, runs
from recon.web.result.comparison import compare as compare_figures
from recon.web.scene import elapsed_seconds, own_viewer
from recon.web.serving import serve_jpeg

NOT_FINISHED = _("Only finished scenes can be compared. Wait for this one, or choose another.")


@require_safe
@signed_in
def picture(request: SignedInRequest, pk: uuid.UUID, number: int, kind: str) -> HttpResponseBase:
    """A held-out photo, or what the scene makes of its view."""
    job = own_job_or_404(request, pk)
    found = held_out.picture_of(job, number, kind) if kind in held_out.PICTURES else None
    return serve_jpeg(request, found, f"{kind}-{number}.jpg")


@require_safe
@signed_in
@never_cache
def compare(request: SignedInRequest, pk: uuid.UUID, other_pk: uuid.UUID) -> HttpResponse:
    """Two finished scenes of one person or one team side by side."""
    first, second = own_job_or_404(request, pk), own_job_or_404(request, other_pk)
    if not first.belongs_with(second) or not (first.is_completed and second.is_completed):
        raise NotThere(NOT_FINISHED)
    if first.pk == second.pk:
        return redirect(first)
    prefetch_related_objects([first, second], "photos", "artifacts")
    comparison = compare_figures(first, second)
    context = {
        "first": first,
        "second": second,
        "scenes": [_scene("A", first), _scene("B", second)],
        "comparison": comparison,
        "pairs": [p for p in comparison.pairs if p.first.urls and p.second.urls],
        "alignment": runs.alignment(first, second),
    }
    return render(request, "recon/compare.html", context)


def _scene(letter: str, job: Job) -> dict[str, object]:
    seconds = elapsed_seconds(job)
    return {"letter": letter, "job": job, "viewer": own_viewer(job), "seconds": seconds}
