"""API v1: drafts, photos and jobs as a program makes them, and what it is told of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from recon.jobs import tags
from recon.models import Job, StageRun
from recon.pipeline.wishes import Wishes
from tests.site.making import finished_job, job_of, measured_job, noise, person, photo, photos
from tests.site.v1 import ROOT, Program, is_problem, wrong_fields
from tests.videos import video_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture
def program() -> Program:
    return Program(person())


def test_a_draft_is_made_filled_and_started(program: Program) -> None:
    made = program.post("/drafts", {"title": "Fern", "preset": "high", "tags": ["Garden", "2026"]})
    assert made.status_code == 201
    told = made.json()
    assert made["Location"] == f"http://localhost:8000{ROOT}/jobs/{told['job_id']}"
    assert (told["status"], told["title"], told["tags"]) == ("DRAFT", "Fern", ["2026", "Garden"])
    assert told["wishes"]["preset"] == "high"
    jobs = f"/jobs/{told['job_id']}"
    for one in photos(3):
        added = program.upload(f"{jobs}/photos", file=one)
        assert added.status_code == 201, added.content
    listed = program.get(f"{jobs}/photos").json()["items"]
    assert [one["original_name"] for one in listed] == [one.name for one in photos(3)]
    started = program.post(f"{jobs}/start", {"final_refine": False, "share": {"on": True}})
    assert started.status_code == 202, started.content
    told = started.json()
    assert started["Location"].endswith(jobs)
    assert (told["status"], told["image_count"]) == ("PENDING", 3)
    assert told["waiting"]["position"] == 1
    assert told["share"]["on"]
    assert told["share"]["url"].startswith("http://localhost:8000/v/")
    assert told["wishes"] == {
        "preset": "high",
        "original_resolution": False,
        "cross_validate": False,
        "final_refine": False,
        "outlier_filter": "auto",
        "without_poses": False,
        "make_anyway": False,
    }


def test_a_draft_stays_private_and_as_wished_where_nothing_is_sent(program: Program) -> None:
    draft = program.draft(3, title="Fern", cross_validate=True)
    told = program.post(f"/jobs/{draft.pk}/start").json()
    assert (told["title"], told["wishes"]["cross_validate"]) == ("Fern", True)
    assert (told["shared"], told["share"]["url"]) == (False, None)


def test_a_photo_is_known_by_its_content(program: Program) -> None:
    draft = program.draft()
    first, again = program.add(draft, "a.jpg", seed=1), program.add(draft, "b.jpg", seed=1)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_only_what_is_missing_has_to_be_sent(program: Program) -> None:
    earlier = program.draft(2)
    digests = list(earlier.photos.values_list("sha256", flat=True))
    draft = program.draft()
    asked = [{"sha256": one, "name": f"{one[:4]}.jpg"} for one in [*digests, "0" * 64]]
    told = program.post(f"/jobs/{draft.pk}/photos/known", {"photos": asked}).json()
    assert [one["sha256"] for one in told["known"]] == digests
    assert told["missing"] == ["0" * 64]
    assert draft.photos.count() == 2
    other = Program(person("bob@example.org"))
    theirs = other.draft()
    told = other.post(f"/jobs/{theirs.pk}/photos/known", {"photos": asked}).json()
    assert (told["known"], len(told["missing"])) == ([], 3)


def test_each_file_of_several_has_an_outcome_of_its_own(program: Program) -> None:
    draft = program.draft()
    program.add(draft, seed=1)
    files = [
        photo("new.jpg", seed=2),
        photo("same.jpg", seed=1),
        SimpleUploadedFile("broken.jpg", b"no photo"),
    ]
    told = program.upload(f"/jobs/{draft.pk}/photos/bulk", files=files).json()["items"]
    assert [one["outcome"] for one in told] == ["added", "present", "refused"]
    assert [one["original_name"] for one in told] == [file.name for file in files]
    assert told[2]["problem"]["code"] == "photo_unreadable"
    assert "broken.jpg" in told[2]["problem"]["detail"]
    assert draft.photos.count() == 2


def test_a_video_is_accepted_and_can_be_followed(program: Program) -> None:
    draft = program.draft()
    video = SimpleUploadedFile(
        "walk.mp4",
        video_bytes([noise(seed, (160, 120)) for seed in (1, 2) for _ in range(12)]),
        "video/mp4",
    )
    added = program.upload(f"/jobs/{draft.pk}/photos", file=video)
    assert added.status_code == 202, added.content
    where = added["Location"].removeprefix(f"http://localhost:8000{ROOT}")
    assert program.get(where).json()["state"] == "waiting"
    assert len(program.get(f"/jobs/{draft.pk}/videos").json()["items"]) == 1
    assert program.get(f"/jobs/{draft.pk}").json()["videos_waiting"] == 1
    assert program.send("DELETE", where).status_code == 204
    assert is_problem(program.get(where), 404, "no_such_video")


def test_photos_are_ordered_and_taken_out(program: Program) -> None:
    draft = program.draft(3)
    ids = list(draft.photos.values_list("pk", flat=True))
    told = program.send("PUT", f"/jobs/{draft.pk}/photos/order", {"photo_ids": ids[::-1]})
    assert [one["photo_id"] for one in told.json()["items"]] == ids[::-1]
    gone = f"/jobs/{draft.pk}/photos/{ids[0]}"
    assert program.send("DELETE", gone).status_code == 204
    assert is_problem(program.send("DELETE", gone), 404, "no_such_photo")


def test_a_job_is_made_of_photos_in_one_go(program: Program) -> None:
    twice = [*photos(3), photo("again.jpg", seed=0)]
    made = program.upload(
        "/jobs", files=twice, title="Fern", tags=["a", "b"], preset="quick", final_refine="false"
    )
    assert made.status_code == 202, made.content
    told = made.json()
    assert "again.jpg" in told["warnings"][0]
    job = told["job"]
    assert (job["status"], job["image_count"], job["tags"]) == ("PENDING", 3, ["a", "b"])
    assert (job["shared"], job["wishes"]["final_refine"]) == (False, False)
    assert made["Location"].endswith(job["job_id"])
    assert wrong_fields(program.upload("/jobs", files=photos(2))) == {"files"}
    assert wrong_fields(program.upload("/jobs", files=photos(3), preset="ultra")) == {"preset"}
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, ["c", "b", "a"]),
        ({"status": "COMPLETED"}, ["a"]),
        ({"status": ["COMPLETED", "FAILED"]}, ["b", "a"]),
        ({"tag": "GARDEN"}, ["c"]),
        ({"preset": "high"}, ["b"]),
        ({"q": "C"}, ["c"]),
        ({"created_after": "2026-01-02T00:00:00Z"}, ["c", "b"]),
        ({"created_before": "2026-01-02T01:00:00+01:00"}, ["a"]),
    ],
)
def test_jobs_are_listed_by_what_is_asked(
    program: Program, query: dict[str, Any], titles: list[str]
) -> None:
    made = {
        "a": {"status": "COMPLETED"},
        "b": {"status": "FAILED", "error_code": "internal"},
        "c": {"status": "PENDING"},
    }
    for number, (title, fields) in enumerate(made.items()):
        job = job_of(program.owner, title=title, **fields)
        moment = datetime(2026, 1, 1 + number, tzinfo=UTC)
        Job.objects.filter(pk=job.pk).update(created_at=moment)
    tags.put(Job.objects.get(title="c"), ["Garden"])
    Job.objects.filter(title="b").update(wishes=Wishes("high"))
    told = program.get("/jobs", query).json()
    assert [one["title"] for one in told["items"]] == titles
    assert told["total"] == len(titles)


def test_every_job_is_on_one_page_though_others_come_and_go(program: Program) -> None:
    for number in range(5):
        job_of(program.owner, title=str(number), status="COMPLETED")
    seen: list[str] = []
    told = program.get("/jobs", {"limit": 2, "status": ["COMPLETED", "FAILED"]}).json()
    while True:
        seen += [one["title"] for one in told["items"]]
        if told["next"] is None:
            break
        job_of(program.owner, title="late", status="COMPLETED")
        told = program.client.get(told["next"].removeprefix("http://localhost:8000")).json()
    assert seen == ["4", "3", "2", "1", "0"]
    assert is_problem(program.get("/jobs", {"cursor": "nonsense"}), 400, "bad_cursor")


def test_a_list_takes_the_same_few_queries_however_long(
    program: Program, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        job_of(program.owner, status="COMPLETED", psnr=20.0)
    with django_assert_max_num_queries(6):
        assert len(program.get("/jobs").json()["items"]) == 12


def test_a_failure_is_told_as_a_code_and_for_a_person(program: Program) -> None:
    job = job_of(program.owner, status="FAILED", step="COLMAP_MAP", error_code="internal")
    told = program.get(f"/jobs/{job.pk}").json()
    assert (told["step"], told["progress"], told["failed_step"]) == ("ERROR", 0, "COLMAP_MAP")
    assert told["error"]["code"] == told["error_code"] == "internal"
    assert told["error"]["title"]
    assert told["error"]["advice"]


def test_an_answer_that_has_not_changed_is_not_sent_again(program: Program) -> None:
    job = finished_job(program.owner)
    first = program.get(f"/jobs/{job.pk}")
    again = program.get(f"/jobs/{job.pk}", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["RateLimit-Limit"] == "600"
    Job.objects.filter(pk=job.pk).update(title="Other")
    changed = program.get(f"/jobs/{job.pk}", **{"If-None-Match": first["ETag"]})
    assert (changed.status_code, changed.json()["title"]) == (200, "Other")


def test_a_title_tags_and_a_description_are_changed_where_sent(program: Program) -> None:
    job = finished_job(program.owner)
    address = f"/jobs/{job.pk}"
    told = program.send("PATCH", address, {"description": " Moss ", "tags": ["a,b"]}).json()
    assert (told["title"], told["description"], told["tags"]) == (job.title, "Moss", ["a", "b"])
    told = program.send("PATCH", address, {"title": "New", "tags": None}).json()
    assert (told["title"], told["description"], told["tags"]) == ("New", "Moss", [])
    assert wrong_fields(program.send("PATCH", address, {"tilte": "x"})) == {"tilte"}
    assert wrong_fields(program.send("PATCH", address, {"title": "x" * 121})) == {"title"}


def test_a_job_is_stopped_tried_again_and_run_with_other_wishes(program: Program) -> None:
    draft = program.draft(3)
    address = f"/jobs/{draft.pk}"
    assert is_problem(program.post(f"{address}/cancel"), 409, "is_draft")
    program.post(f"{address}/start")
    assert is_problem(program.post(f"{address}/retry"), 409, "not_failed")
    for _ in range(2):
        assert program.post(f"{address}/cancel").json()["status"] == "CANCELLED"
    again = program.post(f"{address}/retry")
    assert (again.status_code, again.json()["status"]) == (202, "PENDING")
    assert again.json()["job_id"] != str(draft.pk)
    other = program.post(f"{address}/run-again", {"preset": "high"})
    assert (other.status_code, other.json()["wishes"]["preset"]) == (202, "high")
    new = program.post(f"{address}/draft")
    assert (new.status_code, new.json()["status"], new.json()["image_count"]) == (201, "DRAFT", 3)
    done = finished_job(program.owner)
    assert is_problem(program.post(f"/jobs/{done.pk}/cancel"), 409, "already_ended")


def test_a_result_has_figures_files_and_their_checksums(program: Program) -> None:
    job = measured_job(program.owner)
    splat = job.artifacts.get(kind="splat")
    content = splat.file.read_bytes()
    splat.sha256 = hashlib.sha256(content).hexdigest()
    splat.save()
    told = program.get(f"/jobs/{job.pk}/result").json()
    assert (told["scene"], told["held_out"]) == ("filtered", 1)
    assert told["figures"]["psnr"] == 22.84
    assert told["quality"]["word"] == "good"
    files = {one["kind"]: one for one in told["artifacts"]}
    assert "first" not in files
    assert files["splat"]["sha256"] == splat.sha256
    path = files["splat"]["url"].removeprefix(f"http://localhost:8000{ROOT}")
    whole = program.get(path)
    assert b"".join(whole) == content
    assert whole["Repr-Digest"].startswith("sha-256=:")
    part = program.get(path, Range="bytes=10-19")
    assert (part.status_code, b"".join(part)) == (206, content[10:20])
    assert program.get(path, **{"If-None-Match": whole["ETag"]}).status_code == 304
    head = program.client.head(ROOT + path)
    assert (head["Content-Length"], head.getvalue()) == (str(len(content)), b"")
    assert is_problem(program.get(f"/jobs/{job.pk}/artifacts/first"), 404, "no_such_artifact")
    running = job_of(program.owner, status="PROCESSING")
    assert is_problem(program.get(f"/jobs/{running.pk}/result"), 404, "no_result")
    assert program.get(f"/jobs/{running.pk}/artifacts").json() == {"items": []}


def test_what_happened_is_told_in_its_order(program: Program) -> None:
    job = finished_job(program.owner, status="FAILED", error_code="internal")
    began = job.started_at
    for number, step in enumerate(("PREFLIGHT", "COLMAP_FEAT")):
        at = began + timedelta(seconds=10 * number)
        StageRun.objects.create(
            job=job,
            attempt=1,
            step=step,
            outcome="done",
            started_at=at,
            ended_at=at + timedelta(seconds=5),
        )
    told = program.get(f"/jobs/{job.pk}/events").json()["items"]
    assert {one["kind"] for one in told} == {"created", "queued", "started", "step", "ended"}
    steps = [one for one in told if one["kind"] == "step"]
    assert [(one["step"], one["seconds"]) for one in steps] == [
        ("PREFLIGHT", 5.0),
        ("COLMAP_FEAT", 5.0),
    ]
    assert [one["outcome"] for one in told if one["kind"] == "ended"] == ["failed"]
    assert [one["at"] for one in told] == sorted(one["at"] for one in told)


def test_a_log_is_read_part_by_part(program: Program) -> None:
    job = finished_job(program.owner)
    lines = [f"10:00:{n:02} line {n}\n" for n in range(20)]
    job.workspace.log.parent.mkdir(parents=True, exist_ok=True)
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\n'
    job.workspace.log.write_text("".join(lines) + trace + "no line break at the end")
    read, at = "", 0
    while True:
        part = program.get(f"/jobs/{job.pk}/log", {"offset": at, "limit": 100}).json()
        read, at = read + part["text"], part["next_offset"]
        if part["ended"]:
            break
    assert read == "".join(lines) + "no line break at the end"
    far = program.get(f"/jobs/{job.pk}/log", {"offset": 10**6}).json()
    assert (far["text"], far["ended"], far["offset"]) == ("", True, far["size"])
    waiting = job_of(program.owner)
    assert program.get(f"/jobs/{waiting.pk}/log").json()["ended"] is False


def test_sharing_is_changed_and_ended(program: Program) -> None:
    job = finished_job(program.owner)
    address = f"/jobs/{job.pk}/share"
    key = job.share.key
    told = program.send(
        "PATCH", address, {"on": True, "password": "under the mat", "downloads": "splat"}
    ).json()
    assert (told["on"], told["has_password"], told["downloads"]) == (True, True, "splat")
    assert told["key"] == key
    told = program.send("PATCH", address, {"password": None, "until": "2036-01-01T00:00:00"}).json()
    assert (told["has_password"], told["until"]) == (False, "2036-01-01T00:00:00Z")
    told = program.send("PATCH", address, {"new_link": True, "until": None}).json()
    assert (told["on"], told["until"]) == (True, None)
    assert told["key"] != key
    assert Client().get(f"/v/{told['key']}").status_code == 200
    assert program.send("DELETE", address).status_code == 204
    assert Client().get(f"/v/{told['key']}").status_code == 404
    for field, wrong in {"until": "2001-01-01T00:00:00Z", "password": "abc"}.items():
        assert wrong_fields(program.send("PATCH", address, {field: wrong})) == {field}
    draft = program.draft()
    assert is_problem(program.get(f"/jobs/{draft.pk}/share"), 409, "is_draft")


def test_the_site_says_how_busy_it_is_and_what_it_takes(program: Program) -> None:
    job_of(program.owner, status="PENDING")
    queue = program.get("/queue").json()
    assert (queue["queued"], queue["jobs"][0]["position"]) == (1, 1)
    assert queue["starts_in"]["low"] <= queue["starts_in"]["high"]
    limits = Client().get(f"{ROOT}/limits").json()
    assert (limits["min_photos"], limits["max_photos"]) == (3, 20)
    presets = program.get("/presets", {"photos": 5}).json()
    assert [one["name"] for one in presets["items"]] == ["quick", "standard", "high"]
    assert program.get("/quota").json()["active_jobs"] == {"used": 1, "most": 10}
    account = program.get("/account").json()
    assert (account["email"], account["token"]["name"]) == (program.owner.email, "a test")
    assert set(account["scopes"]) == {"read", "upload", "manage", "delete"}


def test_a_draft_is_checked_and_a_started_job_is_not(program: Program) -> None:
    draft = program.draft(1)
    told = program.get(f"/jobs/{draft.pk}/check").json()
    assert told["state"] in ("coming", "absent", "current")
    assert told["findings"] == []
    job = finished_job(program.owner)
    assert is_problem(program.get(f"/jobs/{job.pk}/check"), 409, "not_a_draft")


def test_what_was_started_is_not_changed_any_more(program: Program) -> None:
    job = finished_job(program.owner)
    assert is_problem(program.add(job), 409, "draft_started")
    assert is_problem(program.post(f"/jobs/{job.pk}/start"), 409, "draft_started")


def test_a_job_that_waits_says_why(program: Program) -> None:
    draft = program.draft(3)
    told = program.post(f"/jobs/{draft.pk}/start").json()["waiting"]
    assert told["position"] == 1
    assert told["reason"] == {
        "code": "no_worker_yet",
        "text": "No machine has made a scene here yet.",
    }


def test_a_scene_is_kept_from_deletion_for_its_age_or_not(program: Program, settings: Any) -> None:
    settings.RETENTION_DAYS, settings.RETENTION_WARNING_DAYS = 30, 7
    job = finished_job(program.owner)
    told = program.get(f"/jobs/{job.pk}").json()
    assert not told["is_kept"]
    assert told["deleted_at"] is not None
    answer = program.send("PATCH", f"/jobs/{job.pk}", {"is_kept": True}).json()
    assert (answer["is_kept"], answer["deleted_at"]) == (True, None)
    renamed = program.send("PATCH", f"/jobs/{job.pk}", {"title": "Moss", "is_kept": None}).json()
    assert (renamed["is_kept"], renamed["title"]) == (True, "Moss")
    assert not program.send("PATCH", f"/jobs/{job.pk}", {"is_kept": False}).json()["is_kept"]


def test_a_draft_can_t_be_kept(program: Program) -> None:
    draft = program.draft()
    wish = {"title": "Moss", "is_kept": True}
    assert is_problem(program.send("PATCH", f"/jobs/{draft.pk}", wish), 409, "is_draft")
    draft.refresh_from_db()
    assert draft.title == "", "nothing of it was done"
