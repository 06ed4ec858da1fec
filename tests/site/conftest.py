"""What the site's tests share with the core's: the one finished reconstruction."""

from __future__ import annotations

from tests.reconstruction import finished_run

__all__ = ["finished_run"]
