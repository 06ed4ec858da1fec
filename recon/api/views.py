"""The prototype's HTTP API: same paths, same fields, and a few more. See docs/use/api.md."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from accounts.models import Scope
from accounts.requests import SignedInRequest
from recon.api.auth import endpoint, public_endpoint
from recon.api.bodies import receive
from recon.api.errors import ApiError, explained
from recon.api.reading import own_job, tags_of, title_and_wishes, truth
from recon.api.sharing import sharing_facts, sharing_of
from recon.jobs import decoders, queue, steps_and_log, submit, tags
from recon.jobs.drafts import photo_zips, videos
from recon.jobs.site_config import usual_wishes
from recon.models import Artifact, Job, Photo, Video
from recon.pipeline.quality import UNMEASURED
from recon.pipeline.words import progress_texts
from recon.web.job.photo_check import check_facts
from recon.web.scene import elapsed_seconds
from recon.web.wish_forms import UploadForm

#: The kinds of files that programs get. What our viewer shows first is its own affair.
FILE_KINDS = [kind for kind in Artifact.Kind.values if kind != Artifact.Kind.FIRST]


@public_endpoint("GET", "HEAD")
def healthz(request: HttpRequest) -> HttpResponse:
    """The web process is up and answers. Knows nothing of workers: see /recon/queue.

    The server gives it a thread of its own and says whether the others make progress; see
    `instarecon_site.server.pool`.
    """
    if request.META.get("recon.is_stuck"):
        return HttpResponse("no request gets on", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


@endpoint("POST", scope=Scope.UPLOAD)
@explained
def create_job(request: SignedInRequest) -> HttpResponse:
    """Multipart `files` and wishes in, a job out. As the prototype promised, and nowhere else, it
    is shared at once, unless `share` is false."""
    data = receive(request, may_be_json=False)
    with decoders.place_for(request.user.pk):
        return _made_of(request, data)


def _made_of(request: SignedInRequest, data: QueryDict) -> HttpResponse:
    """Raises ApiError, ReconError."""
    shared = truth(data, "share", default=True)
    sharing = sharing_of(data)
    title, wishes = title_and_wishes(data, usual_wishes())
    names = tags_of(data)
    form = UploadForm(data, MultiValueDict({"photos": request.FILES.getlist("files")}))
    if not form.is_valid():
        raise ApiError(400, " ".join(form.sentences))
    owner, photos = request.user, form.cleaned_data["photos"]
    poses = request.FILES.getlist("poses")
    make = (
        partial(videos.create_job, videos=form.videos, zips=form.zips, poses=poses)
        if form.videos or form.zips or poses
        else submit.create_job
    )
    job = make(owner, photos, title=title or "", wishes=wishes, shared=shared, sharing=sharing)
    tags.put(job, names or [])
    return JsonResponse(new_job_facts(job) | {"warnings": form.left_out})


@endpoint("GET", "HEAD")
def job_status(request: SignedInRequest, job_id: str) -> HttpResponse:
    return JsonResponse(status_of(own_job(request, job_id)))


@endpoint("GET", "HEAD")
def queue_overview(request: SignedInRequest) -> HttpResponse:
    """How busy the site is, and where the caller's own unfinished jobs stand in the queue."""
    owner = request.user
    unfinished = Job.objects.filter(owner=owner, status__in=Job.ACTIVE).order_by("created_at")
    places = queue.positions(owner.pk)
    own = [
        {"job_id": str(pk), "status": status, "position": places.get(pk)}
        for pk, status in unfinished.values_list("pk", "status")
    ]
    return JsonResponse(queue.overview() | {"jobs": own})


def new_job_facts(job: Job) -> dict[str, object]:
    """What a program learns of a job that it has just made or started."""
    return {
        "job_id": str(job.pk),
        "pub_key": job.share.key,
        "original_resolution": job.wishes.original_resolution,
        "cross_validate": job.wishes.cross_validate,
        "shared": job.share.is_on,
    }


def photo_facts(photo: Photo) -> dict[str, object]:
    """One photo of a job, as its owner's programs see it."""
    names = ("name", "original_name", "sha256", "size", "width", "height")
    return {"photo_id": photo.pk} | {name: getattr(photo, name) for name in names}


def video_facts(video: Video) -> dict[str, object]:
    """One video of a draft, as its owner's programs see it."""
    error = video.error
    names = ("original_name", "sha256", "size", "state", "frames")
    facts = {"video_id": video.pk} | {name: getattr(video, name) for name in names}
    return facts | {
        "progress": int(video.percent),
        "error_code": video.error_code or None,
        "error": error.sentence if error else None,
    }


def quality_facts(job: Job) -> dict[str, object]:
    """How good a finished scene is, in one word, and why."""
    verdict = job.verdict
    is_measured = verdict is not None and verdict.word != UNMEASURED
    return {
        "quality": verdict.word if verdict and is_measured else None,
        "quality_code": verdict.code if verdict else None,
        "quality_reason": verdict.reason if verdict else None,
    }


def file_facts(job: Job) -> list[dict[str, object]]:
    """The files of a finished job, each with the address where its owner's programs get it."""
    files = job.artifacts.filter(kind__in=FILE_KINDS).order_by("kind")
    artifacts = files if job.is_completed else ()
    base = settings.BASE_URL.rstrip("/")
    return [
        {
            "kind": artifact.kind,
            "size": artifact.size,
            "url": base + reverse("api:own_file", args=(job.pk, artifact.kind)),
        }
        for artifact in artifacts
    ]


def status_of(job: Job) -> dict[str, object]:
    """The status as the prototype told it, then what is new. Times are ISO 8601, in UTC."""
    error = job.error
    return {
        "job_id": str(job.pk),
        "status": job.status,
        "step": "ERROR" if job.is_failed else job.step,
        "progress": 0 if job.is_failed else int(job.percent),
        "psnr": job.figures.psnr,
        "ssim": job.figures.ssim,
        "lpips": job.figures.lpips,
        "gaussian_count": job.figures.gaussian_count,
        "image_count": job.photos.count(),
        "iterations": job.figures.iterations,
        "processing_time_seconds": elapsed_seconds(job),
        "log_tail": steps_and_log.log_tail(job),
        "created_at": job.created_at.isoformat(),
        "completed_at": job.completed_at.isoformat() if job.completed_at else None,
        "failed_step": job.step if job.is_failed else None,
        "error_code": job.error_code or None,
        "error": error.sentence if error else None,
        "warnings": [warning.sentence for warning in job.explained_warnings],
        "message": progress_texts.sentence(job.progress),
        "title": job.title,
        "preset": job.wishes.preset,
        "original_resolution": job.wishes.original_resolution,
        "cross_validate": job.wishes.cross_validate,
        "make_anyway": job.wishes.make_anyway,
        "psnr_corrected": job.figures.psnr_corrected,
        "ssim_corrected": job.figures.ssim_corrected,
        "protocol": job.figures.protocol or None,
        "spread": job.figures.spread,
        "refined": job.figures.refined,
        "registered": job.figures.registered,
        "held_out": job.figures.held_out,
        "confirmed": job.figures.confirmed,
        **quality_facts(job),
        "queue_position": queue.position(job),
        "photos": [photo_facts(photo) for photo in job.photos.all()],
        "videos": [video_facts(video) for video in job.videos.all()] if job.is_draft else [],
        "check": check_facts(job) if job.is_draft else None,
        "poses": photo_zips.poses_of(job) if job.is_draft else None,
        "files": file_facts(job),
    } | sharing_facts(job)
