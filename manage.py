#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instarecon_site.settings")
    try:
        settings.DEBUG  # noqa: B018  (loads the settings)
    except ImproperlyConfigured as error:
        # A person set something wrong: a sentence helps, a traceback does not.
        sys.exit(f"Settings: {error}")
    execute_from_command_line(sys.argv)
