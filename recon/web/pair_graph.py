"""The picture of how a job's photos overlap, for its owner: what `_pair_graph.html` draws.

It is drawn from the photo check's report while the photos arrive, and from the real matching
(`colmap/pairs.json`) afterwards, in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from recon.models import Job, Photo
from recon.pipeline.check_texts import explain_finding, is_about, numbers_in_words
from recon.poses import connections
from recon.poses.next_shots import advise
from recon.web import graph_layout
from recon.web.graph_layout import TILE, Box, Edge

#: Lines drawn from each photo, the strongest, beside those that hold the groups together.
LINES = 3

#: Common points of the thinnest line and of the thickest, and their widths in the picture's units.
FEW, MANY = 15, 500
THIN, THICK = 1.2, 5.0

#: What is said of single photos, of which one may go.
DROPPABLE = (
    "unreadable",
    "not_looked_at",
    "strip",
    "blurred",
    "featureless",
    "too_dark",
    "too_bright",
    "copies",
    "near_duplicates",
    "stranger",
)
MOST_SHOWN = 4  # photos of one finding with a link each


@dataclass(frozen=True)
class Node:
    number: int
    photo: Photo
    url: str  # of its small picture
    x: float  # of its upper left corner
    y: float
    state: str  # "", "advice" where something was said of it, "left-out" where it has no place


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    points: int


@dataclass(frozen=True)
class Said:
    """A finding as sentences, with the photos that it is about."""

    code: str
    title: str
    advice: str
    photos: list[Node]

    @property
    def is_of_single_photos(self) -> bool:
        """Whether the photos can be shown one by one."""
        return self.may_drop or self.code == "thin_link"

    @property
    def may_drop(self) -> bool:
        """Whether taking a photo out may be the answer."""
        droppable = self.code in DROPPABLE or self.code.startswith("photo_")  # an error's own
        return droppable and len(self.photos) <= MOST_SHOWN


@dataclass(frozen=True)
class Picture:
    """What the template draws."""

    width: float
    height: float
    nodes: list[Node]
    lines: list[Line]
    boxes: list[Box]  # of the groups; none where there is only one
    said: list[Said]
    words: list[str]  # the same for those who can't see it: one sentence a photo

    @property
    def left_out(self) -> bool:
        """Whether a photo found no place in the scene."""
        return any(node.state == "left-out" for node in self.nodes)


def of_report(job: Job, report: Mapping[str, Any] | None) -> Picture | None:
    """The picture of a photo check's report, as far as its photos are still there."""
    if report is None:
        return None
    return _picture(job, report["pairs"], report["findings"], left_out=set(), copies={})


def of_matching(job: Job) -> Picture | None:
    """The picture of the real matching; None where it did not come so far."""
    matching = _read_matching(job)
    if matching is None:
        return None
    photos = matching["photos"]
    left_out = {photo["name"] for photo in photos if photo["registered"] is False}
    findings = advise([photo["name"] for photo in photos], matching["pairs"])
    copies = matching["copies"]
    left_out |= copies.keys()
    return _picture(job, matching["pairs"], [f.to_dict() for f in findings], left_out, copies)


def falls_apart(job: Job) -> bool:
    """Whether the matching left photos out, so that the picture says something to its owner."""
    matching = _read_matching(job)
    if matching is None:
        return False
    groups = connections.groups([p["name"] for p in matching["photos"]], _edges(matching["pairs"]))
    return len(groups) > 1 or any(photo["registered"] is False for photo in matching["photos"])


def _read_matching(job: Job) -> dict[str, Any] | None:
    """`colmap/pairs.json`, with photos by their names in upload/images.

    Pairs that join two of its groups are left out: so few matches come by chance.
    """
    workspace = job.workspace
    try:
        matching: dict[str, Any] = json.loads(workspace.pairs_json.read_text())
        about = json.loads(workspace.photos_json.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    prepared = about["photos"]
    sent = {photo["name"]: photo["original"] for photo in prepared}
    if "photos" not in matching:  # written before the ladder
        matching["photos"] = [{"name": name, "registered": None} for name in sent]
    group_of = {photo["name"]: photo.get("group") for photo in matching["photos"]}
    pairs = [
        pair | {"a": sent[pair["a"]], "b": sent[pair["b"]]}
        for pair in matching["pairs"]
        if group_of[pair["a"]] == group_of[pair["b"]]
    ]
    photos = [photo | {"name": sent[photo["name"]]} for photo in matching["photos"]]
    photos.sort(key=lambda photo: str(photo["name"]))
    return {"photos": photos, "pairs": pairs, "copies": about.get("copies", {})}


def _picture(
    job: Job,
    pairs: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    left_out: set[str],
    copies: Mapping[str, str],
) -> Picture | None:
    photos = {photo.name: photo for photo in job.photos.all()}
    numbers = {name: number for number, name in enumerate(photos, start=1)}
    strengths = {e: p for e, p in _edges(pairs).items() if e[0] in photos and e[1] in photos}
    if not photos:
        return None
    # A copy stands beside the photo that it is one of.
    groups = connections.groups(
        list(photos), [*strengths, *((a, b) for a, b in copies.items() if {a, b} <= photos.keys())]
    )
    layout = graph_layout.arrange(groups, strengths)
    findings = [finding for finding in findings if is_about(finding, numbers)]
    named = {name for f in findings if len(f["photos"]) <= 2 for name in f["photos"]}
    nodes = {}
    for name, photo in photos.items():
        x, y = layout.places[name]
        state = "left-out" if name in left_out else "advice" if name in named else ""
        url = reverse("recon:thumb", args=(job.pk, name))
        left, top = round(x - TILE[0] / 2, 1), round(y - TILE[1] / 2, 1)
        nodes[name] = Node(numbers[name], photo, url, left, top, state)
    return Picture(
        width=layout.width,
        height=round(layout.height, 1),
        nodes=list(nodes.values()),
        lines=_lines(list(photos), strengths, layout.places),
        boxes=layout.boxes if len(groups) > 1 else [],
        said=[_said(finding, numbers, nodes) for finding in findings],
        words=_in_words(groups, strengths, numbers, left_out, copies),
    )


def _edges(pairs: Sequence[Mapping[str, Any]]) -> dict[Edge, float]:
    return {(pair["a"], pair["b"]): float(pair["inliers"]) for pair in pairs}


def _lines(
    names: list[str], strengths: Mapping[Edge, float], places: Mapping[str, tuple[float, float]]
) -> list[Line]:
    """The lines worth drawing, weakest first, so that strong ones lie on top."""
    chosen = set(connections.backbone(names, strengths))
    for name in names:
        own = sorted((e for e in strengths if name in e), key=lambda e: -strengths[e])
        chosen |= set(own[:LINES])
    lines = []
    for a, b in sorted(chosen, key=lambda edge: (strengths[edge], edge)):
        points = strengths[a, b]
        share = min(max(log(max(points, 1) / FEW) / log(MANY / FEW), 0.0), 1.0)
        x1, y1, x2, y2 = (round(c, 1) for c in (*places[a], *places[b]))
        width = round(THIN + share * (THICK - THIN), 2)
        lines.append(Line(x1, y1, x2, y2, width, int(points)))
    return lines


def _said(
    finding: Mapping[str, Any], numbers: Mapping[str, int], nodes: Mapping[str, Node]
) -> Said:
    explained = explain_finding(finding, numbers)
    photos = [nodes[name] for name in finding["photos"]]
    return Said(explained.code, explained.title, explained.advice, photos)


def _in_words(
    groups: list[list[str]],
    strengths: Mapping[Edge, float],
    numbers: Mapping[str, int],
    left_out: set[str],
    copies: Mapping[str, str],
) -> list[str]:
    """Who overlaps whom, a sentence a photo; with several groups, their photos first."""
    said = []
    if len(groups) > 1:
        parts = [numbers_in_words([numbers[name] for name in group]) for group in groups]
        counted = gettext("{count} groups: {groups}.")
        said.append(counted.format(count=len(groups), groups="; ".join(parts)))
    for name, number in numbers.items():
        if copies.get(name) in numbers:
            same = gettext("Photo {number} is a copy of photo {other} and was left out.")
            said.append(same.format(number=number, other=numbers[copies[name]]))
            continue
        others = [numbers[b if a == name else a] for a, b in strengths if name in (a, b)]
        sentence = _sentence(bool(others), name in left_out)
        said.append(sentence.format(number=number, others=numbers_in_words(others)))
    return said


def _sentence(overlaps: bool, is_left_out: bool) -> str:
    if overlaps and is_left_out:
        return gettext("Photo {number} overlaps {others}, but could not be placed in the scene.")
    if overlaps:
        return gettext("Photo {number} overlaps {others}.")
    if is_left_out:
        return gettext("Photo {number} overlaps no other, and could not be placed in the scene.")
    return gettext("Photo {number} overlaps no other.")
