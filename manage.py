#!/usr/bin/env python
"""Django's command line."""

import gc
import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from instarecon_site import folders

#: What needs neither database nor data folder.
WITHOUT_DATA = ("check", "collectstatic", "compilemessages", "help", "makemessages", "version")
#: What changes the database or the folder, and so needs the two to belong together.
WRITING = (
    *("migrate", "reconcile", "rqworker", "queue_sample_job", "create_first_account"),
    *("createsuperuser", "changepassword", "loaddata", "flush"),
)


def refuse_foreign_data() -> None:
    """Exits with a sentence where the database belongs to another data folder, or to a version
    that was never released."""
    import django
    from django.db import DatabaseError, connections

    django.setup()
    from instarecon_site import unreleased
    from recon.jobs.folder import data_folder
    from recon.pipeline.errors import PipelineError

    try:
        unreleased.refuse()
        data_folder.require_own()
    except (unreleased.UnreleasedDatabase, data_folder.ForeignDataFolder) as error:
        sys.exit(str(error))
    except PipelineError as error:  # the object store is away
        sys.exit(f"{error} (STORAGE_URL is {settings.STORAGE_URL})")
    except DatabaseError:
        pass  # not migrated yet, or away: the command will say so
    finally:
        connections.close_all()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instarecon_site.settings")
    command = next(iter(sys.argv[1:]), "help")
    gc.disable()  # what is loaded stays: looking for garbage in it is a sixth of the start
    try:
        settings.DEBUG  # noqa: B018  (loads the settings)
        if command not in WITHOUT_DATA and not command.startswith("-"):
            folders.make()
    except ImproperlyConfigured as error:
        # A person set something wrong: a sentence helps, a traceback does not.
        sys.exit(f"Settings: {error}")
    if command in WRITING:
        refuse_foreign_data()
    gc.freeze()
    gc.enable()
    execute_from_command_line(sys.argv)
