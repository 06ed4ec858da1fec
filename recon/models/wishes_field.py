"""A column for what a person wishes for a scene: `Wishes` in Python, JSON in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from recon.pipeline.wishes import Wishes

if TYPE_CHECKING:
    JSONField = models.JSONField[Wishes, Wishes]
else:
    JSONField = models.JSONField


class WishesField(JSONField):
    """One wish is looked up as a key of the JSON: `wishes__preset="high"`."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Raises records.RecordError for anything that is not wishes."""
        return self.to_python(super().from_db_value(value, expression, connection))

    def to_python(self, value: Any) -> Any:
        return Wishes.read(value) if isinstance(value, dict) else value  # else one of its keys

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value.to_dict() if isinstance(value, Wishes) else value)

    def value_to_string(self, obj: models.Model) -> Any:
        """As `dumpdata` writes it."""
        return self.get_prep_value(self.value_from_object(obj))
