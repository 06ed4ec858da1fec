#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

#: What changes the database or the folder, and so needs the two to belong together.
WRITING = (
    *("migrate", "reconcile", "rqworker", "queue_sample_job", "create_first_account"),
    *("createsuperuser", "changepassword", "loaddata", "flush"),
)


def refuse_foreign_data() -> None:
    """Exits with a sentence where the database belongs to another data folder."""
    import django
    from django.db import DatabaseError, connections

    django.setup()
    from recon.jobs.folder import data_folder

    try:
        data_folder.require_own()
    except data_folder.ForeignDataFolder as error:
        sys.exit(str(error))
    except DatabaseError:
        pass  # not migrated yet, or away: the command will say so
    finally:
        connections.close_all()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instarecon_site.settings")
    try:
        settings.DEBUG  # noqa: B018  (loads the settings)
    except ImproperlyConfigured as error:
        # A person set something wrong: a sentence helps, a traceback does not.
        sys.exit(f"Settings: {error}")
    if sys.argv[1:2] and sys.argv[1] in WRITING:
        refuse_foreign_data()
    execute_from_command_line(sys.argv)
