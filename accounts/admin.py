"""People and tokens in the admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts import reset_links
from accounts.models import ApiToken, Invitation, ProviderAccount, SecondFactor, User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Django's, with the e-mail address in place of the user name."""

    ordering = ("email",)
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "date_joined")
    search_fields = ("email", "first_name", "last_name")
    date_hierarchy = "date_joined"
    readonly_fields = ("date_joined", "last_login", "new_password", "two_step_sign_in")
    fieldsets = (
        (None, {"fields": ("email", "password", "new_password", "two_step_sign_in")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("Wishes", {"fields": ("language", "time_zone", "mail_when_done")}),
        ("Public page", {"fields": ("gallery_open", "handle", "public_name")}),
        ("Limits", {"fields": ("quota_stored_mb", "quota_active_jobs", "quota_jobs_a_day")}),
        (
            "Permissions",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    #: Only superusers can grant these: whoever may change accounts must not make themselves a
    #: superuser.
    powers = ("is_staff", "is_superuser", "groups", "user_permissions")

    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        powers = () if request.user.is_superuser else self.powers
        return (*super().get_readonly_fields(request, obj), *powers)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only superusers change staff's accounts, and set passwords for them."""
        if obj is not None and (obj.is_staff or obj.is_superuser) and obj != request.user:
            return bool(request.user.is_superuser)
        return super().has_change_permission(request, obj)

    @admin.display(description="forgotten password")
    def new_password(self, user: User) -> str:
        return format_html('<a href="{}">A link that sets a new one</a>', "../reset-link/")

    @admin.display(description="two-step sign-in")
    def two_step_sign_in(self, user: User) -> str:
        factor = SecondFactor.objects.filter(user=user).first()
        if factor is None:
            return "off"
        address = reverse("recon:reset_second_factor", args=(user.pk,))
        return format_html('on since {} · <a href="{}">Reset it</a>', factor.since.date(), address)

    def get_urls(self) -> list[URLPattern]:
        address = "<path:object_id>/reset-link/"
        view = self.admin_site.admin_view(self.reset_link)
        return [path(address, view, name="accounts_user_reset_link"), *super().get_urls()]

    def reset_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A link for somebody who can't get one by mail. It is shown once and kept nowhere, works
        once, and the account's history says who made it.
        """
        user = self.get_object(request, object_id)
        if user is None:
            raise Http404
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "title": str(user), "person": user}
        context["hours"] = settings.PASSWORD_RESET_TIMEOUT // 3600
        if request.method == "POST":
            context["link"] = reset_links.link_for(user)
            self.log_change(request, user, "Made a link that sets a new password.")
        return TemplateResponse(request, "admin/accounts/user/reset_link.html", context)


@admin.register(ProviderAccount)
class ProviderAccountAdmin(admin.ModelAdmin):
    """Who signs in as whom at the provider. Deleting one disconnects it, and nothing else: to keep
    somebody out, take "active" from their account."""

    list_display = ("user", "email", "issuer", "subject", "connected_at", "last_used_at")
    list_filter = ("issuer", "connected_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "email", "=subject")
    readonly_fields = ("user", "issuer", "subject", "email", "connected_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """For seeing and revoking. Tokens are made by their owner, who alone sees the secret."""

    list_display = ("name", "user", "scopes", "created_at", "ends_at", "last_used_at")
    list_filter = ("created_at", "ends_at", "last_used_at")
    search_fields = ("name", "user__email")
    date_hierarchy = "created_at"
    readonly_fields = ("name", "user", "scopes", "created_at", "ends_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """Links for those who may make an account. Its page shows the link, to be sent to them."""

    list_display = ("__str__", "created_by", "created_at", "ends_at", "uses", "most_uses")
    list_filter = ("created_at", "ends_at")
    list_select_related = ("created_by",)
    search_fields = ("note", "created_by__email")
    readonly_fields = ("link", "uses", "created_by", "created_at")
    fields = ("note", "most_uses", "ends_at", "link", "uses", "created_by", "created_at")

    @admin.display(description="link")
    def link(self, invitation: Invitation) -> str:
        return invitation.link if invitation.pk else "shown when it is saved"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The link makes accounts: whoever may only look at invitations does not get it."""
        may_invite = self.has_add_permission(request) or self.has_change_permission(request, obj)
        return [name for name in self.fields or () if name != "link" or may_invite]

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Invitation, *args: Any) -> Any:
        self.message_user(request, f"Send this link to whoever is invited: {obj.link}")
        return super().response_add(request, obj, *args)
