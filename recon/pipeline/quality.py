"""One word for a whole scene, of five, and why.

It follows from what held-out photos say of the scene that was measured, from how much of the
photos' depth other photos confirm, and from how many photos found a place. The limits are those
with which a person agrees best: docs/measurements/grade.md has the scenes that were looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recon.pipeline.words.texts import N_, translate, translate_marked

EXCELLENT, GOOD, USABLE, POOR, NOT_A_SCENE = "excellent", "good", "usable", "poor", "not_a_scene"
#: The best first.
WORDS = (EXCELLENT, GOOD, USABLE, POOR, NOT_A_SCENE)
UNMEASURED = "unmeasured"

#: px, longest side at which held-out photos are compared for the word, so that it means the same
#: whatever size a scene was trained at.
SMALL = 400


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a word is made of; None for what is not known."""

    psnr: float | None = None  # dB, mean over held-out photos at `SMALL`, exposure matched
    ssim: float | None = None  # the same
    held_out: int | None = None  # photos that these are means of
    confirmed: float | None = None  # mean share of a photo's pixels whose depth others confirm
    registered: int | None = None  # photos with a place in the scene
    total: int | None = None  # photos that were to be placed: copies don't count

    @property
    def placed(self) -> float | None:
        """The share of the photos that have a place."""
        return None if self.registered is None or not self.total else self.registered / self.total

    @property
    def is_measured(self) -> bool:
        return self.psnr is not None or self.ssim is not None

    def value(self, name: str) -> float | None:
        """That of one of `LIMITS`."""
        value: float | None = getattr(self, name)
        return value


@dataclass(frozen=True)
class Limits:
    """From which value on a measure allows a word. All are the better the higher they are."""

    usable: float
    good: float
    excellent: float

    def word(self, value: float) -> str:
        """The best word that the measure allows; "poor" is the least that one alone says."""
        for word in (EXCELLENT, GOOD, USABLE):
            if value >= getattr(self, word):
                return word
        return POOR


#: All limits. The word is the worst that a measure allows, and the first of several that are
#: equally bad is the reason given: what a person can put right comes first.
LIMITS = {
    "placed": Limits(0.55, 0.8, 0.9),
    "confirmed": Limits(0.1, 0.25, 0.5),
    "psnr": Limits(14.0, 18.0, 24.0),  # dB
    "ssim": Limits(0.5, 0.65, 0.855),
}
#: Where all of these fall short, nobody recognises the place: it is no scene. One alone is not
#: enough, since a false alarm keeps a scene from somebody who would have taken it.
FOG = {"psnr": 16.0, "ssim": 0.47, "confirmed": 0.025}

LABELS = {
    EXCELLENT: N_("Excellent"),
    GOOD: N_("Good"),
    USABLE: N_("Usable"),
    POOR: N_("Poor"),
    NOT_A_SCENE: N_("Not a scene"),
    UNMEASURED: N_("Not measured"),
}

_PLACED = N_("{registered} of {total} photos could be placed")
_CONFIRMED = N_("photos confirm each other’s depth in {percent}% of what they show")
#: What a word says of a measure: half a sentence, to stand after the word.
_MEANINGS = {
    "placed": dict.fromkeys((EXCELLENT, GOOD, USABLE, POOR), _PLACED),
    "confirmed": dict.fromkeys((EXCELLENT, GOOD, USABLE, POOR), _CONFIRMED),
    "psnr": {
        EXCELLENT: N_("held-out photos and the scene are hard to tell apart"),
        GOOD: N_("held-out photos are matched closely"),
        USABLE: N_("held-out photos are recognisable, with visible differences"),
        POOR: N_("held-out photos are matched badly, so expect blur and stray spots"),
    },
    "ssim": {
        EXCELLENT: N_("even fine structures of held-out photos are where they should be"),
        GOOD: N_("edges and structures of held-out photos are where they should be"),
        USABLE: N_("large structures of held-out photos are right, fine ones are soft"),
        POOR: N_("the structure of held-out photos is largely lost"),
    },
    "fog": {NOT_A_SCENE: N_("held-out photos can’t be recognised in it")},
    "nothing": {UNMEASURED: N_("there are no figures for this scene")},
}
#: The same for people who are shown a scene and know nothing about how it is measured.
_PLAIN_MEANINGS = {
    "confirmed": {
        EXCELLENT: N_("the photos agree on most of what it shows"),
        GOOD: N_("the photos agree on much of what it shows"),
        USABLE: N_("the photos agree on some of what it shows"),
        POOR: N_("the photos agree on little of what it shows"),
    },
    "psnr": {
        EXCELLENT: N_("it is hard to tell from the photos that were kept aside to check it"),
        GOOD: N_("it comes close to the photos that were kept aside to check it"),
        USABLE: N_(
            "the photos that were kept aside to check it can be recognised, with visible "
            "differences"
        ),
        POOR: N_(
            "it is far from the photos that were kept aside to check it, so expect blur and stray "
            "spots"
        ),
    },
    "ssim": {
        EXCELLENT: N_("even fine shapes are where they should be"),
        GOOD: N_("edges and shapes are where they should be"),
        USABLE: N_("large shapes are right, fine ones are soft"),
        POOR: N_("most of its shapes are lost"),
    },
    "fog": {NOT_A_SCENE: N_("the place can’t be recognised in it")},
}
#: What to photograph next, by what made a scene poor.
_ADVICE = {
    "placed": N_(
        "Take photos between those that found no place and the others: neighbours should share "
        "two thirds of what they show."
    ),
    "confirmed": N_(
        "Take more photos of the same things, with a step sideways between photos, so "
        "that every part is in three of them or more."
    ),
    "psnr": N_(
        "Take photos between those that you have, with a step sideways from one to the "
        "next, of something that does not move, in even light."
    ),
}
_ADVICE |= {"ssim": _ADVICE["psnr"], "fog": _ADVICE["confirmed"]}


@dataclass(frozen=True)
class Verdict:
    """`code` is what decided: one of `LIMITS`, "fog" or "nothing". Sentences are made where it is
    shown, in the language of whoever looks."""

    word: str  # one of WORDS, or unmeasured
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_poor(self) -> bool:
        """Whether its owner should rather take more photos than show it."""
        return self.word in (POOR, NOT_A_SCENE)

    @property
    def colours(self) -> str:
        """The design token whose colours it is shown in."""
        return POOR if self.word == NOT_A_SCENE else self.word

    @property
    def label(self) -> str:
        """The word as it is shown."""
        return translate_marked(LABELS[self.word])

    @property
    def reason(self) -> str:
        """Half a sentence, to stand after the word."""
        return translate(_MEANINGS[self.code][self.word], **self.facts)

    @property
    def plain_reason(self) -> str:
        """The same without technical words."""
        plainly = _PLAIN_MEANINGS.get(self.code)
        return translate_marked(plainly[self.word]) if plainly else self.reason

    @property
    def sentence(self) -> str:
        """ "Poor: 4 of 8 photos could be placed"."""
        return translate(N_("{word}: {reason}"), word=self.label, reason=self.reason)

    @property
    def advice(self) -> str:
        """What to photograph next, as a sentence; empty unless it is poor."""
        return translate_marked(_ADVICE[self.code]) if self.is_poor else ""


def verdict_of(evidence: Evidence) -> Verdict:
    """The worst of the words that the measures allow. No measure makes it worse by being better.

    Photos in their places say nothing about a scene that was not measured, unless they are few.
    """
    facts = {
        "registered": evidence.registered,
        "total": evidence.total,
        "percent": round(100 * (evidence.confirmed or 0.0)),
    }
    if is_fog(evidence):
        return Verdict(NOT_A_SCENE, "fog", facts)
    words = words_of(evidence)
    worst = max(words.values(), key=WORDS.index, default=GOOD)
    if not evidence.is_measured and worst != POOR:
        return Verdict(UNMEASURED, "nothing")
    # Of a scene without a fault its likeness is said first, of others what can be put right.
    names = words if worst not in (EXCELLENT, GOOD) else ("psnr", "ssim", *words)
    return Verdict(worst, next(name for name in names if words.get(name) == worst), facts)


def words_of(evidence: Evidence) -> dict[str, str]:
    """The best word that each of `LIMITS` allows, of those that are known."""
    known = {name: evidence.value(name) for name in LIMITS}
    return {name: LIMITS[name].word(value) for name, value in known.items() if value is not None}


def is_fog(evidence: Evidence) -> bool:
    """Whether every measure of `FOG` is known and says that this is no scene."""
    values = {name: evidence.value(name) for name in FOG}
    return all(value is not None and value < FOG[name] for name, value in values.items())
