"""How a sentence names photos: by their numbers on the page, and by what their owner calls them.

The pipeline's reports list photos by the names that they are stored under, in upload/. Only where a
report is shown is it known which number and original name each photo has there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from recon.pipeline.words.texts import Counted, translate

#: Original names in one sentence at most: nobody reads twenty file names.
MOST_NAMED = 3


class KnownPhoto(NamedTuple):
    """What a page calls a photo, and what its owner does."""

    number: int
    original_name: str


@dataclass(frozen=True)
class PhotoNames:
    """`known`: photos by the names that they are stored under. Those that it does not know, as on
    the command line, are called as they are stored."""

    known: Mapping[str, KnownPhoto] = field(default_factory=dict)

    def in_sentence(self, names: Sequence[str]) -> str:
        """ "photo 3 (gate.jpg)", "photos 1 and 4 to 7 (a.jpg, b.jpg, c.jpg and 2 more)"."""
        names = sorted(names, key=lambda name: self.known.get(name, (sys.maxsize, name)))
        original_names = _some([self.original_name(name) for name in names])
        numbers = [self.known[name].number for name in names if name in self.known]
        if not numbers:
            return original_names
        text = Counted("photo {numbers} ({names})", "photos {numbers} ({names})")
        said = numbers_in_words(numbers)
        return translate(text, count=len(names), numbers=said, names=original_names)

    def original_name(self, name: str) -> str:
        """What the person called the photo."""
        return self.known[name].original_name if name in self.known else name

    def in_words(self, facts: Mapping[str, object]) -> dict[str, object]:
        """`facts` of a warning or an error with its photos as texts: `names`, `groups`, `name`."""
        words = dict(facts)
        if isinstance(photos := facts.get("photos"), list):
            words["names"] = self.in_sentence(photos)
        if isinstance(groups := facts.get("photo_groups"), list):
            words["groups"] = "; ".join(self.in_sentence(group) for group in groups)
        if isinstance(name := facts.get("name"), str):
            words["name"] = self.original_name(name)
        return words


def numbers_in_words(numbers: Sequence[int]) -> str:
    """ "3", "3 and 7", "1 to 4 and 9": runs of three or more as such."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = []
    for run in runs:
        whole = translate("{first} to {last}", first=run[0], last=run[-1])
        words += [whole] if len(run) > 2 else [str(n) for n in run]
    if len(words) < 2:
        return "".join(words)
    return translate("{some} and {last}", some=", ".join(words[:-1]), last=words[-1])


def _some(names: Sequence[str]) -> str:
    """The first few, and how many there are besides."""
    said, more = ", ".join(names[:MOST_NAMED]), len(names) - MOST_NAMED
    if more <= 0:
        return said
    return translate(Counted("{names} and {count} more", "{names} and {count} more"),
                names=said, count=more)  # fmt: skip
