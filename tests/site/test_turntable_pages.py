"""The turntable video as a part that pages include."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from recon.models import Job
from recon.web.scene import own_downloads, own_viewer, public_downloads, public_viewer
from tests.site.making import finished_job, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


@pytest.fixture
def job() -> Job:
    return finished_job(person(), shared=True)


def own(job: Job) -> str:
    context = {"downloads": own_downloads(job), "viewer": own_viewer(job)}
    return render_to_string("recon/_turntable.html", context)


def test_it_loads_nothing_until_somebody_plays_it(job: Job) -> None:
    page = own(job)
    assert "<video" in page
    assert 'preload="none"' in page
    assert "controls" in page
    assert "autoplay" not in page
    assert f'src="{reverse("recon:file", args=(job.pk, "turntable"))}"' in page
    assert f'poster="{reverse("recon:file", args=(job.pk, "poster"))}?v=' in page


def test_behind_a_link_it_has_the_links_addresses(job: Job) -> None:
    context = {"downloads": public_downloads(job), "viewer": public_viewer(job)}
    page = render_to_string("recon/_turntable.html", context)
    assert reverse("recon:public_turntable", args=(job.share.key,)) in page
    assert reverse("recon:public_poster", args=(job.share.key,)) in page
    assert str(job.pk) not in page


def test_a_job_without_one_shows_none(job: Job) -> None:
    job.artifacts.filter(kind="turntable").delete()
    assert own(job).strip() == ""


def test_without_a_poster_it_asks_for_none(job: Job) -> None:
    job.artifacts.filter(kind="poster").delete()
    assert "poster=" not in own(job)
