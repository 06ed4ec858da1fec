"""The client without a site: which files it sends, when it tries again, and what it loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recon.client import NotReached, Refused, WrongFile, errors, exchange, photo_files
from recon.client.answers import Artifact
from recon.client.cli import command
from recon.client.download import download, target_of
from recon.client.errors import WrongUse
from recon.client.exchange import Answer, LineLost, Pause, Request, Steps, send
from recon.client.line import site_address
from recon.pipeline.words.error_texts import EXPLANATIONS
from tests.photos import PROJECT

A_GET = Request(method="GET", path="/api/v1/queue")


def carry_out(
    steps: Steps[Any], *happens: Answer | LineLost
) -> tuple[Any, list[Request], list[float]]:
    """The steps' result, the requests and the pauses, where the requests meet with `happens`."""
    requests, pauses, waiting = [], [], list(happens)
    step = next(steps)
    try:
        while True:
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                step = steps.send(None)
                continue
            requests.append(step)
            met = waiting.pop(0)
            if isinstance(met, Answer) and step.into is not None:
                step.into.begin(met.status, met.headers)
                step.into.write(met.body)
            step = steps.throw(met) if isinstance(met, LineLost) else steps.send(met)
    except StopIteration as done:
        return done.value, requests, pauses


def answer(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


LOST = LineLost("gone", answered=True)


def test_a_request_is_sent_again_with_the_same_key_and_longer_pauses() -> None:
    steps = send(Request(method="POST", path="/api/v1/drafts"))
    done, requests, pauses = carry_out(steps, LOST, answer(502), LOST, LOST, answer(201))
    assert done.status == 201
    assert len({request.headers["Idempotency-Key"] for request in requests}) == 1
    assert pauses == sorted(pauses)
    assert 0.3 < pauses[0] < 0.7


@pytest.mark.parametrize(
    ("status", "headers", "code", "tries"),
    [
        (429, {"retry_after": "7"}, "too_many_requests", 2),
        (429, {"retry_after": "7"}, "quota_jobs_a_day", 1),
        (429, {"retry_after": "900"}, "too_many_requests", 1),
        (503, {"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "too_busy", 2),
        (503, {}, "disk_full", 1),
        (409, {}, "idempotency_in_progress", 2),
        (500, {}, "server_error", 1),
        (404, {}, "no_such_job", 1),
    ],
)
def test_only_what_may_pass_is_tried_again(
    status: int, headers: dict[str, str], code: str, tries: int
) -> None:
    refusal = answer(status, b'{"detail": "No.", "code": "%s"}' % code.encode(), **headers)
    if tries == 1:
        with pytest.raises(Refused, match=r"^No\.") as refused:
            carry_out(send(A_GET), refusal)
        assert (refused.value.status, refused.value.code) == (status, code)
        return
    _, requests, pauses = carry_out(send(A_GET), refusal, answer(200))
    assert len(requests) == tries
    assert pauses[0] >= float(headers.get("retry_after", "0")[:1].replace("W", "0"))


def test_a_site_that_never_answers_is_given_up_sooner_than_one_that_did() -> None:
    never = [LineLost("refused", answered=False)] * exchange.TRIES_OF_THE_FIRST
    for losses in (never, [LOST] * exchange.TRIES):
        with pytest.raises(NotReached, match="can't be reached"):
            carry_out(send(A_GET), *losses)


@pytest.mark.parametrize("body", [b"<html>Sign in to the hotel", b"[]", b"\xff"])
def test_a_page_of_somebody_else_is_not_taken_for_the_site(body: bytes) -> None:
    with pytest.raises(NotReached, match="not an InstaRecon3D site"):
        answer(200, body).read_as(Artifact)
    with pytest.raises(NotReached, match=r"https://example\.org/"):
        carry_out(send(A_GET), answer(301, location="https://example.org/"))


def test_a_file_that_stays_wrong_is_not_kept(tmp_path: Path) -> None:
    artifact = Artifact(kind="spz", name="a.spz", size=3, sha256="0" * 64)
    steps = download("0" * 32, artifact, tmp_path, overwrite=False, on_bytes=lambda _: None)
    with pytest.raises(WrongFile, match="checksum"):
        carry_out(steps, answer(200, b"abc"), answer(200, b"abc"))
    assert not (tmp_path / "a.spz").exists()


@pytest.mark.parametrize(
    ("name", "lies_at"),
    [("scene.ply", "scene.ply"), ("../../.bashrc", "bashrc"), ("a\\b.ply", "b.ply"),
     ("/", "spz"), ("..", "spz")],
)  # fmt: skip
def test_a_site_can_t_choose_the_folder(tmp_path: Path, name: str, lies_at: str) -> None:
    artifact = Artifact(kind="spz", name=name, size=1)
    assert target_of(artifact, tmp_path) == tmp_path / lies_at


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "photo"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "photo"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "photo"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", None),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "photo"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", "photo"),
        (b"\x00\x00\x00\x18ftypqt  \x00\x00\x00\x00", "video"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x00", None),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f", "video"),
        (b"II*\x00\x08\x00\x00\x00", None),
        (b"", None),
    ],
)
def test_photos_and_videos_are_known_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert photo_files.kind_of(head) == kind


def test_files_are_chosen_by_name_and_each_once(tmp_path: Path) -> None:
    jpeg = b"\xff\xd8\xff"
    for name, content in {"b": jpeg + b"1", "a.jpg": jpeg + b"2", "copy of b": jpeg + b"1",
                          ".hidden": jpeg + b"3", "c.txt": b"text"}.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    files, others = photo_files.find([tmp_path, tmp_path / "b"])
    assert [file.path.name for file in files] == ["a.jpg", "b"]
    assert [path.name for path in others] == ["c.txt"]


@pytest.mark.parametrize(
    ("given", "address"),
    [("example.org", "https://example.org"), ("http://localhost:8000/", "http://localhost:8000"),
     ("https://example.org/3d/?x#y", "https://example.org/3d")],
)  # fmt: skip
def test_addresses_are_kept_in_one_form(given: str, address: str) -> None:
    assert site_address(given) == address


@pytest.mark.parametrize("given", ["ftp://example.org", "https://", "", "https://ann@example.org"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(WrongUse):
        site_address(given)


def test_whose_fault_a_code_is_agrees_with_the_core() -> None:
    """What has words for staff is theirs to mend."""
    for_staff = {code for code, explanation in EXPLANATIONS.items() if explanation.for_staff}
    warnings = {"reduced_after_out_of_memory", "poses_moved"}
    assert for_staff - warnings == errors.SITE_FAULTS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_learn_to_complete_the_command(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["completion", shell]) == 0
    assert f"_INSTARECON_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_completion_offers_commands_and_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_INSTARECON_COMPLETE", "bash_complete")
    for words, position, offered in (("instarecon s", 1, {"share", "status"}),
                                     ("instarecon upload --preset ", 3, {"quick"}),
                                     ("instarecon wait --t", 2, {"--timeout"})):  # fmt: skip
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(position))
        with pytest.raises(SystemExit):
            command.main([])
        lines = capsys.readouterr().out.splitlines()
        assert offered <= {line.partition(",")[2] for line in lines}


def test_reconstruct_runs_the_core_under_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["reconstruct", "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: instarecon reconstruct")
    with pytest.raises(SystemExit) as wrong:
        command.main(["reconstruct", "PHOTOS/", "--preset", "none"])
    assert wrong.value.code == 2


def test_the_client_loads_nothing_heavy_before_it_is_used() -> None:
    program = (
        "import sys, recon.client.cli.command; heavy = ('django', 'torch', 'numpy', 'pycolmap', "
        "'httpx', 'recon.pipeline'); print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
