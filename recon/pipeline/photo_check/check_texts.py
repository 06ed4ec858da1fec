"""What the photo check says to a person: a title and advice for every code, as `errors.py` has
them for errors. All of it is advice; docs/develop/photo-check.md says more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from recon.pipeline.errors import explain
from recon.pipeline.words.explanation import Explanation, FilledExplanation
from recon.pipeline.words.photo_names import numbers_in_words
from recon.pipeline.words.texts import translate
from recon.poses.photo_check.findings import Finding

#: Places where a photo would help, named one by one up to so many.
MOST_GAPS = 4

#: `{photos}` is "Photo 4" or "Photos 2 and 3"; `{between}` is numbers.
FINDINGS: dict[str, Explanation] = {
    "unreadable": Explanation(
        "{photos} can't be read.",
        "It may be damaged; export it again as JPEG, PNG or WebP.",
    ),
    "blurred": Explanation(
        "{photos} is blurred.",
        "It shows {percent}% less fine detail than its neighbours. Take it again with a steady "
        "hand, or remove it.",
    ),
    "featureless": Explanation(
        "{photos} {show} hardly any texture.",
        "There is nothing in it to recognise from another angle. Include something with "
        "more detail.",
    ),
    "too_dark": Explanation(
        "{photos} is too dark.",
        "Take it again with the same exposure as the others, or in better light.",
    ),
    "too_bright": Explanation(
        "{photos} is too bright.",
        "Its bright parts hold no detail. Take it again with the same exposure as the others.",
    ),
    "small": Explanation(
        "{photos} {are} small: {width}×{height} pixels.",
        "The original, at 640×480 pixels or more, has more detail to match.",
    ),
    "strip": Explanation(
        "{photos} is a long strip: {width}×{height} pixels.",
        "Hardly anything in it can be recognised from another spot. Send an ordinary photo "
        "instead, or remove it.",
    ),
    "not_looked_at": Explanation(
        "{photos} could not be checked.",
        "Something about it is unusual. It may still work in the scene; if not, export it again "
        "as JPEG, or remove it.",
    ),
    "copies": Explanation(
        "{photos} are copies of one photo.",
        "Only the best of them is used. A photo from a step to the side would add more.",
    ),
    "stands_still": Explanation(
        "Something stands still in the photos while the rest moves: a background, a frame or an "
        "overlay, in about {percent}% of what they show.",
        "Move the camera around the object instead of turning the object, and crop away frames, "
        "bars and watermarks.",
    ),
    "near_duplicates": Explanation(
        "{photos} are nearly identical.",
        "A second view from the same spot adds nothing: keep the best, and take a step sideways "
        "between photos.",
    ),
    "stranger": Explanation(
        "{photos} has nothing in common with the others.",
        "If it shows the same place, a photo that overlaps with it and with the others would help; "
        "otherwise remove it.",
    ),
    "split": Explanation(
        "These look like {count} places: {groups}.",
        "One scene shows one place: make a scene of each.",
    ),
    "apart": Explanation(
        "The photos form {count} groups that have nothing in common: {groups}.",
        "If they show different places, make a scene of each. If they show one, photos that "
        "overlap with two of the groups would join them.",
    ),
    "nothing_in_common": Explanation(
        "No two photos have enough in common.",
        "Neighbouring photos should share two thirds of what they show: take more, with a step "
        "sideways between photos.",
    ),
    "few_common_points": Explanation(
        "So far, few points in common were found between {groups}.",
        "The full search tries harder and often finds more. If they show one place, photos from "
        "{gaps} would help.",
    ),
    "thin_link": Explanation(
        "Photos {pair} share only a few points, and the scene depends on them.",
        "One more photo from between {between} would make it safer.",
    ),
    "turned_on_the_spot": Explanation(
        "The camera seems to have turned on the spot.",
        "Depth shows only when the camera moves: take a step sideways between photos.",
    ),
}


def explain_finding(finding: Finding, numbers: Mapping[str, int]) -> FilledExplanation:
    """The texts of one finding; `numbers` are the photos' places on the page. A code
    that is an error's has its texts: the photo would be turned down for it.

    Raises KeyError for an unknown code or photo: both are programming errors.
    """
    if finding.code in FINDINGS:
        return FINDINGS[finding.code].fill(finding.code, _words(finding, numbers))
    return explain(finding.code, finding.facts)


def explain_findings(
    findings: Iterable[Finding], numbers: Mapping[str, int]
) -> list[FilledExplanation]:
    """Those of `findings` whose photos are all still there."""
    return [explain_finding(one, numbers) for one in findings if is_about(one, numbers)]


def is_about(finding: Finding, numbers: Mapping[str, int]) -> bool:
    """Whether every photo that the finding speaks of is among `numbers`."""
    return all(name in numbers for name in _photos_of(finding))


def _photos_of(finding: Finding) -> list[str]:
    return [*finding.photos, *(name for group in finding.groups for name in group)]


def _words(finding: Finding, numbers: Mapping[str, int]) -> dict[str, object]:
    """The finding's facts, with photos by their numbers in words."""
    facts = dict(finding.facts)
    places = [numbers[name] for name in finding.photos]
    said = numbers_in_words(places)
    one = len(places) == 1
    facts |= {
        "photos": translate("Photo {numbers}", numbers=said)
        if one
        else translate("Photos {numbers}", numbers=said),
        # English only: other languages write their verbs into the text.
        "are": "is" if one else "are",
        "show": "shows" if one else "show",
        "pair": said,
        "between": said,
    }
    groups = [
        sorted(numbers[name] for name in group)
        for group in finding.groups or [[name] for name in finding.photos]
    ]
    named = [
        translate("photo {numbers}", numbers=group[0])
        if len(group) == 1
        else translate("photos {numbers}", numbers=numbers_in_words(group))
        for group in groups
    ]
    return facts | {"count": len(groups), "groups": join_in_words(named), "gaps": _gaps(groups)}


def _gaps(groups: Sequence[Sequence[int]]) -> str:
    """Where one group follows another: "between 1 and 2, and between 6 and 7"."""
    group_of = {number: index for index, group in enumerate(groups) for number in group}
    order = sorted(group_of)
    steps = [(a, b) for a, b in pairwise(order) if group_of[a] != group_of[b]]
    if not steps or len(steps) > MOST_GAPS:
        return translate("in between")
    return join_in_words([translate("between {a} and {b}", a=a, b=b) for a, b in steps])


def join_in_words(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b, and c"."""
    if len(parts) < 2:
        return "".join(parts)
    if len(parts) == 2:
        return translate("{some} and {last}", some=parts[0], last=parts[1])
    return translate("{some}, and {last}", some=", ".join(parts[:-1]), last=parts[-1])
