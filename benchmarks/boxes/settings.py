"""Settings of the site on the boxes: the real ones, with a small pipeline."""

import os

from instarecon_site.settings import *  # noqa: F403
from instarecon_site.settings import STORAGES

PIPELINE_RUNNER = os.environ["BOXES_PIPELINE"]
# Nobody looks at its pages: no time for compressing their scripts.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
