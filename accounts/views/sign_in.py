"""Signing in, and passwords.

Each view's docstring names its template and what the template is given. Too many wrong passwords
end in errors/429.html (`accounts.throttling`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.views import redirect_to_login
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import devices, emergency, letters, sessions, sign_in_limits, throttling
from accounts.forms import FirstPasswordForm, NewPasswordForm, ResetForm, SignInForm
from accounts.models import Letter
from accounts.proof import password_or_recent
from accounts.requests import account_required


class InvalidIs400:
    """A form that was not accepted comes back with 400 instead of 200."""

    def form_invalid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 400
        return response


class NeedsPasswords:
    """Where nobody signs in with a password, a page says so (`no_passwords.html`)."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not settings.SIGN_IN_WITH_PASSWORD:
            return no_passwords(request)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


def no_passwords(request: HttpRequest) -> HttpResponse:
    """accounts/no_passwords.html."""
    return render(request, "accounts/no_passwords.html", status=403)


class SignIn(InvalidIs400, views.LoginView):
    """accounts/sign_in.html: `form` (username, password), `next` to be sent along; no form where
    nobody signs in with a password."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not settings.SIGN_IN_WITH_PASSWORD:
            return no_passwords(request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        return sessions.go_on(self.request, form.get_user(), self.get_success_url())  # type: ignore[attr-defined]


@never_cache
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """In place of the administration's own sign-in, which knows no second step: ours; or
    accounts/not_staff.html for those who are signed in already."""
    if request.user.is_authenticated and not request.user.is_staff:
        return render(request, "accounts/not_staff.html", status=403)
    wanted = sessions.safe(request, request.GET.get("next") or reverse("admin:index"))
    if request.user.is_authenticated:
        return redirect(wanted)
    return redirect_to_login(wanted, resolve_url(settings.LOGIN_URL))


class SignOut(views.LogoutView):
    """accounts/sign_out.html, with the button: a link alone signs nobody out."""

    http_method_names = ("get", "head", "post", "options")

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "accounts/sign_out.html")

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        by_provider = request.session.get(sessions.BY_PROVIDER, False)
        super().post(request, *args, **kwargs)
        # The same page, which then says so and forgets what this browser kept (drop-anywhere.js).
        # Its very own address would not be gone to.
        done = "provider" if by_provider and settings.OIDC is not None else "1"
        return redirect(reverse("accounts:sign_out") + f"?done={done}")


@method_decorator(account_required, name="dispatch")
@method_decorator(password_or_recent, name="dispatch")
class PasswordChange(NeedsPasswords, InvalidIs400, views.PasswordChangeView):
    """accounts/password_change.html: `form` (old_password unless they have none, new_password1,
    new_password2).

    Other sessions and all API tokens end with it.
    """

    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:password_change_done")

    def get_form_class(self) -> Any:
        has_one = sessions.asks_password(self.request.user)  # type: ignore[arg-type]
        return NewPasswordForm if has_one else FirstPasswordForm

    def get_form_kwargs(self) -> dict[str, object]:
        return super().get_form_kwargs() | {"request": self.request}


class NeedsMail:
    """Where the site can't send mail, a page says whom to ask instead (`ask_staff.html`)."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not settings.MAIL_IS_SET_UP:
            status = 200 if request.method in ("GET", "HEAD") else 403
            return render(request, "accounts/ask_staff.html", status=status)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


class PasswordReset(NeedsPasswords, NeedsMail, InvalidIs400, views.PasswordResetView):
    """accounts/password_reset.html: `form` (email).

    The mail is sent by a worker, where there is such an account (`accounts.letters`):
    accounts/password_reset_email.txt and password_reset_subject.txt with `user`, `email`,
    `protocol`, `domain`, `uid`, `token`.
    """

    template_name = "accounts/password_reset.html"
    form_class = ResetForm
    success_url = reverse_lazy("accounts:password_reset_done")

    def form_valid(self, form: ResetForm) -> HttpResponse:
        throttling.spend(sign_in_limits.by_network(self.request, *sign_in_limits.MAILS_BY_ADDRESS))
        language = get_language() or ""
        letters.ask(Letter.Kind.RESET, form.cleaned_data["email"], language=language)
        return super(views.PasswordResetView, self).form_valid(form)


class PasswordResetSent(NeedsPasswords, NeedsMail, views.PasswordResetDoneView):
    """accounts/password_reset_done.html, whatever the address was."""

    template_name = "accounts/password_reset_done.html"


class PasswordResetConfirm(NeedsPasswords, InvalidIs400, views.PasswordResetConfirmView):
    """accounts/password_reset_confirm.html: `validlink`, and `form` (new_password1, new_password2).

    Where the link is too old or was used before, `validlink` is False and there is no form. Whoever
    reads the account's mail is its owner: other people's guessing does not keep them out.
    """

    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")

    def form_valid(self, form: Form) -> HttpResponse:
        response = super().form_valid(form)
        throttling.forget(sign_in_limits.sign_in(self.request, self.user.email)[:1])
        devices.remember(self.request, sign_in_limits.one_spelling(self.user.email))
        return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """accounts/sign_in_link.html: `email` of the superuser whom the button signs in; without it
    where the link no longer works. `manage.py sign_in_link` makes them."""
    user = emergency.read_link(token)
    if user is None:
        return render(request, "accounts/sign_in_link.html", status=410)
    if request.method != "POST":
        return render(request, "accounts/sign_in_link.html", {"email": user.email})
    return sessions.go_on(request, user)
