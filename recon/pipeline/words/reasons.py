"""Why a part of a job could not be done, as a code, shown in the reader's language.

What a library said about it is `detail`: English, technical, and for whoever runs the site.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from recon.pipeline.words.texts import N_, translate_marked

REASONS = {
    "out_of_memory": N_("The GPU ran out of memory."),
    "nothing_held_out": N_("No photo was held out."),
    "lpips_off": N_("LPIPS is switched off in the settings."),
    "lpips_offline": N_("The weights that LPIPS needs can’t be downloaded here."),
    "lpips_broken": N_("LPIPS can’t be loaded on this machine."),
    "unforeseen": N_("Something unexpected went wrong; the log has the details."),
}


@dataclass(frozen=True)
class Reason:
    """`code` is one of `REASONS`."""

    code: str
    detail: str = ""

    @classmethod
    def of(cls, error: Exception) -> Reason:
        """Of an unexpected error."""
        return cls("unforeseen", f"{type(error).__name__}: {error}")

    @classmethod
    def read(cls, recorded: object) -> Reason | None:
        """What `to_dict` wrote; None for nothing, and for an unknown code."""
        if isinstance(recorded, dict) and recorded.get("code") in REASONS:
            return cls(recorded["code"], str(recorded.get("detail", "")))
        return None

    @property
    def sentence(self) -> str:
        return translate_marked(REASONS[self.code])

    def to_dict(self) -> dict[str, str]:
        return asdict(self)
