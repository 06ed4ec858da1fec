"""What the command line says at the end of a run: a sentence, or one JSON object."""

from __future__ import annotations

import json
import sys

from recon.pipeline import errors
from recon.pipeline.outcome import Summary
from recon.pipeline.quality import NOT_A_SCENE
from recon.pipeline.workspace import Workspace

DONE, OUR_FAULT, WRONG_USE, USER_ERROR, INTERRUPTED = 0, 1, 2, 3, 130


def print_outcome(summary: Summary, workspace: Workspace, *, as_json: bool) -> None:
    """The outcome: a sentence on standard error, or with `--json` an object on standard output.

    Paths in the object are absolute, so that they mean the same wherever it is read.
    """
    if summary.error_code:
        # Whoever runs it here also runs the machine.
        found = errors.explain(summary.error_code, summary.error_facts)
        summary.error = found.staff_sentence
        sys.stderr.write(f"{summary.step} failed ({summary.error_code}): {summary.error}\n")
        sys.stderr.write(f"The log is {workspace.log}\n")
        if summary.error_code == NOT_A_SCENE:
            sys.stderr.write("The same command with --make-anyway goes on from here.\n")
    elif summary.status == "COMPLETED":
        sys.stderr.write(f"{outcome_sentence(summary)}\n{word_in_words(summary)}\n")
    elif summary.status == "STOPPED":
        sys.stderr.write(f"Stopped after {summary.step}, as asked.\n")
    else:
        sys.stderr.write("Interrupted. The same command goes on from here.\n")
    if as_json:
        outcome = summary.to_dict() | quality_of(summary)
        outcome["artifacts"] = {
            name: str((workspace.root / path).resolve()) for name, path in summary.artifacts.items()
        }
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        for name, path in summary.artifacts.items():
            sys.stdout.write(f"{name}: {workspace.root / path}\n")


def outcome_sentence(summary: Summary) -> str:
    words = [f"Done: {summary.registered} of {summary.total} photos placed"]
    if summary.gaussian_count is not None:
        words.append(f"{summary.gaussian_count} Gaussians")
    for name in ("psnr", "ssim", "lpips"):
        if getattr(summary, name) is not None:
            words.append(figure_in_words(summary, name))
    if summary.protocol == "cross-validation":
        words.append("each photo held out once")
    return ", ".join(words) + "."


def word_in_words(summary: Summary) -> str:
    """ "Poor: 4 of 8 photos could be placed. Take photos between …"."""
    verdict = summary.verdict
    if verdict is None:
        return ""
    return " ".join(filter(None, (f"{verdict.sentence}.", verdict.advice)))


def quality_of(summary: Summary) -> dict[str, str | None]:
    """The word and why, under the names that the API has for them."""
    verdict = summary.verdict
    return {
        "quality": summary.word,
        "quality_code": verdict.code if verdict else None,
        "quality_reason": verdict.reason if verdict else None,
    }


def figure_in_words(summary: Summary, name: str) -> str:
    """ "PSNR 24.12 dB on held-out photos (26.03 dB with exposure matched)"."""
    digits, unit = (".2f", " dB") if name == "psnr" else (".3f", "")
    spread = (summary.spread or {}).get(name)
    around = "" if spread is None else f" ± {spread:{digits}}"
    said = f"{name.upper()} {getattr(summary, name):{digits}}{around}{unit} on held-out photos"
    corrected = getattr(summary, f"{name}_corrected")
    if corrected is None:
        return said
    return f"{said} ({corrected:{digits}}{unit} with exposure matched)"


def exit_code(summary: Summary) -> int:
    if summary.status in ("COMPLETED", "STOPPED"):
        return DONE
    if summary.status == "CANCELLED":
        return INTERRUPTED
    return USER_ERROR if summary.fault == "user" else OUR_FAULT
