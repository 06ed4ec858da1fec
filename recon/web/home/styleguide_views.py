"""Every token and component on one page, for people who work on the site's look."""

from __future__ import annotations

from django import forms
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.jobs.steps_and_log import LABELS, StepRow
from recon.models import Figures, Job, Photo, Share
from recon.pipeline.progress import STARTS_AT, Step
from recon.pipeline.wishes import Wishes
from recon.web.access import staff_only
from recon.web.home import design_tokens
from recon.web.result.metrics import metrics_of

THEMES = ("light", "dark")
#: As far as a job is that failed at its seventh step, with one before it still to be seen running.
STATES = ("done", "done", "done", "now", "todo", "failed")

LEFT_OUT = {"count": 1, "total": 12, "photos": ["garden 04.jpg"]}


class SampleForm(forms.Form):
    """A field at rest, one with help, one with an error."""

    title = forms.CharField(required=False, max_length=120)
    email = forms.EmailField(label="E-mail address", help_text="It is shown to nobody.")
    password = forms.CharField(widget=forms.PasswordInput)

    def clean(self) -> dict[str, object]:
        raise forms.ValidationError("This sentence is about the form as a whole.")


@require_safe
@staff_only
@never_cache
def styleguide(request: SignedInRequest) -> HttpResponse:
    """styleguide/page.html: `themes` (name, swatches, contrasts, form) and what both share.

    In English like all that is for staff.
    """
    with translation.override("en"):
        return _styleguide(request)


def _styleguide(request: SignedInRequest) -> HttpResponse:
    light = design_tokens.read()
    jobs = sample_jobs()
    own = Photo.objects.filter(job__owner=request.user)
    context = {
        "themes": [_theme(name) for name in THEMES],
        "sizes": [name for name in light if name.startswith("text-")],
        "spaces": design_tokens.lengths(light, "s"),
        "radii": design_tokens.lengths(light, "radius"),
        "times": [(name, value) for name, value in light.items() if value.endswith("ms")],
        "jobs": jobs,
        "done": jobs[3],
        "metrics": metrics_of(jobs[3], for_staff=True),
        "steps": sample_steps(),
        "photos": own.select_related("job").order_by("-pk")[:3],
    }
    return render(request, "styleguide/page.html", context)


def sample_jobs() -> list[Job]:
    """One scene in each state. None of them is ever saved."""
    facts = {"created_at": timezone.now(), "wishes": Wishes(Job.Preset.QUICK)}
    figures = {"psnr": 22.84, "ssim": 0.713, "lpips": 0.612, "psnr_corrected": 24.46}
    warned = [{"code": "photos_left_out", "facts": LEFT_OUT}]
    states: list[tuple[str, dict[str, object]]] = [
        (Job.Status.DRAFT, {}),
        (Job.Status.PENDING, {}),
        (Job.Status.PROCESSING, {"step": "GS_TRAIN", "percent": 72.0}),
        (Job.Status.COMPLETED, {"step": "DONE", "percent": 100.0, "warnings": warned}),
        (Job.Status.FAILED, {"error_code": "no_features"}),
        (Job.Status.CANCELLED, {}),
    ]
    jobs = [Job(title="Fern in the hall", status=s, **facts, **more) for s, more in states]
    for job in jobs:
        job.share, job.figures = Share(), Figures(**(figures if job.is_completed else {}))
    prefetch_related_objects(jobs, "photos", "artifacts", "tags")  # they have none
    return jobs


def sample_steps() -> list[StepRow]:
    """A timeline with a step in every possible state."""
    return [
        StepRow(
            step=step.value,
            label=str(LABELS[step]),
            starts_at=STARTS_AT[step],
            state=state,
            seconds=4.0 if state == "done" else None,
            expected=40.0 if state in ("now", "todo") else None,
        )
        for step, state in zip(Step, STATES, strict=False)
    ]


def _theme(name: str) -> dict[str, object]:
    values = design_tokens.read(name)
    data = {"title": "Fern in the hall", "email": "ann@", "password": ""}
    return {
        "name": name,
        "swatches": [(colour, values[colour]) for colour in design_tokens.colours(values)],
        "contrasts": design_tokens.contrasts(values),
        "form": SampleForm(data, auto_id=f"{name}_%s"),
    }
