"""The site as a WSGI application, for gunicorn.

Each process asks at its start whether the database belongs to its data folder; see
`recon.jobs.folder.data_folder`.
"""

import gc
import logging
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connections

from instarecon_site import folders

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instarecon_site.settings")
try:
    gc.disable()  # what is loaded stays: looking for garbage in it is a sixth of the start
    application = get_wsgi_application()
    folders.make()
except ImproperlyConfigured as error:
    sys.exit(f"Settings: {error}")

from recon.jobs import decoders
from recon.jobs.folder import data_folder
from recon.pipeline.errors import PipelineError

try:
    data_folder.require_own()
except data_folder.ForeignDataFolder as error:
    sys.exit(str(error))
except PipelineError as error:  # pages that need no file go on without the object store
    logging.getLogger(__name__).warning("Started all the same: %s", error)
except DatabaseError as error:
    sys.exit(f"The database can't be used: {error}")
finally:
    connections.close_all()

gc.freeze()
gc.enable()
decoders.opener().pool.warm()  # the first upload need not wait for a process to start
