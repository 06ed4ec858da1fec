"""One word for a finished scene: the worse of what its figures say and of how many photos found a
place in it.

A figure is the mean over held-out photos, which the measured model never saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recon.pipeline.words.texts import N_, translate, translate_marked


@dataclass(frozen=True)
class Grade:
    """Where "good" and "fair" begin. A value exactly on a limit has not passed it."""

    good: float
    fair: float
    higher_is_better: bool = True

    def word(self, value: float) -> str:
        """ "good", "fair" or "poor"."""
        sign = 1 if self.higher_is_better else -1
        if sign * value > sign * self.good:
            return "good"
        return "fair" if sign * value > sign * self.fair else "poor"


#: All limits, in this one place, to be calibrated. "Good" begins where the prototype drew the line
#: for the three figures; nobody has yet compared them with what people see. The first of several
#: that are equally bad is the reason given, so what a person can put right comes first.
GRADES = {
    "placed": Grade(0.8, 0.5),  # share of the photos that have a place in the scene
    "psnr": Grade(20.0, 16.0),  # dB
    "ssim": Grade(0.8, 0.6),
    "lpips": Grade(0.3, 0.5, higher_is_better=False),
}
FIGURES = ("psnr", "ssim", "lpips")
#: The worst first.
_ORDER = ("poor", "fair", "good")
UNMEASURED = "unmeasured"

LABELS = {
    "good": N_("Good"),
    "fair": N_("Fair"),
    "poor": N_("Poor"),
    UNMEASURED: N_("Not measured"),
}

#: What a word says of a figure: half a sentence, to stand after the word.
_PLACED = N_("{registered} of {total} photos could be placed")
_MEANINGS = {
    ("placed", "fair"): _PLACED,
    ("placed", "poor"): _PLACED,
    ("psnr", "good"): N_("held-out photos are matched closely"),
    ("psnr", "fair"): N_("held-out photos are recognisable, with visible differences"),
    ("psnr", "poor"): N_("held-out photos are matched badly, so expect blur and stray spots"),
    ("ssim", "good"): N_("edges and structures of held-out photos are where they should be"),
    ("ssim", "fair"): N_("large structures of held-out photos are right, fine ones are soft"),
    ("ssim", "poor"): N_("the structure of held-out photos is largely lost"),
    ("lpips", "good"): N_("to the eye, held-out photos and the scene look alike"),
    ("lpips", "fair"): N_("to the eye, held-out photos and the scene differ noticeably"),
    ("lpips", "poor"): N_("to the eye, held-out photos and the scene look nothing alike"),
    ("nothing", UNMEASURED): N_("there are no figures for this scene"),
}


#: The same for people who are shown a scene and know nothing about how it is measured.
_PLAIN_MEANINGS = {
    ("psnr", "good"): N_("it comes close to the photos that were kept aside to check it"),
    ("psnr", "fair"): N_(
        "the photos that were kept aside to check it can be recognised, with visible differences"
    ),
    ("psnr", "poor"): N_(
        "it is far from the photos that were kept aside to check it, so expect blur and stray spots"
    ),
    ("ssim", "good"): N_("edges and shapes are where they should be"),
    ("ssim", "fair"): N_("large shapes are right, fine ones are soft"),
    ("ssim", "poor"): N_("most of its shapes are lost"),
    ("lpips", "good"): N_("to the eye it looks like the photos"),
    ("lpips", "fair"): N_("to the eye it differs noticeably from the photos"),
    ("lpips", "poor"): N_("to the eye it looks nothing like the photos"),
}


def meaning(name: str, word: str, **facts: object) -> str:
    """What `word` says of one of `GRADES`: half a sentence, in the language of whoever is served.

    The share of photos in their places takes the facts registered and total.
    """
    return translate(_MEANINGS[name, word], **facts)


@dataclass(frozen=True)
class Verdict:
    """`code` is what decided: one of `GRADES`, or "nothing". Sentences are made where it is shown,
    in the language of whoever looks."""

    word: str  # good, fair, poor, or unmeasured
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_poor(self) -> bool:
        return self.word == "poor"

    @property
    def label(self) -> str:
        """The word as it is shown."""
        return translate_marked(LABELS[self.word])

    @property
    def reason(self) -> str:
        """Half a sentence, to stand after the word."""
        return meaning(self.code, self.word, **self.facts)

    @property
    def plain_reason(self) -> str:
        """The same without technical words."""
        plainly = _PLAIN_MEANINGS.get((self.code, self.word))
        return translate_marked(plainly) if plainly else self.reason

    @property
    def sentence(self) -> str:
        """ "Poor: 4 of 8 photos could be placed"."""
        return translate(N_("{word}: {reason}"), word=self.label, reason=self.reason)


def verdict_of(
    figures: Mapping[str, float | None], *, registered: int | None = None, total: int | None = None
) -> Verdict:
    """The verdict on `figures`, by name as in `FIGURES`, with None for what was not measured, and
    on `registered` of `total` photos with a place (None: not known).

    Photos in their places say nothing about a scene that was not measured, unless they are few.
    """
    measured = {name: value for name in FIGURES if (value := figures.get(name)) is not None}
    values = dict(measured)
    if registered is not None and total:
        values["placed"] = registered / total
    words = {name: grade.word(values[name]) for name, grade in GRADES.items() if name in values}
    worst = min(words.values(), key=_ORDER.index, default="good")
    if not measured and worst != "poor":
        return Verdict(UNMEASURED, "nothing")
    candidates = FIGURES if worst == "good" else tuple(GRADES)
    code = next(name for name in candidates if words.get(name) == worst)
    return Verdict(worst, code, {"registered": registered, "total": total})
