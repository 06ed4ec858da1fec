"""How a sentence names photos: by their numbers on the page, and by what their owner calls them.

What the pipeline reports lists photos by the names of their files in upload/. Only where it is told
is it known which number and which name of its own each has there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recon.pipeline.words.texts import Counted, told

#: Own names in one sentence at most: twenty file names are a wall nobody reads.
MOST_NAMED = 3


@dataclass(frozen=True)
class PhotoNames:
    """`known`: number and own name by the name of the file in upload/. Photos that it does not
    know, as on the command line, are called as their files are."""

    known: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def said(self, files: Sequence[str]) -> str:
        """ "photo 3 (gate.jpg)", "photos 1 and 4 to 7 (a.jpg, b.jpg, c.jpg and 2 more)"."""
        files = sorted(files, key=lambda file: self.known.get(file, (sys.maxsize, file)))
        names = _some([self.own(file) for file in files])
        numbers = [self.known[file][0] for file in files if file in self.known]
        if not numbers:
            return names
        text = Counted("photo {numbers} ({names})", "photos {numbers} ({names})")
        return told(text, count=len(files), numbers=numbers_in_words(numbers), names=names)

    def own(self, file: str) -> str:
        """What the person called the photo."""
        return self.known[file][1] if file in self.known else file

    def in_words(self, facts: Mapping[str, object]) -> dict[str, object]:
        """`facts` of a warning or an error with its photos as texts: `names`, `groups`, `name`."""
        words = dict(facts)
        if (photos := _listed_in(facts)) is not None:
            words["names"] = self.said(photos)
        if (groups := _groups_in(facts)) is not None:
            words["groups"] = "; ".join(self.said(group) for group in groups)
        if isinstance(name := facts.get("name"), str):
            words["name"] = self.own(name)
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
        whole = told("{first} to {last}", first=run[0], last=run[-1])
        words += [whole] if len(run) > 2 else [str(n) for n in run]
    if len(words) < 2:
        return "".join(words)
    return told("{some} and {last}", some=", ".join(words[:-1]), last=words[-1])


def _some(names: Sequence[str]) -> str:
    """The first few, and how many there are besides."""
    said, more = ", ".join(names[:MOST_NAMED]), len(names) - MOST_NAMED
    if more <= 0:
        return said
    return told(Counted("{names} and {count} more", "{names} and {count} more"),
                names=said, count=more)  # fmt: skip


def _listed_in(facts: Mapping[str, object]) -> list[str] | None:
    """The photos that a sentence names. Warnings from before they were listed have one text, in
    which a copy stands before what it is a copy of: "a.jpg = b.jpg, c.jpg"."""
    if isinstance(photos := facts.get("photos"), list):
        return list(photos)
    if not isinstance(names := facts.get("names"), str):
        return None
    parts = names.replace("; ", ", ").split(", ")
    return [part.partition(" = ")[0] for part in parts]


def _groups_in(facts: Mapping[str, object]) -> list[list[str]] | None:
    """The same for groups of photos, which were parted by semicolons."""
    if isinstance(groups := facts.get("photo_groups"), list):
        return [list(group) for group in groups]
    text = facts.get("groups", facts.get("names"))
    return [part.split(", ") for part in text.split("; ")] if isinstance(text, str) else None
