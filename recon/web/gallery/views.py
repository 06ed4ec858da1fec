"""All of a person's scenes: sorted, and found by title, photo name or tag."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recon.jobs import tags
from recon.models import Job
from recon.web.access import signed_in
from recon.web.gallery import order as gallery_order


@dataclass(frozen=True)
class Wanted:
    """Which scenes are wanted, and in which order."""

    query: str
    tag: str  # its key
    sort: str

    @classmethod
    def of(cls, request: HttpRequest) -> Wanted:
        query, tag = (request.GET.get(name, "").replace("\0", "").strip() for name in ("q", "tag"))
        return cls(query, tags.key_of(tag), gallery_order.valid_sort(request.GET.get("sort", "")))

    def among(self, jobs: QuerySet[Job]) -> QuerySet[Job]:
        if self.tag:
            jobs = jobs.filter(tags__key=self.tag)
        if self.query:
            named = Q(title__icontains=self.query) | Q(photos__original_name__icontains=self.query)
            jobs = jobs.filter(pk__in=jobs.filter(named).order_by().values("pk"))
        return jobs

    def address(self, **other: str) -> str:
        """The query of an address that asks for the same, but for `other`."""
        asked = {"q": self.query, "tag": self.tag, "sort": self.sort} | other
        usual = ("", gallery_order.NEWEST)
        return urlencode({name: value for name, value in asked.items() if value not in usual})


@require_safe
@signed_in
@never_cache
def gallery(request: SignedInRequest) -> HttpResponse:
    """This person's jobs, twelve a page."""
    owner, wanted = request.user, Wanted.of(request)
    jobs = wanted.among(Job.objects.filter(owner=owner))
    page = gallery_order.page_of(jobs, wanted.sort, request.GET.get("page"))
    known = [
        {"name": name, "count": count, "query": wanted.address(tag=key), "is_it": key == wanted.tag}
        for key, name, count in tags.of_person(owner.pk)
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
    }
    return render(request, "recon/gallery.html", context)
