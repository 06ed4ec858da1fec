"""What is said of one code: a title and advice, with placeholders, and what comes of filling them.

The codes and their texts stand in `error_texts` and `photo_check.check_texts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recon.pipeline.words import sizes
from recon.pipeline.words.reasons import Reason
from recon.pipeline.words.texts import Counted, translate


@dataclass(frozen=True)
class FilledExplanation:
    """An explanation with its facts filled in, ready to show."""

    code: str
    title: str
    advice: str
    for_staff: str = ""  # what whoever runs the machine can do, where others can only ask them

    @property
    def sentence(self) -> str:
        return f"{self.title} {self.advice}"

    @property
    def staff_sentence(self) -> str:
        """For whoever runs the machine."""
        return f"{self.title} {self.for_staff or self.advice}"


@dataclass(frozen=True)
class Explanation:
    """One code's texts, `str.format` templates over the error's facts."""

    title: str | Counted
    advice: str
    for_staff: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that it may say."""
        titles = self.title.forms if isinstance(self.title, Counted) else (self.title,)
        return (*titles, self.advice, self.for_staff)

    def fill(self, code: str, facts: Mapping[str, object]) -> FilledExplanation:
        """The texts with `facts`, in the language of whoever is served."""
        words = dict(facts)
        reason = Reason.read(facts.get("reason"))
        if "reason" in facts:
            words["reason"] = reason.sentence if reason else ""
        words = {**sizes.sizes_in_words(words), **words}
        texts = (self.title, self.advice, self.for_staff)
        title, advice, for_staff = (translate(text, **words) if text else "" for text in texts)
        return FilledExplanation(
            code, title, advice, for_staff or (reason.detail if reason else "")
        )
