"""How many photos a scene is made of."""

from __future__ import annotations

from recon.pipeline.errors import UserError


def check_count(count: int, minimum: int, maximum: int) -> None:
    """Raises UserError: too_few_photos, too_many_photos."""
    facts = {"count": count, "minimum": minimum, "maximum": maximum}
    if count < minimum:
        raise UserError("too_few_photos", **facts)
    if count > maximum:
        raise UserError("too_many_photos", **facts)
