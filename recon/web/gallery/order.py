"""The order of a person's or a team's scenes in the gallery, a page at a time."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from recon.models import Job
from recon.models.figures import OF_EVIDENCE
from recon.pipeline.quality import UNMEASURED, WORDS

PAGE_SIZE = 12
NEWEST = "newest"
QUALITY = "quality"

#: By what stands in an address.
LABELS = {
    NEWEST: _("Newest first"),
    "oldest": _("Oldest first"),
    "title": _("Title"),
    QUALITY: _("Best quality first"),
}

_BEST_FIRST = (*WORDS, UNMEASURED)
_UNTITLED_LAST = Case(When(title="", then=Value(1)), default=Value(0))
_COLUMNS: dict[str, tuple[Any, ...]] = {
    NEWEST: ("-created_at", "pk"),
    "oldest": ("created_at", "pk"),
    "title": (_UNTITLED_LAST, Lower("title"), "-created_at", "pk"),
}


def valid_sort(sort: str) -> str:
    """`sort`, or the usual order where there is no such."""
    return sort if sort in LABELS else NEWEST


def page_of(jobs: QuerySet[Job], sort: str, number: str | None) -> Page[Any]:
    """A page of `jobs` in one of the orders of `LABELS`; `number` may be anything."""
    shown = jobs.select_related("share", "figures", "team", "owner").prefetch_related(
        "artifacts", "photos", "tags"
    )
    if sort != QUALITY:
        return Paginator(shown.order_by(*_COLUMNS[sort]), PAGE_SIZE).get_page(number)
    page = Paginator(_best_first(jobs), PAGE_SIZE).get_page(number)
    found = shown.in_bulk(list(page.object_list))
    page.object_list = [found[pk] for pk in page.object_list if pk in found]
    return page


def _best_first(jobs: QuerySet[Job]) -> list[Any]:
    """Keys, those without a scene last. The word is not in the database: it follows from figures
    and warnings, by limits that may change."""
    figures = (f"figures__{name}" for name in OF_EVIDENCE)
    facts = jobs.order_by(*_COLUMNS[NEWEST]).select_related("figures")
    facts = facts.only("status", "warnings", *figures)
    return [job.pk for job in sorted(facts, key=_rank)]  # those that are alike: newest first


def _rank(job: Job) -> int:
    return _BEST_FIRST.index(job.verdict.word) if job.verdict else len(_BEST_FIRST)
