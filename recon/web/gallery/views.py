"""All of a person's scenes, or of a team's: sorted, and found by title, photo name or tag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.jobs import tags
from recon.jobs.teams import members
from recon.models import Job, Membership, Photo
from recon.web.access import NO_SUCH_TEAM, NotThere, signed_in
from recon.web.gallery import order as gallery_order


@dataclass(frozen=True)
class Wanted:
    """Which scenes are wanted, and in which order."""

    query: str
    tag: str  # its key
    sort: str
    team: str  # its handle; empty: their own scenes

    @classmethod
    def of(cls, request: HttpRequest) -> Wanted:
        query, tag, team = (
            request.GET.get(name, "").replace("\0", "").strip() for name in ("q", "tag", "team")
        )
        sort = gallery_order.valid_sort(request.GET.get("sort", ""))
        return cls(query, tags.key_of(tag), sort, team)

    def among(self, jobs: QuerySet[Job]) -> QuerySet[Job]:
        if self.tag:
            jobs = jobs.filter(tags__key=self.tag)
        if self.query:
            photos = Photo.objects.filter(job=OuterRef("pk"), original_name__icontains=self.query)
            jobs = jobs.filter(Q(title__icontains=self.query) | Q(Exists(photos)))
        return jobs

    def address(self, **other: str) -> str:
        """The query of an address that asks for the same, but for `other`."""
        asked = {"team": self.team, "q": self.query, "tag": self.tag, "sort": self.sort} | other
        usual = ("", gallery_order.NEWEST)
        return urlencode({name: value for name, value in asked.items() if value not in usual})


@require_safe
@signed_in
@never_cache
def gallery(request: SignedInRequest) -> HttpResponse:
    """This person's jobs, or a team's, twelve a page."""
    wanted, memberships = Wanted.of(request), members.memberships_of(request.user)
    member = _member_of(wanted.team, memberships)
    shelf = Job.objects.filter(team=member.team) if member else Job.objects.own_of(request.user)
    jobs = wanted.among(shelf)
    page = gallery_order.page_of(jobs, wanted.sort, request.GET.get("page"))
    known = [
        {"name": name, "count": count, "query": wanted.address(tag=key), "is_it": key == wanted.tag}
        for key, name, count in tags.of_jobs(shelf)
    ]
    chosen = next((tag["name"] for tag in known if tag["is_it"]), wanted.tag)
    context = {
        "page": page,
        "total": page.paginator.count,
        "query": wanted.query,
        "tag": wanted.tag,
        "tag_name": chosen,
        "tags": known,
        "sort": wanted.sort,
        "sorts": gallery_order.LABELS.items(),
        "same_query": wanted.address(),
        "without_tag": wanted.address(tag=""),
        "without_query": wanted.address(q=""),
        "all_query": wanted.address(q="", tag="", sort=""),
        "member": member,
        "team": member.team if member else None,
        "shelves": _shelves(wanted, memberships),
        "can_change": member is None or member.may_edit,
        "is_theirs": True,
    }
    return render(request, "recon/gallery.html", context)


def _member_of(handle: str, memberships: Iterable[Membership]) -> Membership | None:
    """The person's place in the team whose scenes are wanted. Raises NotThere."""
    if not handle:
        return None
    for member in memberships:
        if member.team.handle == handle:
            return member
    raise NotThere(NO_SUCH_TEAM)


def _shelves(wanted: Wanted, memberships: Iterable[Membership]) -> list[dict[str, object]]:
    """The galleries that the person has, to change between; none where there is only one."""
    teams = [(member.team.name, member.team.handle) for member in memberships]
    if not teams:
        return []
    return [
        {"name": name, "query": wanted.address(team=handle, q="", tag=""),
         "is_it": handle == wanted.team}
        for name, handle in [(gettext("Mine"), ""), *teams]
    ]  # fmt: skip
