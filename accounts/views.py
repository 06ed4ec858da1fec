"""Sign-up, sign-in, passwords and API tokens.

Each view's docstring names its template and what the template is given.
"""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, views
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.i18n import set_language

from accounts import languages
from accounts.forms import (
    ADDRESS_TAKEN,
    HANDLE_TAKEN,
    PreferencesForm,
    PublicPageForm,
    ResetForm,
    SignInForm,
    SignUpForm,
    TokenForm,
)
from accounts.models import ApiToken, User

BACKEND = "django.contrib.auth.backends.ModelBackend"


class InvalidIs400:
    """A form that was not accepted comes back with 400 instead of 200."""

    def form_invalid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 400
        return response


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """accounts/sign_up.html: `form` (email, password), or `closed` where SIGN_UP_OPEN is off.

    A new person is signed in at once.
    """
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    if not settings.SIGN_UP_OPEN:
        return render(request, "accounts/sign_up.html", {"closed": True}, status=403)
    form = SignUpForm(request.POST or None)
    if form.is_valid():
        try:
            with transaction.atomic():
                user = form.save()
        except IntegrityError:
            form.add_error("email", ADDRESS_TAKEN)  # somebody else got there first
        else:
            login(request, user, backend=BACKEND)
            return redirect(settings.LOGIN_REDIRECT_URL)
    status = 400 if request.method == "POST" else 200
    return render(request, "accounts/sign_up.html", {"form": form}, status=status)


class SignIn(InvalidIs400, views.LoginView):
    """accounts/sign_in.html: `form` (username, password), `next` to be sent along.

    Too many wrong passwords end in errors/429.html (accounts.throttling).
    """

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class PasswordChange(InvalidIs400, views.PasswordChangeView):
    """accounts/password_change.html: `form` (old_password, new_password1, new_password2)."""

    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:password_change_done")


class PasswordReset(InvalidIs400, views.PasswordResetView):
    """accounts/password_reset.html: `form` (email).

    The mail is accounts/password_reset_email.txt and password_reset_subject.txt: `user`, `email`,
    `protocol`, `domain`, `uid`, `token`.
    """

    template_name = "accounts/password_reset.html"
    form_class = ResetForm
    email_template_name = "accounts/password_reset_email.txt"
    subject_template_name = "accounts/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password_reset_done")


class PasswordResetConfirm(InvalidIs400, views.PasswordResetConfirmView):
    """accounts/password_reset_confirm.html: `validlink`, and `form` (new_password1, new_password2).

    Where the link is too old or was used before, `validlink` is False and there is no form.
    """

    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")


def _account_page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        "tokens": user.api_tokens.all(),
        "form": TokenForm(user=user),
        "preferences": PreferencesForm(instance=user),
        "public_page": PublicPageForm(instance=user),
        "can_mail": settings.MAIL_IS_SET_UP,
        **context,
    }
    return render(request, "accounts/account.html", context, status=status)


@never_cache
@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """accounts/account.html: `tokens` (name, created_at, last_used_at), `form` (name), and the
    forms `preferences` (language, time_zone, mail_when_done) and `public_page` (gallery_open,
    handle, public_name).

    After a token was made also `new_token` and `new_secret`, shown this once.
    """
    return _account_page(request)


@never_cache
@login_required
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Language, time zone, and whether mails are wanted."""
    form = PreferencesForm(request.POST, instance=_fresh(request))
    if not form.is_valid():
        return _account_page(request, preferences=form, status=400)
    chosen = form.save().language
    response = redirect("accounts:account")
    if not chosen:  # the browser's: what was once chosen on a page must not stand in for it
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    with languages.spoken(chosen or get_language() or ""):
        messages.success(request, gettext("Your settings are saved."))
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """`language` for this browser, and in the account of who is signed in. Back to `next`."""
    code = languages.known(request.POST.get("language", ""))
    if code and request.user.is_authenticated:
        User.objects.filter(pk=request.user.pk).update(language=code)
    return set_language(request)


@never_cache
@login_required
@require_POST
def public_page(request: HttpRequest) -> HttpResponse:
    """The person's public page: on or off, its address, the name on it."""
    form = PublicPageForm(request.POST, instance=_fresh(request))
    if form.is_valid():
        try:
            with transaction.atomic():
                form.save()
        except IntegrityError:
            form.add_error("handle", HANDLE_TAKEN)  # somebody else got there first
        else:
            messages.success(request, gettext("Your public page’s settings are saved."))
            return redirect("accounts:account")
    return _account_page(request, public_page=form, status=400)


def _fresh(request: HttpRequest) -> User:
    """The person as a row of their own: a form that is refused must not change the page's."""
    return User.objects.get(pk=cast(User, request.user).pk)


@never_cache
@login_required
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """Answers with the account page itself: the secret is kept nowhere, not even for a redirect."""
    form = TokenForm(request.POST, user=cast(User, request.user))
    if not form.is_valid():
        return _account_page(request, form=form, status=400)
    token, secret = ApiToken.issue(form.user, form.cleaned_data["name"])
    return _account_page(request, new_token=token, new_secret=secret)


@login_required
@require_POST
def token_delete(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    token.delete()
    said = gettext("The token “{name}” no longer works.").format(name=token.name)
    messages.success(request, said)
    return redirect("accounts:account")
