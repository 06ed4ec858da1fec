"""What is done with several scenes at once: deleted, shared, downloaded, tagged.

Each acts as it does on one scene's page, and says by title what it could not do. Only a person's
own scenes and their teams' can be chosen, by staff too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from instarecon_site.form_addresses import form_on
from recon.jobs import deletion, lifecycle, sharing, tags
from recon.models import Job
from recon.pipeline.words import sizes
from recon.web.access import signed_in
from recon.web.gallery import zips
from recon.web.gallery.selection import Chosen, NothingToDo, gallery_address, names_of
from recon.web.scene import share_url
from recon.web.serving import PieceResponse
from recon.web.tags import named_in

Act = Callable[[SignedInRequest, Chosen], HttpResponseBase]


@form_on("recon:gallery")
@signed_in
@never_cache
def act(request: SignedInRequest) -> HttpResponseBase:
    """`job`, repeated, and `act`: one of `ACTS`. `back` is the query of the gallery's address."""
    do = ACTS.get(request.POST.get("act", ""))
    try:
        if do is None:
            raise NothingToDo(gettext("Choose what to do with them."))
        return do(request, Chosen.of(request, request.POST, change=do is not _download))
    except NothingToDo as nothing:
        messages.error(request, str(nothing))
        return _back(request)


@require_safe
@signed_in
@never_cache
def links(request: SignedInRequest) -> HttpResponse:
    """The links of those of the chosen scenes that have one, to be copied together."""
    try:
        chosen = Chosen.of(request, request.GET)
    except NothingToDo as nothing:
        messages.error(request, str(nothing))
        return redirect("recon:gallery")
    shared = [job for job in chosen.jobs if job.share.is_open]
    context = {
        "links": [{"job": job, "url": share_url(job)} for job in shared],
        "private": [job for job in chosen.jobs if job not in shared],
        "said_of_missing": chosen.said_of_missing,
    }
    return render(request, "recon/selected_links.html", context)


def _ask_before_delete(request: SignedInRequest, chosen: Chosen) -> HttpResponseBase:
    running = [job for job in chosen.jobs if job.status in Job.ACTIVE]
    return _page(request, "recon/selected_delete.html", chosen, running=running)


def _delete(request: SignedInRequest, chosen: Chosen) -> HttpResponseBase:
    """Those that run are cancelled, as on their own page: all first, so that their work ends while
    we wait for one."""
    names = {job.pk: names_of([job]) for job in chosen.jobs}
    cancelled = [names[job.pk] for job in chosen.jobs if lifecycle.cancel(job)]
    for job in chosen.jobs:
        deletion.delete(job, by=request.user)
    said = ngettext(
        "{count} scene was deleted, with its photos and files: {names}.",
        "{count} scenes were deleted, with their photos and files: {names}.",
        len(names),
    )
    messages.success(request, said.format(count=len(names), names=", ".join(names.values())))
    if cancelled:
        told = gettext("Cancelled before they were finished: {names}.")
        messages.warning(request, told.format(names=", ".join(cancelled)))
    _tell_missing(request, chosen)
    return _back(request)


def _share(request: SignedInRequest, chosen: Chosen) -> HttpResponseBase:
    fit = [job for job in chosen.jobs if job.status in (*Job.ACTIVE, Job.Status.COMPLETED)]
    unfit = [job for job in chosen.jobs if job not in fit]
    if unfit:
        told = gettext("Not shared, because there is no scene to show: {names}.")
        messages.warning(request, told.format(names=names_of(unfit)))
    if not fit:
        return _back(request)
    sharing.switch_on(fit, by=request.user)
    _tell_missing(request, chosen)
    query = urlencode([("job", str(job.pk)) for job in fit])
    return redirect(f"{reverse('recon:selected_links')}?{query}")


def _unshare(request: SignedInRequest, chosen: Chosen) -> HttpResponseBase:
    shared = [job for job in chosen.jobs if job.share.is_on]
    sharing.switch_off(shared, by=request.user)
    said = gettext("Sharing is off, and the links stopped working: {names}.")
    if shared:
        messages.success(request, said.format(names=names_of(shared)))
    else:
        messages.info(request, gettext("None of these scenes was shared."))
    _tell_missing(request, chosen)
    return _back(request)


def _download(request: SignedInRequest, chosen: Chosen) -> HttpResponseBase:
    """The zip; where it can't have all that was chosen, a page that says so first."""
    taken: set[str] = set()
    found = {job.pk: zips.members_of(job, zips.folder_of(job, taken)) for job in chosen.jobs}
    fit = [job for job in chosen.jobs if found[job.pk]]
    unfit = [job for job in chosen.jobs if not found[job.pk]]
    members = [member for job in fit for member in found[job.pk]]
    total = sum(member.size for member in members)
    if not fit:
        told = gettext("Nothing to download: no file of {names} is there.")
        raise NothingToDo(told.format(names=names_of(unfit)))
    if total > zips.MOST_BYTES:
        told = gettext(
            "Together these are {total}, but one download can be {most} at most. Choose fewer."
        )
        raise NothingToDo(
            told.format(total=sizes.size_in_words(total), most=sizes.size_in_words(zips.MOST_BYTES))
        )
    if unfit or chosen.missing:
        left = Chosen(fit, chosen.missing)
        return _page(request, "recon/selected_download.html", left, unfit=unfit, total=total)
    stream = zips.ZipStream(members)
    return PieceResponse(
        stream, as_attachment=True, filename="scenes.zip", content_type="application/zip"
    )


def _tag(request: SignedInRequest, chosen: Chosen) -> HttpResponseBase:
    names = _names(request)
    done, full = tags.add(chosen.jobs, names)
    gone = len(chosen.jobs) - len(done) - len(full)  # deleted since they were looked up
    if done:
        told = gettext("Tagged: {names}.")
        messages.success(request, told.format(names=names_of(done)))
    if full:
        told = gettext("A scene has at most {most} tags, so these were left as they were: {names}.")
        messages.error(request, told.format(most=tags.MOST, names=names_of(full)))
    _tell_missing(request, Chosen([*done, *full], chosen.missing + gone))
    return _back(request)


def _untag(request: SignedInRequest, chosen: Chosen) -> HttpResponseBase:
    count = tags.remove(chosen.jobs, _names(request))
    said = ngettext("Removed from {count} scene.", "Removed from {count} scenes.", count)
    none = gettext("None of these scenes has that tag.")
    messages.info(request, said.format(count=count) if count else none)
    _tell_missing(request, chosen)
    return _back(request)


#: What may be done, by the value of the button.
ACTS: dict[str, Act] = {
    "tag": _tag,
    "untag": _untag,
    "share": _share,
    "unshare": _unshare,
    "download": _download,
    "delete": _ask_before_delete,
    "delete-for-good": _delete,
}


def _names(request: SignedInRequest) -> list[str]:
    """Raises NothingToDo."""
    try:
        names = named_in(request.POST.getlist("tags"))
    except ValidationError as error:
        raise NothingToDo(" ".join(error.messages)) from error
    if not names:
        raise NothingToDo(gettext("Write the tag first."))
    return names


def _page(request: SignedInRequest, template: str, chosen: Chosen, **more: Any) -> HttpResponse:
    back = request.POST.get("back", "")
    context = {"chosen": chosen, "back": back, "gallery": gallery_address(back)}
    return render(request, template, context | more)


def _tell_missing(request: SignedInRequest, chosen: Chosen) -> None:
    if chosen.missing:
        messages.warning(request, chosen.said_of_missing)


def _back(request: SignedInRequest) -> HttpResponse:
    return redirect(gallery_address(request.POST.get("back", "")))
