"""The picture of how a job's photos overlap, for its owner: what `_pair_graph.html` draws.

It is drawn from the photo check's report while the photos arrive, and from the real matching
(`colmap/pairs.json`) afterwards, in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from django.urls import reverse
from django.utils.translation import gettext

from recon.models import Job
from recon.pipeline.outcome import PreparedPhotos, read_pair_graph
from recon.pipeline.photo_check.check_texts import is_about
from recon.pipeline.photo_check.report import CheckReport
from recon.pipeline.words.photo_names import numbers_in_words
from recon.poses import connections
from recon.poses.pair_graph import PairGraph
from recon.poses.photo_check.findings import Finding
from recon.poses.photo_check.next_shots import advise
from recon.web.left_behind import left_by
from recon.web.overlap import alike, graph_layout
from recon.web.overlap.advice import Node, Said, said_of
from recon.web.overlap.graph_layout import TILE, Box, Edge

#: Lines drawn from each photo, the strongest, beside those that hold the groups together.
LINES = 3

#: Common points of the thinnest line and of the thickest, and their widths in the picture's units.
FEW, MANY = 15, 500
THIN, THICK = 1.2, 5.0


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    points: int


@dataclass(frozen=True)
class Picture:
    """What the template draws."""

    width: float
    height: float
    nodes: list[Node]
    lines: list[Line]
    boxes: list[Box]  # of the groups; none where there is only one
    said: list[Said]
    listed: list[Said]  # of these what stands beside the picture
    words: list[str]  # the same for those who can't see it: one sentence a photo

    @property
    def of_places(self) -> Said | None:
        """What is said if the photos seem to be of several places."""
        return next((said for said in self.said if said.places), None)

    @property
    def left_out(self) -> bool:
        """Whether a photo found no place in the scene."""
        return any(node.state == "left-out" for node in self.nodes)


def of_report(job: Job, report: CheckReport | None) -> Picture | None:
    """The picture of a photo check's report, as far as its photos are still there."""
    if report is None:
        return None
    strengths = {(pair.a, pair.b): float(pair.inliers) for pair in report.pairs}
    return _picture(job, strengths, report.findings, left_out=set(), copies={})


def of_matching(job: Job) -> Picture | None:
    """The picture of the real matching; None if it did not get that far."""
    matching = _read_matching(job)
    if matching is None:
        return None
    graph, copies = matching
    names = [photo.name for photo in graph.photos]
    findings = advise(names, graph.strengths, alike.alike_in(job))
    left_out = {*graph.left_out, *copies}
    return _picture(job, graph.strengths, findings, left_out, copies)


def falls_apart(job: Job) -> bool:
    """Whether the matching left photos out, so that the picture says something to its owner."""
    matching = _read_matching(job)
    if matching is None:
        return False
    graph, _copies = matching
    groups = connections.connected_components(
        [photo.name for photo in graph.photos], graph.strengths
    )
    return len(groups) > 1 or bool(graph.left_out)


def _read_matching(job: Job) -> tuple[PairGraph, Mapping[str, str]] | None:
    """The pair graph, and which photos are copies of others, by names in upload/images."""
    graph, prepared = left_by(job, read_pair_graph), left_by(job, PreparedPhotos.read)
    if graph is None or prepared is None:
        return None
    return graph.rename(prepared.stored_names), prepared.copies


def _picture(
    job: Job,
    strengths: Mapping[Edge, float],
    findings: Sequence[Finding],
    left_out: set[str],
    copies: Mapping[str, str],
) -> Picture | None:
    photos = {photo.name: photo for photo in job.photos.all()}
    numbers = {name: number for number, name in enumerate(photos, start=1)}
    strengths = {e: points for e, points in strengths.items() if photos.keys() >= {*e}}
    if not photos:
        return None
    # A copy stands beside the photo that it is one of.
    groups = connections.connected_components(
        list(photos), [*strengths, *((a, b) for a, b in copies.items() if {a, b} <= photos.keys())]
    )
    layout = graph_layout.arrange(groups, strengths)
    findings = [finding for finding in findings if is_about(finding, numbers)]
    named = {name for f in findings if len(f.photos) <= 2 for name in f.photos}
    nodes = {}
    for name, photo in photos.items():
        x, y = layout.places[name]
        state = "left-out" if name in left_out else "advice" if name in named else ""
        url = reverse("recon:thumb", args=(job.pk, name))
        left, top = round(x - TILE[0] / 2, 1), round(y - TILE[1] / 2, 1)
        nodes[name] = Node(numbers[name], photo, url, left, top, state)
    said = [said_of(job, finding, numbers, nodes) for finding in findings]
    return Picture(
        width=layout.width,
        height=round(layout.height, 1),
        nodes=list(nodes.values()),
        lines=_lines(list(photos), strengths, layout.places),
        boxes=layout.boxes if len(groups) > 1 else [],
        said=said,
        # Of a job that has ended, several places are the first thing that its page says.
        listed=said if job.is_draft else [one for one in said if not one.places],
        words=_in_words(groups, strengths, numbers, left_out, copies),
    )


def _lines(
    names: list[str], strengths: Mapping[Edge, float], places: Mapping[str, tuple[float, float]]
) -> list[Line]:
    """The lines worth drawing, weakest first, so that strong ones lie on top."""
    chosen = set(connections.spanning_tree(names, strengths))
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


def _in_words(
    groups: list[list[str]],
    strengths: Mapping[Edge, float],
    numbers: Mapping[str, int],
    left_out: set[str],
    copies: Mapping[str, str],
) -> list[str]:
    """Which photos overlap, one sentence per photo; with several groups, their photos first."""
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
