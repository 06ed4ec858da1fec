"""The site's languages: which one a page, a mail and an API answer are in, and how to choose."""

from __future__ import annotations

import json
from string import Formatter
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.fixtures import SettingsWrapper

from accounts import letters
from accounts.models import User
from recon.api.views import status_of
from recon.jobs import lifecycle
from recon.models import Job
from recon.pipeline.errors import explain
from recon.pipeline.photo_check.check_texts import explain_finding
from recon.pipeline.words import progress_texts
from recon.pipeline.words.error_texts import EXPLANATIONS
from recon.pipeline.words.reasons import Reason
from recon.poses.photo_check.findings import Finding
from recon.reporting import message
from recon.templatetags.wording import about, duration, time_range
from tests.site.making import browser_of, finished_job, job_of, person, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

#: Every fact that an explanation may mention.
FACTS = {
    fact
    for explanation in EXPLANATIONS.values()
    for text in explanation.texts
    for _, fact, _, _ in Formatter().parse(text)
    if fact
}
KOREAN = {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"}


def choose(browser: Client, language: str, back_to: str = "/") -> Any:
    data = {"language": language, "next": back_to}
    return browser.post(reverse("language"), data)


def language_of(browser: Client, address: str = "/accounts/sign-in/", **options: Any) -> str:
    response = browser.get(address, **options)
    language = response.headers["Content-Language"]
    assert f'<html lang="{language}"' in response.content.decode()
    return str(language)


# --- Which language ---


@pytest.mark.parametrize(
    ("asked", "served"),
    [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en-US,en", "en"), ("fr,de;q=0.5", "en"), ("", "en")],
)
def test_a_visitor_is_served_in_the_browser_s_language(
    client: Client, asked: str, served: str
) -> None:
    assert language_of(client, headers={"Accept-Language": asked}) == served


def test_a_visitor_s_choice_is_kept_in_a_cookie_and_leads_back(client: Client) -> None:
    response = choose(client, "ko", "/accounts/sign-up/?a=1")
    assert response.status_code == 302
    assert response.url == "/accounts/sign-up/?a=1"
    assert response.cookies["instarecon_language"]["samesite"] == "Lax"
    assert language_of(client) == "ko"
    choose(client, "en")
    assert language_of(client, headers=KOREAN) == "en"


def test_a_choice_never_leads_to_another_site(client: Client) -> None:
    assert choose(client, "ko", "https://example.com/").url == "/"


@pytest.mark.parametrize("language", ["", "fr", "xx", "../ko"])
def test_a_language_that_the_site_does_not_speak_changes_nothing(language: str) -> None:
    ann = person(language="ko")
    browser = browser_of(ann)
    assert choose(browser, language).status_code == 302
    ann.refresh_from_db()
    assert ann.language == "ko"
    assert language_of(browser, "/accounts/") == "ko"


def test_choosing_takes_a_post_with_a_token() -> None:
    ann = person()
    assert browser_of(ann).get(reverse("language")).status_code == 302
    assert choose(browser_of(ann, enforce_csrf_checks=True), "ko").status_code == 403
    ann.refresh_from_db()
    assert ann.language == ""


def test_a_person_s_choice_holds_in_every_browser_and_for_nobody_else() -> None:
    ann, ben = person(), person("ben@example.org")
    choose(browser_of(ann), "ko")
    assert language_of(browser_of(ann), "/accounts/", headers={"Accept-Language": "en"}) == "ko"
    assert language_of(browser_of(ben), "/accounts/") == "en"
    assert language_of(Client()) == "en"


def test_a_new_person_keeps_the_language_that_they_signed_up_in(client: Client) -> None:
    data = {"email": "new@example.org", "password": "correct horse battery"}
    client.post(reverse("accounts:sign_up"), data, headers=KOREAN)
    assert User.objects.get().language == "ko"


def test_the_account_page_sets_it_or_leaves_it_to_the_browser() -> None:
    ann = person()
    browser = browser_of(ann)
    page = browser.post(reverse("accounts:preferences"), {"language": "ko"}, follow=True)
    assert "설정을 저장했어요." in page.content.decode()
    ann.refresh_from_db()
    assert ann.language == "ko"
    choose(browser, "ko")
    browser.post(reverse("accounts:preferences"), {"language": ""})
    assert language_of(browser, "/accounts/") == "en"
    assert language_of(browser, "/accounts/", headers=KOREAN) == "ko"


def test_a_language_that_is_none_is_refused_on_the_account_page() -> None:
    answer = browser_of(person()).post(reverse("accounts:preferences"), {"language": "fr"})
    assert answer.status_code == 400


def test_every_page_offers_the_other_language_under_its_own_name(client: Client) -> None:
    assert 'value="ko" lang="ko">한국어</button>' in client.get("/").content.decode()
    assert ">English</button>" in client.get("/", headers=KOREAN).content.decode()


# --- What is said in that language ---


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_every_error_and_warning_is_explained_in_korean(code: str) -> None:
    facts = dict.fromkeys(FACTS, 7) | {"reason": {"code": "out_of_memory"}}
    english = explain(code, facts)
    with translation.override("ko"):
        korean = explain(code, facts)
    for sentence, original in (
        (korean.sentence, english.sentence),
        (korean.staff_sentence, english.staff_sentence),
    ):
        assert sentence != original
        assert sentence.endswith(("요.", "요).", "(설정의 DATA_DIR)."))


def test_a_reason_is_told_in_korean_where_it_is_one_of_ours() -> None:
    with translation.override("ko"):
        ours = explain("metrics_absent", {"reason": Reason("out_of_memory").to_dict()})
        theirs = explain("metrics_absent", {"reason": Reason.of(ValueError("{odd}")).to_dict()})
    assert ours.title == "품질을 측정하지 못했어요: GPU 메모리가 부족했어요."
    assert theirs.title.startswith("품질을 측정하지 못했어요: 예상하지 못한 문제가 생겼어요.")
    assert theirs.for_staff == "ValueError: {odd}"


def test_a_failed_job_says_why_in_the_language_of_whoever_looks() -> None:
    ann = person(language="ko")
    job = job_of(
        ann,
        status=Job.Status.FAILED,
        step="COLMAP_MAP",
        error_code="too_few_registered",
        error_facts={"registered": 2, "total": 6},
    )
    page = browser_of(ann).get(job.get_absolute_url()).content.decode()
    assert "사진 6장 가운데 2장만 하나의 장면에 자리를 찾았어요." in page
    assert "‘카메라 위치 찾기’ 단계에서 멈춤" in page
    assert "too_few_registered" in page


def test_findings_of_the_photo_check_name_photos_in_korean() -> None:
    finding = Finding("near_duplicates", ("a", "b", "c"))
    with translation.override("ko"):
        explained = explain_finding(finding, {"a": 1, "b": 2, "c": 3})
    assert explained.title == "1~3번 사진이 거의 똑같아요."


PLACED = message("photos_placed", {"placed": 3, "total": 8})
STEP = message("training_step", {"step": 10, "total": 700, "seconds_left": 3})


@pytest.mark.parametrize(
    ("progress", "english", "korean"),
    [
        (
            message("photo", {"number": 3, "total": 8}),
            "photo 3 of 8",
            "사진 8장 중 3번째",
        ),
        (
            message("rung_strong_sift", {"inner": PLACED}),
            "stronger SIFT, with looser limits: 3 of 8 photos placed",
            "더 강한 SIFT, 기준을 낮춰: 사진 8장 중 3장의 자리를 찾음",
        ),
        (
            message("fold", {"number": 2, "total": 5, "inner": STEP}),
            "fold 2 of 5: training step 10 of 700, 3 s left",
            "5번 중 2번째 나눔: 학습 700단계 중 10단계, 3초 남음",
        ),
        (
            message("attempt", {"number": 2, "inner": PLACED}),
            "attempt 2, 3 of 8 photos placed",
            "2번째 시도, 사진 8장 중 3장의 자리를 찾음",
        ),
        (message("pairs_compared", {"count": 1}), "1 pair compared", "사진 쌍 1개를 비교함"),
        (
            message("photo_loaded", {"name": "a: photo {x}.jpg"}),
            "a: photo {x}.jpg loaded",
            "a: photo {x}.jpg 읽음",
        ),
        ({}, "", ""),
    ],
)
def test_what_a_worker_does_is_said_in_the_language_of_whoever_looks(
    progress: dict[str, Any], english: str, korean: str
) -> None:
    assert progress_texts.sentence(progress) == english
    with translation.override("ko"):
        assert progress_texts.sentence(progress) == korean
        assert progress_texts.english(progress) == english  # for the log, whoever is looking


def test_programs_get_what_a_worker_does_as_before_and_people_without_its_own_guess() -> None:
    job = job_of(person(), status=Job.Status.PROCESSING, step="GS_TRAIN", progress=STEP)
    assert status_of(job)["message"] == "training step 10 of 700, 3 s left"
    page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "training step 10 of 700</p>" in page


def test_times_are_said_in_korean() -> None:
    with translation.override("ko"):
        assert duration(4320) == "1시간 12분"
        assert time_range((151, 239)) == "2½~4분"
        assert time_range((4000, 6000)) == "1시간 05분~1시간 40분"
        assert about(41) == "약 40초"


def test_an_untitled_scene_is_named_by_its_time_in_korean() -> None:
    job = job_of(person(), title="")
    with translation.override("ko"):
        assert job.name.endswith("장면")
        assert f"{job.created_at.year}년 {job.created_at.month}월" in job.name


# --- Mails ---


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_queue")
@pytest.mark.parametrize(
    ("language", "subject"),
    [("ko", "‘Fern’ 장면이 완성되었어요"), ("en", "“Fern” is ready"), ("", "“Fern” is ready")],
)
def test_a_mail_about_a_scene_is_in_its_owner_s_language(
    settings: SettingsWrapper, language: str, subject: str
) -> None:
    settings.MAIL_IS_SET_UP = True
    ann = person(mail_when_done=True, language=language)
    job = job_of(ann, title="Fern", status=Job.Status.PROCESSING, step="EXPORT_PLY")
    assert lifecycle.complete(job.pk, 1)
    assert mail.outbox[0].subject == subject


@pytest.mark.usefixtures("mail_set_up")
def test_a_new_password_is_mailed_in_the_language_of_whoever_gets_it(client: Client) -> None:
    person(language="ko")
    client.post(reverse("accounts:password_reset"), {"email": "ann@example.org"})
    letters.send_waiting()
    assert mail.outbox[0].subject == "InstaRecon3D 비밀번호"
    assert mail.outbox[0].body.startswith("안녕하세요.")


# --- The API and the scripts ---


def test_programs_get_sentences_in_the_language_that_they_accept() -> None:
    ann = person(language="ko")
    job = job_of(ann, status=Job.Status.FAILED, step="COLMAP_FEAT", error_code="no_features")
    address = f"/recon/jobs/{job.pk}/status"
    bearer = {"Authorization": f"Bearer {token_of(ann)}"}
    english = Client().get(address, headers=bearer).json()
    korean = Client().get(address, headers=bearer | KOREAN).json()
    assert english["error"].startswith("The photos show too little texture")
    assert korean["error"].startswith("사진에 질감이 너무 적어서")
    assert english["error_code"] == korean["error_code"] == "no_features"
    denied = Client().get(address, headers=KOREAN)
    assert denied.json()["detail"] == "계정 페이지에서 만든 Bearer 토큰을 보내거나 로그인해 주세요."


def test_an_error_page_is_in_korean_too(client: Client) -> None:
    assert "여기에는 아무것도 없어요" in client.get("/nowhere", headers=KOREAN).content.decode()


def test_scripts_get_their_texts_from_an_address_that_changes_with_them(client: Client) -> None:
    assert client.get("/").context["texts_script"] == ""
    address = client.get("/", headers=KOREAN).context["texts_script"]
    answer = client.get(address)
    assert json.dumps("사진 더하기") in answer.content.decode()
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/texts/ko-000000000000.js").status_code == 404
    assert client.get("/texts/fr-.js").status_code == 404


def test_a_page_in_english_says_what_it_said_before_somebody_read_it_in_korean() -> None:
    ann = person(language="ko")
    job = finished_job(ann, shared=True)
    browser_of(ann).get(job.get_absolute_url())
    assert language_of(Client(), f"/v/{job.share.key}") == "en"
