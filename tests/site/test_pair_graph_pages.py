"""The picture of how photos overlap: on a draft's page, after a failure, and never on a share."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from recon.jobs.drafts import checks, drafts
from recon.jobs.drafts.checks import State
from recon.models import Job
from recon.pipeline.outcome import PreparedPhotos, write_pair_graph
from recon.pipeline.photo_check.report import CheckReport
from recon.poses import pair_graph as poses_graph
from recon.poses.colmap.pairs import Pair
from recon.poses.photo_check.findings import Finding
from recon.web.overlap import graph_layout, pair_graph
from tests.site.making import browser_of, finished_job, job_of, person, photo, token_of
from tests.site.matching import write_matching

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

#: How long a preset takes: the tag's other attributes and the sentence.
PRESET_SAID = r'<span class="helptext" id="preset-said-%s"([^>]*)>([^<]*)</span>'


@pytest.fixture
def draft(data_dir: Path) -> Job:
    """Three photos of nothing, too small, and checked."""
    made = drafts.create_draft(person())
    for name in "abc":
        drafts.add_photo(made, photo(f"{name}.jpg", size=(480, 360)))
    checks.check_photos(str(made.pk))
    return made


@pytest.fixture
def browser(draft: Job) -> Client:
    return browser_of(draft.owner)


def check_url(job: Job) -> str:
    return reverse("recon:check", args=[job.pk])


# --- The draft ---


def test_the_draft_shows_the_picture_the_sentences_and_the_same_in_words(
    browser: Client, draft: Job
) -> None:
    page = browser.get(draft.get_absolute_url()).content.decode()
    assert "Photos 1 to 3 are small: 480×360 pixels." in page
    assert "So far, few points in common were found between photo 1, photo 2, and photo 3." in page
    assert "If they show one place, photos from between 1 and 2 and between 2 and 3 would" in page
    assert page.count("<image ") == 3
    assert "Photo 2 overlaps no other." in page
    assert "3 groups: 1; 2; 3." in page
    for one in draft.photos.all():
        assert f'id="photo-{one.pk}"' in page
        assert f'href="#photo-{one.pk}"' in page


def test_a_poll_brings_what_the_presets_take_with_the_photos_of_now(
    browser: Client, draft: Job
) -> None:
    page = browser.get(draft.get_absolute_url()).content.decode()
    drafts.add_photo(draft, photo("d.jpg", size=(480, 360)))
    answer = browser.get(check_url(draft)).content.decode()
    for preset in Job.Preset.values:
        stale, current = (re.search(PRESET_SAID % preset, html) for html in (page, answer))
        assert stale is not None, "the page has a place for the answer"
        assert current is not None
        assert "with 3 photos" in stale[2]
        assert "with 4 photos" in current[2]
        assert 'hx-swap-oob="true"' in current[1]
        assert "oob" not in stale[1]


def test_photos_of_a_finding_can_be_dropped_where_that_may_help(
    browser: Client, draft: Job
) -> None:
    first, second, _ = draft.photos.all()
    blurred = Finding("blurred", (second.name,), {"percent": 70})
    thin = Finding("thin_link", (first.name, second.name), {"points": 15})
    report = CheckReport.read(draft.workspace.check)
    replace(report, findings=(blurred, thin)).write(draft.workspace.check)
    page = browser.get(check_url(draft)).content.decode()
    assert "<strong>Photo 2 is blurred.</strong> It shows 70% less fine detail" in page
    drop = reverse("recon:drop_photo", args=[draft.pk, second.pk])
    assert page.count(f'formaction="{drop}"') == 1
    assert page.count("Show photo 2") == 2
    browser.post(drop)
    page = browser.get(check_url(draft)).content.decode()
    assert "blurred" not in page, "it is gone, and so is what was said about it"
    assert page.count("<image ") == 2


def test_the_page_asks_again_until_the_report_is_about_these_photos(
    browser: Client, draft: Job
) -> None:
    current = browser.get(check_url(draft)).content.decode()
    assert 'data-check="current"' in current
    assert 'hx-trigger="draft:changed from:body"' in current
    drafts.drop_photo(draft, draft.photos.first().pk)
    absent = browser.get(check_url(draft)).content.decode()  # without Redis in this test
    assert 'hx-trigger="draft:changed from:body, every 10s"' in absent
    assert "The photo check is not available right now." in absent


@pytest.mark.parametrize(
    ("state", "findings", "short"),
    [
        (State.COMING, [], "checking"),
        (State.CURRENT, [], "no problems"),
        (State.CURRENT, ["small"], "1 hint"),
        (State.CURRENT, ["small", "few_common_points"], "2 hints"),
        (State.ABSENT, [], ""),
    ],
)
def test_what_it_found_is_said_in_short_beside_the_start(
    browser: Client,
    draft: Job,
    monkeypatch: pytest.MonkeyPatch,
    state: State,
    findings: list[str],
    short: str,
) -> None:
    report = CheckReport.read(draft.workspace.check)
    report = replace(report, findings=tuple(f for f in report.findings if f.code in findings))
    monkeypatch.setattr(checks, "state_of", lambda job: checks.Check(state, report))
    assert f'data-short="{short}"' in browser.get(check_url(draft)).content.decode()
    page = browser.get(draft.get_absolute_url()).content.decode()
    hidden = "" if short else " hidden"
    assert f'<a href="#check" data-start-check{hidden}>{short}</a>' in page


def test_a_draft_without_photos_has_no_picture(browser: Client, draft: Job) -> None:
    for sent in draft.photos.all():
        drafts.drop_photo(draft, sent.pk)
    response = browser.get(check_url(draft))
    assert re.search(r'<section id="check"[^>]* hidden>', response.content.decode())
    assert b"<svg" not in response.content


def test_only_its_owner_sees_a_draft_s_check(browser: Client, draft: Job) -> None:
    assert browser.get(check_url(draft)).status_code == 200
    assert browser_of(person("bob@example.org")).get(check_url(draft)).status_code == 404
    assert Client().get(check_url(draft)).status_code == 302
    fragment = Client().get(check_url(draft), headers={"HX-Request": "true"})
    assert fragment.status_code == 401
    assert browser.post(check_url(draft)).status_code == 405


def test_the_page_of_a_draft_that_was_started_elsewhere_loads_anew(
    browser: Client, draft: Job
) -> None:
    drafts.start(draft)
    response = browser.get(check_url(draft))
    assert (response.status_code, response["HX-Refresh"]) == (286, "true")


def test_programs_get_the_findings_with_the_draft(draft: Job) -> None:
    client = Client(headers={"Authorization": f"Bearer {token_of(draft.owner)}"})
    told = client.get(f"/recon/jobs/{draft.pk}/status").json()["check"]
    assert told["state"] == "current"
    assert [found["code"] for found in told["findings"]] == ["small", "few_common_points"]
    assert told["findings"][0]["photos"] == [photo.name for photo in draft.photos.all()]
    assert told["findings"][0]["title"].startswith("Photos 1 to 3 are small")
    assert told["groups"] == [[photo.name] for photo in draft.photos.all()]
    drafts.start(draft)
    assert client.get(f"/recon/jobs/{draft.pk}/status").json()["check"] is None


# --- After the matching ---


def test_a_failed_job_shows_the_real_matching_and_what_to_shoot_next() -> None:
    job = job_of(person(), status=Job.Status.FAILED, step="COLMAP_MAP", error_code="internal")
    write_matching(job, [(0, 1, 140)], [True, True, False])
    page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "How the photos overlap" in page
    assert "Photo 3 has nothing in common with the others." in page
    assert "a photo that overlaps with it and with the others would help" in page
    assert "between 2 and 3" not in page, "it may show another place"
    assert "drop-photo" not in page
    assert page.count("<line ") == 1
    assert page.count('class="node left-out"') == 1
    assert "Photo 3 overlaps no other, and could not be placed in the scene." in page
    assert "Photos with a dashed frame could not be placed in the scene." in page
    third = job.photos.last()
    assert page.count(f'id="photo-{third.pk}"') == 1


def test_a_copy_stands_beside_its_photo_and_is_called_so() -> None:
    job = job_of(person(), status=Job.Status.FAILED, step="COLMAP_MAP", error_code="internal")
    write_matching(job, [(0, 1, 140)], [True, True, False])
    first, second, copy = PreparedPhotos.read(job.workspace).photos
    copies = {copy.stored_name: first.stored_name}
    PreparedPhotos(photos=(first, second), copies=copies).write(job.workspace)
    pair = Pair(first.name, second.name, 140)
    names = [first.name, second.name]
    write_pair_graph(job.workspace, poses_graph.make_pair_graph(names, [pair], registered=names))
    picture = pair_graph.of_matching(job)
    assert picture is not None
    assert picture.words[-1] == "Photo 3 is a copy of photo 1 and was left out."
    assert [node.state for node in picture.nodes] == ["", "", "left-out"]
    assert (picture.said, picture.boxes) == ([], [])


@pytest.mark.parametrize("content", ['{"version": 1, "pairs": []}', "{", '{"version": 99}'])
def test_a_file_of_another_version_is_no_error_and_the_page_goes_without(
    content: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = job_of(person(), status=Job.Status.FAILED, step="COLMAP_MAP", error_code="internal")
    write_matching(job, [(0, 1, 140)], [None, None, None])
    job.workspace.pairs_json.write_text(content)
    page = browser_of(job.owner).get(job.get_absolute_url())
    assert page.status_code == 200
    assert "<line " not in page.content.decode()
    told = [record for record in caplog.records if "pairs.json" in record.getMessage()]
    assert {record.levelname for record in told} == {"WARNING"}
    assert "is damaged or of another version" in told[0].getMessage()


def test_thin_links_and_groups_get_a_word() -> None:
    job = job_of(person(), status=Job.Status.FAILED, step="COLMAP_MAP", error_code="internal")
    write_matching(job, [(0, 1, 140), (1, 2, 17)], [None, None, None])
    picture = pair_graph.of_matching(job)
    assert [said.code for said in picture.said] == ["thin_link"]
    assert (
        picture.said[0].title
        == "Photos 2 and 3 share only a few points, and the scene depends on them."
    )
    write_matching(job, [], [None, None, None])
    assert [said.code for said in pair_graph.of_matching(job).said] == ["nothing_in_common"]


def test_a_job_that_failed_before_the_matching_has_no_picture() -> None:
    job = job_of(person(), status=Job.Status.FAILED, step="PREFLIGHT", error_code="internal")
    page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "How the photos overlap" not in page


def test_a_finished_scene_shows_its_owner_what_was_left_out_and_nobody_else() -> None:
    job = finished_job(person(), shared=True)
    write_matching(job, [(0, 1, 90), (1, 2, 80)], [True, True, True])
    browser = browser_of(job.owner)
    assert b"How the photos overlap" not in browser.get(job.get_absolute_url()).content
    write_matching(job, [(0, 1, 90), (1, 2, 80)], [True, True, False])
    assert b"How the photos overlap" in browser.get(job.get_absolute_url()).content
    shared = Client().get(reverse("recon:public", args=[job.share.key])).content
    assert b"overlap" not in shared
    assert b"/photos/" not in shared


# --- Where the photos stand ---


def distances(names: list[str], layout: graph_layout.Layout) -> np.ndarray:
    points = np.array([layout.places[name] for name in names])
    return np.abs(points[:, None] - points[None])


@pytest.mark.parametrize("count", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("shape", ["chain", "everybody"])
def test_no_photo_covers_another_and_all_are_inside(count: int, shape: str) -> None:
    names = [f"{index:02}" for index in range(count)]
    links = pairwise(names)
    if shape == "everybody":
        links = ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
    strengths = dict.fromkeys(links, 60.0)
    layout = graph_layout.arrange([names], strengths)
    width, height = graph_layout.TILE
    apart = distances(names, layout) + np.eye(count)[..., None] * 1e3
    assert ((apart[..., 0] >= width) | (apart[..., 1] >= height)).all()
    for x, y in layout.places.values():
        assert width / 2 <= x <= layout.width - width / 2
        assert height / 2 <= y <= layout.height - height / 2


def test_linked_photos_stand_nearer_than_others_and_groups_apart() -> None:
    names = [f"{index}" for index in range(6)]
    strengths = dict.fromkeys(pairwise(names[:4]), 80.0) | {("4", "5"): 50.0}
    layout = graph_layout.arrange([names[:4], names[4:]], strengths)
    far = np.hypot(*np.moveaxis(distances(names[:4], layout), 2, 0))
    assert far[0, 1] < far[0, 2] < far[0, 3]
    first, second = layout.boxes
    assert second.x >= first.x + first.width or second.y >= first.y + first.height
    assert graph_layout.arrange([names[:4], names[4:]], strengths) == layout
