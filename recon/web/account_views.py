"""What a person has on this site: notices, usage, their public page, and the way out."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import GoodbyeForm
from accounts.models import User
from accounts.proof import password_or_recent
from accounts.requests import SignedInRequest
from instarecon_site.form_addresses import form_on
from recon.jobs import account_deletion, sharing
from recon.jobs.people import notices as job_notices
from recon.jobs.people import quotas
from recon.jobs.teams import invitations, members
from recon.models import Job, Notice
from recon.pipeline.errors import UserError
from recon.web.access import NotThere, signed_in, unlisted
from recon.web.faults import status_of

NOTICES_A_PAGE, SCENES_A_PAGE, GALLERY_PAGE = 20, 20, 12


@require_safe
@signed_in
@never_cache
def notices(request: SignedInRequest) -> HttpResponse:
    """recon/notices.html: `page` of notices, newest first, `can_mail`, and `invitations` into
    teams. Looking at it marks nothing as read."""
    mine = Notice.objects.filter(user=request.user)
    told = mine.select_related("job__figures")
    page = Paginator(told, NOTICES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "can_mail": settings.MAIL_IS_SET_UP,
        "invitations": invitations.waiting_for(request.user),
    }
    return render(request, "recon/notices.html", context)


@form_on("recon:notices")
@signed_in
def read_notices(request: SignedInRequest) -> HttpResponse:
    job_notices.mark_read(request.user)
    return redirect("recon:notices")


@require_safe
@signed_in
@never_cache
def usage(request: SignedInRequest) -> HttpResponse:
    """recon/usage.html: `usage` (stored, active, today: each used and most) and `page` of jobs
    with their `size`, the biggest first."""
    own = quotas.with_sizes(Job.objects.own_of(request.user)).select_related("figures")
    biggest = own.order_by("-size", "-created_at")
    page = Paginator(biggest, SCENES_A_PAGE).get_page(request.GET.get("page"))
    context = {"usage": quotas.usage(request.user), "page": page}
    return render(request, "recon/usage.html", context)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
@password_or_recent
def delete_account(request: SignedInRequest) -> HttpResponse:
    """accounts/delete.html: `form` (password, where there is one), `scenes` and `usage` of what
    will be deleted.

    Wrong passwords count as they do at sign-in, so a stolen session can't try them all.
    """
    user = request.user
    form = GoodbyeForm(request.POST if request.method == "POST" else None, request=request)
    if not form.is_valid():
        return _goodbye_page(request, form, 400 if request.method == "POST" else 200)
    try:
        account_deletion.delete_account(user)
    except UserError as error:
        form.add_error(None, str(error))
        return _goodbye_page(request, form, status_of(error))
    logout(request)
    messages.success(request, gettext("Your account and everything in it have been deleted."))
    return redirect("recon:home")


def _goodbye_page(request: SignedInRequest, form: GoodbyeForm, status: int) -> HttpResponse:
    scenes = Job.objects.own_of(request.user)
    context = {
        "form": form,
        "scenes": scenes.count(),
        "running": scenes.filter(status__in=Job.ACTIVE).count(),
        "shared": scenes.filter(share__is_on=True).count(),
        "teams": members.memberships_of(request.user),
    }
    return render(request, "accounts/delete.html", context, status=status)


@require_safe
@unlisted
@never_cache
def public_gallery(request: HttpRequest, handle: str) -> HttpResponse:
    """recon/public_gallery.html: `name` and `page` of the scenes that somebody put on show.

    One that is closed gets the same answer as one that never existed.
    """
    person = User.objects.filter(handle=handle, gallery_open=True, is_active=True).first()
    if person is None:
        raise NotThere(gettext("There is no such page. Its owner may have closed it."))
    scenes = sharing.gallery_of(person.pk).prefetch_related("artifacts")
    page = Paginator(scenes, GALLERY_PAGE).get_page(request.GET.get("page"))
    context = {"name": person.public_name or person.handle, "page": page}
    return render(request, "recon/public_gallery.html", context)
