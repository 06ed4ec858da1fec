"""What a run is doing now, as sentences: one for each code that `report` is called with.

Codes and facts are what is passed on and stored (`recon.reporting`). Here they become sentences, in
the reader's language; the command line and the log have English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recon.pipeline.words.texts import N_, Counted, in_english, translate

SENTENCES: dict[str, str | Counted] = {
    "checking_machine": N_("checking this machine"),
    "photo": N_("photo {number} of {total}"),
    "pair": N_("pair {number} of {total}"),
    # The pose ladder: its rungs, `rung_` and their names, and what they do.
    "rung_incremental": N_("SIFT, one photo after the other"),
    "rung_relaxed": N_("SIFT, one after the other, with looser limits"),
    "rung_global": N_("SIFT, all photos at once"),
    "rung_guided": N_("SIFT matched again, with looser limits"),
    "rung_strong_sift": N_("stronger SIFT, with looser limits"),
    "rung_learned": N_("learned features, with looser limits"),
    "rung_learned_global": N_("learned features, all photos at once"),
    "without_file_focals": N_("without the focal lengths in the files"),
    "attempt": N_("attempt {number}"),
    "photos_placed": N_("{placed} of {total} photos placed"),
    "placing_all_photos": N_("all photos at once"),
    "loading_networks": N_("loading the networks"),
    "looking_for_pairs": N_("looking for photos that go together"),
    "pairs_compared": Counted("{count} pair compared", "{count} pairs compared"),
    "triangulating": N_("finding points that the photos share"),
    "placing_others": N_("placing the photos that have no position yet"),
    "comparing_cameras": N_("comparing cameras"),
    "refining_cameras": N_("refining cameras"),
    # Training.
    "photo_loaded": N_("{name} loaded"),
    "measuring_depths": N_("measuring depths"),
    "training_step": N_("training step {step} of {total}"),
    # Measuring, and what comes after.
    "looking_for_stray_spots": N_("looking for stray spots"),
    "comparing_held_out": N_("comparing with the held-out photos"),
    "fold": N_("fold {number} of {total}"),
    "comparing_fold": N_("comparing with its held-out photos"),
    "finishing": N_("finishing with all {count} photos"),
    "removing_stray_spots": N_("removing stray spots"),
    "saving_scene": N_("saving the scene"),
    "taking_picture": N_("taking the cover picture"),
    "filming": N_("making the video"),
    # Of a video as of the turntable.
    "frame": N_("frame {number} of {total}"),
    "looking_for_sharp_frames": N_("looking for sharp frames"),
}

#: A sentence with what is done within that work; for a few codes it is put in another way.
WITHIN = N_("{outer}: {inner}")
WITHIN_CODE = {"attempt": N_("attempt {number}, {inner}")}

#: A sentence with the time that it takes from now on.
TIMED = N_("{sentence}, {seconds} s left")

Tell = Callable[..., str]


def sentence(message: Mapping[str, Any], *, timed: bool = True) -> str:
    """What `message`, a `reporting.message`, says in the language of whoever is served; empty for
    an empty one. `timed` says whether with the work's own guess at its time left.

    Raises KeyError for an unknown code or a missing fact: both are programming errors.
    """
    return _filled(message, translate, timed=timed)


def english(message: Mapping[str, Any]) -> str:
    """The same for a log."""
    return _filled(message, in_english, timed=True)


def seconds_left(message: Mapping[str, Any]) -> float | None:
    """The guess of the work itself, or of the work within it; None if there is none."""
    facts = message.get("facts", {})
    left: float | None = facts.get("seconds_left")
    return seconds_left(facts["inner"]) if left is None and "inner" in facts else left


def _filled(message: Mapping[str, Any], tell: Tell, *, timed: bool) -> str:
    if not message:
        return ""
    code, facts = message["code"], dict(message["facts"])
    inner = _filled(facts.pop("inner", {}), tell, timed=timed)
    if inner and code in WITHIN_CODE:
        text = tell(WITHIN_CODE[code], **facts, inner=inner)
    else:
        text = tell(SENTENCES[code], **facts)
        text = tell(WITHIN, outer=text, inner=inner) if inner else text
    if timed and "seconds_left" in facts:
        text = tell(TIMED, sentence=text, seconds=facts["seconds_left"])
    return text
