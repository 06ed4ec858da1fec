"""Forms that come back: the browser goes to the first field with something wrong."""

from __future__ import annotations

from django.forms import BaseForm


def focus_first(form: BaseForm) -> None:
    """Puts the cursor, and with it the page, where the first error stands."""
    if not any(name in form.errors for name in form.fields):
        return
    for field in form.fields.values():
        field.widget.attrs.pop("autofocus", None)
    for name in form.fields:
        if name in form.errors:
            form.fields[name].widget.attrs["autofocus"] = True
            return
