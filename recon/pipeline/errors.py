"""What can go wrong, whose fault it is, and what a person can do about it.

The texts of each code stand in `recon.pipeline.words.error_texts`.
"""

from __future__ import annotations

from collections.abc import Mapping

from recon.pipeline.words.error_texts import EXPLANATIONS
from recon.pipeline.words.explanation import FilledExplanation
from recon.pipeline.words.photo_names import PhotoNames
from recon.splats.stop_signal import Stopped


class ReconError(Exception):
    """A failure with a code; `facts` fill the placeholders of the code's explanation."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(explain(code, facts).sentence)
        self.code = code
        self.facts = facts


class UserError(ReconError):
    """Caused by the photos or the settings: the person can do something about it."""


class PipelineError(ReconError):
    """Our own fault, or the machine's: a retry may help, the person can do little."""


class Cancelled(Exception):
    """Somebody cancelled the job, or another attempt took it over. Nothing to explain."""


class Interrupted(Cancelled, Stopped):
    """The machine is about to stop: a training keeps what it has, and the job goes on later."""


class TimeLimit(BaseException):
    """The job's time is up. Raised into whatever runs, by a signal, so that it can't be an
    `Exception`: nobody who handles those, in our code or a library's, means this one."""


def explain(
    code: str, facts: Mapping[str, object] | None = None, names: PhotoNames | None = None
) -> FilledExplanation:
    """The texts for `code` with `facts` filled in, photos called as `names` say.

    Raises KeyError for an unknown code or a missing fact: both are programming errors.
    """
    return EXPLANATIONS[code].fill(code, (names or PhotoNames()).in_words(facts or {}))
