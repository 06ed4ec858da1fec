"""The photo check on whole sets: what it says, what it doesn't, and what it does again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.parts import planted_faults
from recon.pipeline.cli import command as command_line
from recon.pipeline.photo_check import check, check_cache
from recon.pipeline.photo_check.check_texts import explain_findings
from recon.pipeline.photo_check.report import CheckReport
from tests.core.walls import write_wall
from tests.photos import real_photos, rendered_photos

pytestmark = pytest.mark.slow

Fault = planted_faults.Fault


def photos() -> list[Path]:
    """Six neighbouring photos of one place."""
    return rendered_photos()[:6]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A check's folder in which `photos()` are known, so that a test only looks at what is new."""
    folder = tmp_path_factory.mktemp("check")
    check.check(photos(), folder)
    return folder


def checked(files: list[Path], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The report on `files` and what it says."""
    report = check.check(files, folder)
    numbers = {path.name: number for number, path in enumerate(files, start=1)}
    return report, [said.sentence for said in explain_findings(report.findings, numbers)]


def planted(source: Path, target: Path, fault: Fault) -> Path:
    planted_faults.plant(fault, source, target, np.random.default_rng(5))
    return target


def findings(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(finding.code, list(finding.photos)) for finding in report.findings]


def test_nothing_is_said_against_good_photos(known: Path) -> None:
    report, said = checked(photos(), known)
    names = [path.name for path in photos()]
    assert said == []
    assert report.complete
    assert [photo.name for photo in report.photos] == names
    assert report.groups == (tuple(names),)
    assert len(report.pairs) == 15
    assert all(pair.a < pair.b and pair.inliers >= 15 for pair in report.pairs)
    assert all(photo.focal_known for photo in report.photos)
    assert CheckReport.read(known) == report


@pytest.mark.parametrize("kind", ["defocus 0.35%", "motion 0.7%"])
def test_a_blurred_photo_is_found_among_its_siblings(
    kind: str, known: Path, tmp_path: Path
) -> None:
    files = photos()
    files[3] = planted(files[3], tmp_path / files[3].name, planted_faults.blurs()[kind])
    report, said = checked(files, known)
    assert findings(report) == [("blurred", [files[3].name])]
    assert said[0].startswith("Photo 4 is blurred. It shows ")


@pytest.mark.parametrize("kind", list(planted_faults.copies()))
def test_a_photo_that_was_sent_twice_is_found(kind: str, known: Path, tmp_path: Path) -> None:
    files = photos()
    copy = planted(files[1], tmp_path / "copy.jpg", planted_faults.copies()[kind])
    report, said = checked([*files[:2], copy, *files[2:]], known)
    changed = kind in ("cropped", "shifted")
    code = "near_duplicates" if changed else "copies"
    assert findings(report) == [(code, [files[1].name, "copy.jpg"])]
    words = "are nearly identical." if changed else "are copies of one photo."
    assert said[0].startswith(f"Photos 2 and 3 {words}")


def test_a_photo_of_another_place_is_found(known: Path, tmp_path: Path) -> None:
    write_wall(tmp_path, seed=1, count=1)
    [stranger] = tmp_path.iterdir()
    files = photos()
    report, said = checked([*files[:3], stranger, *files[3:]], known)
    assert ("stranger", [stranger.name]) in findings(report)
    assert report.groups[1:] == ((stranger.name,),)
    assert said[-1] == (
        "Photo 4 has nothing in common with the others. If it shows the same place, a photo that "
        "overlaps with it and with the others would help; otherwise remove it."
    )


def test_photos_of_two_places_are_told_apart(known: Path, tmp_path: Path) -> None:
    write_wall(tmp_path, seed=1, count=3)
    walls = sorted(tmp_path.iterdir())
    report, said = checked([*walls, *photos()], known)
    [split] = [f for f in report.findings if f.code == "split"]
    assert [len(group) for group in split.groups] == [6, 3]
    places = "These look like 2 places: photos 4 to 9 and photos 1 to 3. One scene shows one place"
    [told] = [s for s in said if places in s]
    assert "between" not in told, "nothing lies between two places"


@pytest.mark.parametrize(
    ("kind", "code"), [("2 EV darker", "too_dark"), ("2 EV brighter", "too_bright")]
)
def test_a_photo_exposed_unlike_the_others_is_found(
    kind: str, code: str, known: Path, tmp_path: Path
) -> None:
    files = photos()
    files[2] = planted(files[2], tmp_path / files[2].name, planted_faults.exposures()[kind])
    report, _ = checked(files, known)
    assert (code, [files[2].name]) in findings(report)
    assert {code for code, _ in findings(report)} <= {code, "stranger"}


def test_turning_on_the_spot_is_noticed(tmp_path: Path) -> None:
    with Image.open(photos()[0]) as source:
        picture = source.convert("RGB").resize((1600, 1200), Image.Resampling.LANCZOS)
    files = [turned(picture, angle, tmp_path / f"{angle + 30}.jpg") for angle in (-16, -5, 5, 16)]
    report, said = checked(files, tmp_path / "check")
    assert findings(report) == [("turned_on_the_spot", [f.name for f in files])]
    assert any(s.startswith("The camera seems to have turned on the spot.") for s in said)


def test_turning_is_noticed_also_where_the_files_tell_a_wrong_focal_length(tmp_path: Path) -> None:
    with Image.open(photos()[0]) as source:
        picture = source.convert("RGB").resize((1600, 1200), Image.Resampling.LANCZOS)
    files = [turned(picture, angle, tmp_path / f"{angle + 30}.jpg") for angle in (-16, -5, 5, 16)]
    for file in files:
        with Image.open(file) as view:
            exif = view.getexif()
            exif.get_ifd(0x8769)[0xA405] = 90  # mm; it is 35
            view.save(file, quality=92, exif=exif.tobytes())
    report, _ = checked(files, tmp_path / "check")
    assert findings(report) == [("turned_on_the_spot", [f.name for f in files])]


def turned(picture: Image.Image, degrees: float, path: Path) -> Path:
    """What a camera sees of `picture`'s middle after turning sideways: K R K^-1, nothing else."""
    width, height = 800, 600
    angle, focal = np.radians(degrees), 800.0
    inside = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    outside = np.array([[focal, 0, picture.width / 2], [0, focal, picture.height / 2], [0, 0, 1]])
    sine, cosine = np.sin(angle), np.cos(angle)
    rotation = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    there = outside @ rotation @ np.linalg.inv(inside)
    data = (there / there[2, 2]).ravel()[:8].tolist()
    view = picture.transform(
        (width, height), Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC
    )
    view.save(path, quality=92)
    return path


def test_photos_without_texture_are_named_and_not_called_strangers(
    known: Path, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).normal(128, 1.5, (600, 800, 3))
    blank = tmp_path / "blank.jpg"
    Image.fromarray(noise.astype(np.uint8)).save(blank)
    report, said = checked([*photos(), blank], known)
    assert findings(report) == [("featureless", ["blank.jpg"])]
    assert said[0].startswith("Photo 7 shows hardly any texture.")


def test_a_small_photo_is_named(known: Path, tmp_path: Path) -> None:
    files = photos()
    with Image.open(files[0]) as image:
        image.resize((400, 300), Image.Resampling.LANCZOS).save(tmp_path / files[0].name)
    report, said = checked([tmp_path / files[0].name, *files[1:]], known)
    assert findings(report) == [("small", [files[0].name])]
    assert said[0].startswith("Photo 1 is small: 400×300 pixels.")


def test_what_is_no_photo_and_what_is_gone_meanwhile_stop_nothing(
    known: Path, tmp_path: Path
) -> None:
    broken, gone = tmp_path / "broken.jpg", tmp_path / "gone.jpg"
    broken.write_bytes(photos()[0].read_bytes()[:5000])
    report, said = checked([*photos(), broken, gone], known)
    assert findings(report) == [("unreadable", ["broken.jpg"])]
    assert said[0].startswith("Photo 7 can't be read.")
    assert not report.complete


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_photos_to_compare_get_no_word_on_the_set(count: int, tmp_path: Path) -> None:
    files = [photos()[0], photos()[5]][:count]
    report, said = checked(files, tmp_path / "check")
    assert said == []
    assert len(report.photos) == count


def test_each_photo_is_looked_at_once_and_each_pair_compared_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    compared: list[int] = []
    count_calls(monkeypatch, check, "look_at", lambda path: looked.append(path.name))
    count_calls(monkeypatch, check.quick_pairs, "compare", lambda a, b: compared.append(1))
    files = photos()[:4]
    for seen in (2, 3, 4, 4):
        looked.clear()
        compared.clear()
        report = check.check(files[:seen], tmp_path / "check")
    assert (looked, compared) == ([], [])
    check.check(files[:3], tmp_path / "check")  # one is dropped ...
    assert (looked, compared) == ([], [])
    again = check.check(files, tmp_path / "check")  # ... and comes back
    assert looked == [files[3].name]
    assert len(compared) == 3
    assert again == report


def count_calls(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, note: Callable[..., Any]
) -> None:
    """Notes every call of the real function."""
    real = getattr(module, name)

    def noted(*arguments: Any) -> Any:
        note(*arguments)
        return real(*arguments)

    monkeypatch.setattr(module, name, noted)


def test_photos_that_came_one_by_one_get_the_report_of_all_at_once(
    known: Path, tmp_path: Path
) -> None:
    files = photos()[:3]
    for seen in (1, 2, 3):
        report = check.check(files[:seen], tmp_path / "check")
    assert report == check.check(files, tmp_path / "another")


def test_whatever_cannot_be_read_in_the_cache_is_made_again(tmp_path: Path) -> None:
    folder, files = tmp_path / "check", photos()[:3]
    report = check.check(files, folder)
    looks = sorted((folder / "looks").iterdir())
    looks[0].write_bytes(b"PK\x03\x04 no longer")
    os.truncate(looks[1], looks[1].stat().st_size // 2)
    (folder / "pairs.json").write_text("{")
    assert check.check(files, folder) == report
    assert all(check_cache.read_look(folder, look.stem) for look in looks)


def test_a_person_at_a_terminal_reads_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = photos()[0]
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(source.read_bytes())
    assert command_line.main([str(tmp_path), "--check-photos"]) == 0
    printed = capsys.readouterr().out
    assert "1  a.jpg  800×600 px, overlaps 1 of 1 others, focal length known" in printed
    assert "Photos 1 and 2 are copies of one photo." in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jpg", "b.jpg"]
    assert command_line.main([str(tmp_path), "--check-photos", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"] == [["a.jpg", "b.jpg"]]


@pytest.mark.real_photos("fern")
@pytest.mark.real_photos("sceaux")
def test_good_real_sets_get_no_word_and_a_stranger_among_them_does(tmp_path: Path) -> None:
    fern, castle = real_photos("fern")[::4], real_photos("sceaux")[5]
    assert checked(fern, tmp_path / "fern")[1] == []
    report, _ = checked([*fern[:2], castle, *fern[2:]], tmp_path / "fern")
    assert findings(report) == [("stranger", [castle.name])]


@pytest.mark.real_photos("cake")
def test_a_set_that_is_hard_to_match_has_no_strangers(tmp_path: Path) -> None:
    """The full search places all eight of them; the quick one must not turn any away."""
    report, said = checked(real_photos("cake"), tmp_path / "check")
    assert {code for code, _ in findings(report)} == {"small", "few_common_points"}
    assert any("The full search tries harder" in sentence for sentence in said)
