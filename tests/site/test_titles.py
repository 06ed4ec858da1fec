"""Scenes that nobody gave a title: named by their photos' day or the time, and distinguishable."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone, translation
from PIL import Image

from recon.jobs import submit, titles
from recon.jobs.drafts import drafts, known_photos, places
from recon.models import Job
from recon.poses import exif
from tests.site.making import GPS_IFD, LATITUDE, browser_of, person, photo_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

EXIF_IFD, TAKEN = 0x8769, 0x9003


def taken(*days: Any) -> list[SimpleUploadedFile]:
    """Photos with the time and place that their cameras recorded."""
    made = []
    for number, day in enumerate(days):
        tags = Image.Exif()
        tags.get_ifd(GPS_IFD)[LATITUDE] = (52.0, 31.0, 12.0)
        if day:
            tags.get_ifd(EXIF_IFD)[TAKEN] = day
        content = photo_bytes(number, exif=tags.tobytes())
        made.append(SimpleUploadedFile(f"{number}.jpg", content, "image/jpeg"))
    return made


THIRD_OF_MAY = ("2026:05:04 00:10:00", "2026:05:03 23:59:59", "")


def draft_of(owner: Any, *days: str, **wishes: Any) -> Job:
    draft = drafts.create_draft(owner, **wishes)
    for upload in taken(*days):
        drafts.add_photo(draft, upload)
    return draft


def started(draft: Job, **wishes: Any) -> str:
    assert drafts.start(draft, **wishes)
    return Job.objects.get(pk=draft.pk).title


def test_it_is_the_day_of_the_first_photo_with_a_number_behind_it() -> None:
    ann = person()
    assert submit.create_job(ann, taken(*THIRD_OF_MAY)).title == "3 May 2026"
    assert started(draft_of(ann, *THIRD_OF_MAY), title="") == "3 May 2026 (2)"
    assert submit.create_job(ann, taken(*THIRD_OF_MAY)).title == "3 May 2026 (3)"
    assert submit.create_job(person("bob@example.org"), taken(*THIRD_OF_MAY)).title == "3 May 2026"
    with translation.override("ko"):
        assert submit.create_job(ann, taken(*THIRD_OF_MAY)).title.startswith("2026년 5월 3일")


def test_a_given_title_stays_as_it_is() -> None:
    ann = person()
    assert submit.create_job(ann, taken(*THIRD_OF_MAY), title="Fern").title == "Fern"
    assert started(draft_of(ann, *THIRD_OF_MAY, title="Fern")) == "Fern"


def test_a_title_that_somebody_typed_stays_theirs_whatever_it_says() -> None:
    """Even if it is what the site would have chosen."""
    ann = person()
    typed = submit.create_job(ann, taken(*THIRD_OF_MAY), title="3 May 2026")
    assert typed.automatic_title == ""
    assert submit.create_job(ann, taken(*THIRD_OF_MAY), title="3 May 2026").title == "3 May 2026"
    assert submit.run_again(typed).title == "3 May 2026"
    assert started(draft_of(ann, *THIRD_OF_MAY, title="3 May 2026 (7)")) == "3 May 2026 (7)"
    automatic = submit.create_job(ann, taken(*THIRD_OF_MAY))
    titles.rename(automatic, "The hall")
    assert submit.run_again(automatic).title == "The hall", "it counts as chosen now"


def test_an_automatic_title_is_one_in_every_language() -> None:
    ann = person()
    with translation.override("ko"):
        job = submit.create_job(ann, taken(*THIRD_OF_MAY))
    assert submit.run_again(job).title == "3 May 2026"
    assert submit.run_again(job, title="The hall").title == "The hall"


def test_an_earlier_run_s_automatic_title_may_be_shared_from_the_start() -> None:
    """Its owner has read it."""
    job = submit.create_job(person(), taken(*THIRD_OF_MAY))
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED)
    job.refresh_from_db()
    assert started(drafts.draft_from(job), shared=True) == "3 May 2026 (2)"


def test_a_place_of_its_own_has_a_title_of_its_own() -> None:
    job = submit.create_job(person(), taken(*THIRD_OF_MAY))
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED)
    job.refresh_from_db()
    made = places.scene_of(job, [photo.pk for photo in job.photos.all()], number=2)
    assert (made.title, made.automatic_title) == ("3 May 2026 (2)", "3 May 2026 (2)")
    assert started(made) == "3 May 2026 (2)"


def test_another_run_of_the_same_photos_gets_the_next_number() -> None:
    job = submit.create_job(person(), taken(*THIRD_OF_MAY))
    assert submit.run_again(job).title == "3 May 2026 (2)"
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED)
    job.refresh_from_db()
    assert started(drafts.draft_from(job)) == "3 May 2026 (3)"


def test_a_photo_that_is_known_keeps_its_day() -> None:
    draft = draft_of(person(), *THIRD_OF_MAY)
    fresh = drafts.create_draft(draft.owner)
    for photo in draft.photos.all():
        assert known_photos.add_known(fresh, photo.sha256, name="a.jpg")
    assert started(fresh) == "3 May 2026"


def test_where_no_day_is_told_the_minute_is_and_a_number_if_need_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime(2026, 11, 30, 14, 5, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    ann = person()
    jobs = [submit.create_job(ann, taken("", "", "3 May")) for _ in range(3)]
    assert jobs[0].title == "", "the name follows, in the reader's language"
    assert [job.name for job in jobs] == [
        "Scene from 30 Nov 2026, 14:05",
        "Scene from 30 Nov 2026, 14:05 (2)",
        "Scene from 30 Nov 2026, 14:05 (3)",
    ]


def test_a_start_leaves_a_scene_the_name_that_its_draft_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long its photos took to arrive."""
    now = datetime(2026, 11, 30, 14, 5, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    ann = person()
    undated, other, dated = draft_of(ann, "", "", ""), draft_of(ann, "", ""), draft_of(ann)
    for upload in taken(*THIRD_OF_MAY):
        drafts.add_photo(dated, upload)
    drafts.add_photo(other, taken("", "", "")[2])
    browser, names = browser_of(ann), []
    now += timedelta(minutes=17)
    for draft in (undated, other, dated):
        shown = [browser.get(f"/jobs/{draft.pk}/{part}") for part in ("", "check/")]
        [name] = {re.search(r'<h1 id="draft-name".*?>(.*?)<', _text(one))[1] for one in shown}  # type: ignore[index]
        started(draft, title="")
        assert Job.objects.get(pk=draft.pk).name == name
        names.append(name)
    first = "Scene from 30 Nov 2026, 14:05"
    assert names == [first, f"{first} (2)", "3 May 2026"]
    assert Job.objects.get(pk=undated.pk).created_at == now, "it waits behind earlier ones"


def _text(page: Any) -> str:
    return str(page.content.decode())


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026:05:03 14:05:00", date(2026, 5, 3)),
        ("2026:05:03", date(2026, 5, 3)),
        ("0000:00:00 00:00:00", None),
        ("1970:01:01 00:00:00", None),
        ("2026:02:31 10:00:00", None),
        ("3 May 2026", None),
    ],
)
def test_a_day_is_what_a_camera_can_have_meant(said: str, day: date | None) -> None:
    [photo] = taken(said)
    with Image.open(photo) as image:
        assert exif.day_taken(image) == day


def test_whoever_shares_at_once_does_not_tell_the_day() -> None:
    ann = person()
    assert submit.create_job(ann, taken(*THIRD_OF_MAY), shared=True).title == ""
    assert "May" not in started(draft_of(ann, *THIRD_OF_MAY), shared=True)


def test_sample_scenes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "sample_photos", list)  # rendering them takes many seconds
    ann = person()
    names = [submit.create_sample_job(ann).title for _ in range(2)]
    assert names == ["Sample photos", "Sample photos (2)"]
    again = titles.titles_of(Job(owner=ann, automatic_title=names[1]), names[1], [], shared=False)
    assert again["title"] == "Sample photos (3)"
