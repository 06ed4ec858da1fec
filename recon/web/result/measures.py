"""What a scene's word is made of, as rows of a table: each measure, and the word that it allows."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.models import Job
from recon.pipeline.quality import LABELS, Evidence, words_of
from recon.pipeline.words.texts import translate_marked

_LABELS = {
    "placed": _("Photos placed"),
    "confirmed": _("Depth that photos confirm for each other"),
    "psnr": _("Held-out photos, colours (PSNR)"),
    "ssim": _("Held-out photos, structure (SSIM)"),
}


@dataclass(frozen=True)
class Measure:
    """One row."""

    label: str
    figure: str
    word: str  # as in `quality.WORDS`
    word_label: str


def measures_of(job: Job) -> list[Measure]:
    """Those that are known, in the order in which they are looked at."""
    evidence = job.evidence
    return [
        Measure(str(_LABELS[name]), _figure(name, evidence), word, translate_marked(LABELS[word]))
        for name, word in words_of(evidence).items()
    ]


def _figure(name: str, evidence: Evidence) -> str:
    if name == "placed":
        said = gettext("{registered} of {total}")
        return said.format(registered=evidence.registered, total=evidence.total)
    if name == "confirmed":
        return f"{round(100 * (evidence.confirmed or 0.0))}%"
    return f"{evidence.psnr:.1f} dB" if name == "psnr" else f"{evidence.ssim:.2f}"
