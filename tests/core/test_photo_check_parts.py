"""The photo check's parts, each by itself."""

from __future__ import annotations

import string
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.photo_check import check
from recon.pipeline.photo_check.check_texts import FINDINGS, explain_findings
from recon.pipeline.words.photo_names import numbers_in_words
from recon.poses import connections
from recon.poses.photo_check.check_limits import CheckLimits
from recon.poses.photo_check.findings import Finding, PhotoSet
from recon.poses.photo_check.photo_look import brightness, colours, quick_pairs, sharpness, shrunk
from recon.poses.photo_check.quick_pairs import PairFacts
from recon.poses.photo_check.set_check import check_set
from recon.poses.standing_still import NONE
from tests.photos import rendered_photos

pytestmark = pytest.mark.slow


def grey(index: int, longest: int = quick_pairs.LONGEST) -> np.ndarray:
    with Image.open(rendered_photos()[index]) as image:
        return np.asarray(shrunk(image.convert("L"), longest))


@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_a_finding_reads_as_sentences(code: str) -> None:
    of_two = ("copies", "near_duplicates", "thin_link")
    names = ["a.jpg", "b.jpg"] if code in of_two else ["a.jpg"]
    facts = {"percent": 60, "width": 300, "height": 200, "points": 12}
    facts |= {"groups": [["a.jpg", "c.jpg"], ["b.jpg"]]}
    [said] = explain_findings(
        [Finding(code, tuple(names), facts)], {"a.jpg": 4, "b.jpg": 3, "c.jpg": 5}
    )
    assert said.title[0] in string.ascii_uppercase
    assert said.title.endswith(".") or said.title.endswith("pixels.")
    assert said.advice.endswith(".")
    assert "{" not in said.sentence
    assert ".jpg" not in said.sentence


def test_a_finding_on_a_photo_that_was_dropped_is_not_shown() -> None:
    facts = {"groups": [["a.jpg"], ["b.jpg"]]}
    finding = Finding("few_common_points", ("a.jpg",), facts)
    assert explain_findings([finding], {"a.jpg": 1}) == []
    assert explain_findings([finding], {"b.jpg": 1}) == []


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([4], "4"),
        ([3, 2], "2 and 3"),
        ([1, 2, 3, 4], "1 to 4"),
        ([1, 2, 3, 4, 9], "1 to 4 and 9"),
        ([1, 3, 4, 7], "1, 3, 4 and 7"),
    ],
)
def test_numbers_are_said_as_people_say_them(numbers: list[int], words: str) -> None:
    assert numbers_in_words(numbers) == words


def test_detail_does_not_depend_on_contrast() -> None:
    picture = grey(0).astype(np.float32)
    faint = 100 + 0.4 * picture
    details = [sharpness.overall(sharpness.measure(one)) for one in (picture, faint)]
    np.testing.assert_allclose(*details, atol=0.01)


def test_a_smear_takes_detail_along_its_own_direction() -> None:
    picture = grey(0).astype(np.float32)
    smeared = np.mean([np.roll(picture, shift, axis=1) for shift in range(5)], axis=0)
    sharp, soft = sharpness.measure(picture), sharpness.measure(smeared.astype(np.float32))
    lost = sharpness.overall(sharp) - sharpness.overall(soft)
    assert lost[0] > 1.5  # to the right
    assert lost[1] < 0.5  # down
    points = quick_pairs.extract(grey(0)).points
    lost = np.median(sharpness.at(sharp, points) - sharpness.at(soft, points), axis=0)
    assert lost[0] > 1
    assert lost[1] < 0.5


def test_one_sharp_photo_of_three_does_not_make_the_others_blurred() -> None:
    sharp, soft = np.zeros(4), np.full(4, -2.0)
    assert sharpness.below(soft, np.array([sharp, soft])) == 0
    assert sharpness.below(soft, np.array([sharp, sharp])) == -2
    assert sharpness.below(soft, np.empty((0, 4))) == 0


@pytest.mark.parametrize(("softer", "found"), [(0.0, []), (-1.6, ["blurred"])])
def test_a_photo_of_smooth_things_is_not_called_blurred(softer: float, found: list[str]) -> None:
    """It has less fine detail than the others, but as much where they show the same thing."""
    look = check.look_at(rendered_photos()[0])
    blank = replace(look, small=np.zeros_like(look.small))  # otherwise they would be copies
    looks = dict.fromkeys("abcd", blank) | {"d": replace(blank, detail=look.detail - 1.6)}
    alike = PairFacts(200, 150, -99.0, 0.4, 0.7, None, (0.0,) * 4, NONE)
    pairs = dict.fromkeys(combinations("abcd", 2), alike)
    pairs |= {(a, "d"): replace(alike, detail_change=(0.0, softer, 0.0, 0.0)) for a in "abc"}
    checked = check_set(PhotoSet(looks, pairs, CheckLimits()))
    assert [finding.code for finding in checked.findings] == found
    assert checked.standings["d"].sharpness == pytest.approx((softer - 1.6) / 2)


def test_brightness_counts_light_and_what_holds_no_detail() -> None:
    half = np.zeros((10, 10), np.uint8)
    half[5:] = 255
    measured = brightness.measure(half)
    assert measured.level == pytest.approx(-1, abs=0.01)
    assert (measured.black, measured.white, measured.highlights) == (0.5, 0.5, 255)


def test_colours_of_one_place_are_nearer_than_those_of_two() -> None:
    red, green = (Image.new("RGB", (80, 60), name) for name in ("darkred", "seagreen"))
    with Image.open(rendered_photos()[0]) as a, Image.open(rendered_photos()[6]) as b:
        near = colours.distance(colours.histogram(a), colours.histogram(b))
    assert near < 0.3
    assert colours.distance(colours.histogram(red), colours.histogram(green)) == 1


def test_a_pair_says_the_same_from_both_sides() -> None:
    a, b = quick_pairs.extract(grey(0)), quick_pairs.extract(grey(1))
    there, back = quick_pairs.compare(a, b), quick_pairs.compare(b, a)
    assert there.matches == back.matches > 50
    assert there.inliers == pytest.approx(back.inliers, rel=0.1)
    assert there.log_chance < -20
    turned = quick_pairs.reversed_pair(there)
    assert turned.homography is not None
    assert there.homography is not None
    product = np.reshape(turned.homography, (3, 3)) @ np.reshape(there.homography, (3, 3))
    np.testing.assert_allclose(product / product[2, 2], np.eye(3), atol=1e-6)


def test_chance_matches_are_not_called_common_points() -> None:
    picture = quick_pairs.extract(grey(0))
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 255, (450, 600), dtype=np.uint8)
    other = quick_pairs.extract(noise)
    assert len(other.points) > 100
    assert quick_pairs.compare(picture, other).log_chance > -3
    scattered = rng.permutation(picture.points)
    shuffled = quick_pairs.QuickFeatures(
        picture.width, picture.height, scattered, picture.descriptors, picture.detail
    )
    assert quick_pairs.compare(picture, shuffled).log_chance > -3


def test_an_empty_picture_has_nothing_in_common_with_anything() -> None:
    blank = quick_pairs.extract(np.full((300, 400), 128, np.uint8))
    assert blank.points.shape == (0, 2)
    assert quick_pairs.compare(blank, quick_pairs.extract(grey(0))).inliers == 0


def test_groups_are_what_lines_connect_largest_first() -> None:
    assert connections.connected_components("abcdef", [("b", "c"), ("d", "c"), ("a", "f")]) == [
        ["b", "c", "d"],
        ["a", "f"],
        ["e"],
    ]


def test_the_backbone_is_the_strongest_tree() -> None:
    strengths = {("a", "b"): 5.0, ("b", "c"): 9.0, ("a", "c"): 7.0, ("d", "e"): 1.0}
    assert sorted(connections.spanning_tree("abcde", strengths)) == [
        ("a", "c"),
        ("b", "c"),
        ("d", "e"),
    ]
