"""Staff's view of the teams: their limits, who is in them, and their log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from recon.admin.jobs import ReadOnly, staff_of
from recon.jobs.teams import teams
from recon.models import Job, Membership, Team, TeamEvent


class MembershipInline(admin.TabularInline):
    """For a team whose owners are gone. A team's own page keeps its log; the administration's
    history has what is changed here."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)
    readonly_fields = ("joined_at",)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    """Teams with their limits. Deleting one deletes its scenes, as its owners can."""

    list_display = ("name", "handle", "created_at", "quota_stored_mb")
    search_fields = ("name", "=handle", "memberships__user__email")
    date_hierarchy = "created_at"
    readonly_fields = ("created_at", "closing_since")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("name", "handle", "created_at", "closing_since")}),
        ("Limits", {"fields": ("quota_stored_mb", "quota_active_jobs", "quota_jobs_a_day")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # on the site, where its first owner is known

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Its scenes go with it."""
        may_delete_scenes = request.user.has_perm("recon.delete_job")
        return may_delete_scenes and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its scenes do not stand in the way: they are deleted first, files and all."""
        names = [str(team) for team in objs]
        scenes = Job.objects.filter(team__in=list(objs)).count()
        return names, {"teams": len(names), "scenes": scenes}, set(), []

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        teams.delete(obj, by=staff_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        for team in queryset:
            self.delete_model(request, team)


@admin.register(TeamEvent)
class TeamEventAdmin(ReadOnly, admin.ModelAdmin):
    """What happened in all teams, deleted ones too. Nobody edits it; AUDIT_DAYS empties it."""

    list_display = ("at", "team_handle", "person_email", "kind", "job_id", "facts")
    list_filter = ("kind", "at")
    search_fields = ("=team_handle", "person_email", "=job_id")
    date_hierarchy = "at"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
