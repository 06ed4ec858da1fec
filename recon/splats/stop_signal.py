"""The one exception that a training knows by name. No torch: the site reads this too."""

from __future__ import annotations


class Stopped(Exception):
    """Raised by a report when the machine is about to stop.

    The training leaves a checkpoint of the step that it has just finished before it passes this on.
    """
