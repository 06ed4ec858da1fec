"""Signing in, and passwords.

Each view's docstring names its template and what the template is given. Too many wrong passwords
end in errors/429.html (`accounts.throttling`).
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import views
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.translation import get_language

from accounts import devices, letters, sign_in_limits, throttling
from accounts.forms import NewPasswordForm, ResetForm, SignInForm
from accounts.models import Letter


class InvalidIs400:
    """A form that was not accepted comes back with 400 instead of 200."""

    def form_invalid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 400
        return response


class SignIn(InvalidIs400, views.LoginView):
    """accounts/sign_in.html: `form` (username, password), `next` to be sent along."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(views.LogoutView):
    """accounts/sign_out.html, with the button: a link alone signs nobody out."""

    http_method_names = ("get", "head", "post", "options")

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "accounts/sign_out.html")

    def get_default_redirect_url(self) -> str:
        """The same page, which then says so and forgets what this browser kept (drop-anywhere.js).
        Its very own address would not be gone to."""
        return reverse("accounts:sign_out") + "?done=1"


class PasswordChange(InvalidIs400, views.PasswordChangeView):
    """accounts/password_change.html: `form` (old_password, new_password1, new_password2).

    Other sessions and all API tokens end with it.
    """

    template_name = "accounts/password_change.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("accounts:password_change_done")

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


class PasswordReset(NeedsMail, InvalidIs400, views.PasswordResetView):
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


class PasswordResetSent(NeedsMail, views.PasswordResetDoneView):
    """accounts/password_reset_done.html, whatever the address was."""

    template_name = "accounts/password_reset_done.html"


class PasswordResetConfirm(InvalidIs400, views.PasswordResetConfirmView):
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
