"""Staff's view of the jobs. Facts are read-only; only the actions change a status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import networks
from accounts.models import User
from accounts.requests import is_signed_in
from recon.jobs import attempts, deletion, lifecycle, queue
from recon.jobs.people import audit
from recon.jobs.workers import staff_controls
from recon.models import (
    Artifact,
    AuditEntry,
    Figures,
    Job,
    Photo,
    Share,
    StageRun,
    Tag,
    Worker,
)
from recon.pipeline.wishes import PRESET_NAMES
from recon.web.access import VIEW


class ReadOnly:
    """Nothing is added or edited by hand: rows say what happened."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LooksAreLogged:
    """Opening the page of somebody else's job, or of what belongs to it, goes into the audit
    log."""

    def get_object(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        found = super().get_object(request, *args, **kwargs)  # type: ignore[misc]
        job = getattr(found, "job", found)
        if is_signed_in(request) and job is not None and job.owner_id != request.user.pk:
            audit.note(
                request.user,
                job,
                action=f"{request.resolver_match.view_name if request.resolver_match else ''}"
                f" {'' if found is job else found}".strip(),
                method=str(request.method),
                address=networks.client_address(request) or "",
            )
        return found


class NotDeletedAlone(LooksAreLogged, ReadOnly):
    """These rows go with their job, never by themselves."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Deleting a job asks this for every related row; only the rows' own pages refuse.
        return request.resolver_match is not None and "_job_" in (
            request.resolver_match.url_name or ""
        )


class PartOfJob(ReadOnly, admin.StackedInline):
    """One of the rows that every job has. Whoever may see the job may see them."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("recon.view_job")


class ShareInline(PartOfJob):
    model = Share
    exclude = ("key",)  # a secret link is its owner's, not the staff's


class FiguresInline(PartOfJob):
    model = Figures


class PhotoInline(ReadOnly, admin.TabularInline):
    model = Photo
    extra = 0
    can_delete = False
    fields = ("name", "original_name", "width", "height", "size", "sha256")


class StageRunInline(ReadOnly, admin.TabularInline):
    model = StageRun
    extra = 0
    can_delete = False
    fields = ("attempt", "step", "outcome", "started_at", "ended_at", "duration")
    readonly_fields = ("duration",)

    @admin.display(description="seconds")
    def duration(self, run: StageRun) -> str:
        return _seconds(run)


class ArtifactInline(ReadOnly, admin.TabularInline):
    model = Artifact
    extra = 0
    can_delete = False
    fields = ("kind", "path", "size")


class TagInline(ReadOnly, admin.TabularInline):
    """Private as the scene is: for those of the staff who may open it."""

    model = Tag
    extra = 0
    can_delete = False
    fields = ("name",)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(VIEW)


class PresetFilter(admin.SimpleListFilter):
    title = "preset"
    parameter_name = "preset"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in PRESET_NAMES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        wanted = self.value()
        return queryset.filter(wishes__preset=wanted) if wanted else queryset


@admin.register(Job)
class JobAdmin(LooksAreLogged, ReadOnly, admin.ModelAdmin):
    list_display = (
        "short_id", "name", "owner", "team", "status", "step", "percent_done", "attempt", "preset",
        "quality", "psnr", "created_at",
    )  # fmt: skip
    list_display_links = ("short_id", "name")
    list_filter = (
        "status",
        "step",
        PresetFilter,
        "error_code",
        "share__is_on",
        "is_sample",
        "created_at",
    )
    list_select_related = ("owner", "team", "figures")
    search_fields = ("=id", "title", "owner__email", "team__handle", "error_code")
    date_hierarchy = "created_at"
    inlines = (FiguresInline, ShareInline, TagInline, StageRunInline, PhotoInline, ArtifactInline)
    actions = ("cancel_jobs", "retry_jobs", "put_first", "give_turn_back", "delete_files")

    @admin.display(ordering="wishes__preset")
    def preset(self, job: Job) -> str:
        return job.wishes.preset

    @admin.display(description="id", ordering="id")
    def short_id(self, job: Job) -> str:
        return str(job.pk)[:8]

    @admin.display(description="%", ordering="percent")
    def percent_done(self, job: Job) -> str:
        return f"{job.percent:.0f}"

    @admin.display(description="quality")
    def quality(self, job: Job) -> str:
        return job.verdict.label if job.verdict else ""

    @admin.display(description="psnr", ordering="figures__psnr")
    def psnr(self, job: Job) -> float | None:
        return job.figures.psnr

    @admin.action(description="Cancel selected jobs", permissions=["act"])
    def cancel_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._do(request, jobs, lifecycle.cancel, "cancelled", "neither wait nor run")

    @admin.action(description="Try selected failed jobs again", permissions=["act"])
    def retry_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._do(request, jobs, attempts.retry, "queued again", "have not failed")

    @admin.action(description="Put selected waiting jobs first", permissions=["act"])
    def put_first(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        # The first of the list shall be the first in line, so it is put there last.
        chosen = list(jobs.order_by(*queue.LINE).reverse())
        self._do(request, chosen, staff_controls.put_first, "put first", "do not wait")

    @admin.action(description="Give selected jobs their owners' turn again", permissions=["act"])
    def give_turn_back(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._do(request, jobs, staff_controls.give_turn_back, "put back", "were not put first")

    @admin.action(description="Delete the files of selected ended jobs", permissions=["delete"])
    def delete_files(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._do(request, jobs, deletion.delete_files, "emptied", "have not ended")

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Facts can't be edited, but whoever may change jobs may act on them."""
        return request.user.has_perm("recon.change_job")

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        deletion.delete(obj, by=staff_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            deletion.delete(job, by=staff_of(request))

    def _do(
        self,
        request: HttpRequest,
        jobs: Iterable[Job],
        act: Callable[[Job], bool],
        done: str,
        refused: str,
    ) -> None:
        """Acts on each job and says how many took it; the others' status had moved on. What was
        done to somebody else's goes into the audit log."""
        results = []
        for job in jobs:
            if is_signed_in(request) and job.owner_id != request.user.pk:
                audit.note(
                    request.user,
                    job,
                    action=act.__name__,
                    method=str(request.method),
                    address=networks.client_address(request) or "",
                )
            results.append(act(job))
        if count := sum(results):
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)
        if count := len(results) - sum(results):
            self.message_user(request, f"{count} left alone: they {refused}.", messages.WARNING)


@admin.register(Worker)
class WorkerAdmin(ReadOnly, admin.ModelAdmin):
    """What does the jobs. A row is the worker's own; staff drain it, or forget one that is gone."""

    list_display = (
        "name", "state", "gpu_name", "gpu_memory_mb", "version", "job_id", "heartbeat_at",
    )  # fmt: skip
    list_filter = ("host", "is_drained", "gpu_name")
    search_fields = ("name", "host", "gpu_name", "gpu_uuid")
    actions = ("drain", "undrain", "forget")

    @admin.display(description="state")
    def state(self, worker: Worker) -> str:
        return str(worker.state.label)

    @admin.action(description="Let selected workers finish and take no more", permissions=["act"])
    def drain(self, request: HttpRequest, workers: QuerySet[Worker]) -> None:
        self._do(request, workers, staff_controls.drain, "take no more jobs")

    @admin.action(description="Let selected workers take jobs again", permissions=["act"])
    def undrain(self, request: HttpRequest, workers: QuerySet[Worker]) -> None:
        self._do(request, workers, staff_controls.undrain, "take jobs again")

    @admin.action(description="Forget selected workers that are gone", permissions=["act"])
    def forget(self, request: HttpRequest, workers: QuerySet[Worker]) -> None:
        self._do(request, workers, staff_controls.forget, "forgotten")

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recon.change_worker")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def _do(
        self,
        request: HttpRequest,
        workers: Iterable[Worker],
        act: Callable[[Worker], bool],
        done: str,
    ) -> None:
        """Acts on each, notes it in the administration's history, and says how many it was."""
        count = 0
        for worker in workers:
            if act(worker):
                count += 1
                self.log_change(request, worker, act.__name__)
        self.message_user(request, f"{count} {done}.", messages.SUCCESS)


@admin.register(StageRun)
class StageRunAdmin(NotDeletedAlone, admin.ModelAdmin):
    list_display = ("job", "attempt", "step", "outcome", "started_at", "duration")
    list_filter = ("step", "outcome", "started_at")
    list_select_related = ("job",)
    search_fields = ("=job__id", "job__title", "job__owner__email")

    @admin.display(description="seconds")
    def duration(self, run: StageRun) -> str:
        return _seconds(run)


@admin.register(Photo)
class PhotoAdmin(NotDeletedAlone, admin.ModelAdmin):
    list_display = ("original_name", "job", "width", "height", "size")
    list_filter = ("job__status", "job__is_sample")
    list_select_related = ("job",)
    search_fields = ("original_name", "sha256", "=job__id", "job__owner__email")


@admin.register(Artifact)
class ArtifactAdmin(NotDeletedAlone, admin.ModelAdmin):
    list_display = ("job", "kind", "path", "size")
    list_filter = ("kind",)
    list_select_related = ("job",)
    search_fields = ("=job__id", "job__title", "job__owner__email")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, admin.ModelAdmin):
    """Who of the staff opened or changed whose scene or account. Nobody edits it; AUDIT_DAYS
    empties it."""

    list_display = ("at", "person_email", "method", "action", "job_id", "owner", "address")
    list_filter = ("at", "method")
    list_select_related = ("owner",)
    search_fields = ("person_email", "owner__email", "=job_id", "action")
    date_hierarchy = "at"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def staff_of(request: HttpRequest) -> User:
    """Whoever is in the administration."""
    assert isinstance(request.user, User)  # noqa: S101 - narrows the type
    return request.user


def _seconds(run: StageRun) -> str:
    return "" if run.seconds is None else f"{run.seconds:.1f}"
