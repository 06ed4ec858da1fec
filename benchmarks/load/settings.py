"""Settings of the site under load: the real ones, with a pipeline that takes a moment."""

from instarecon_site.settings import *  # noqa: F403
from instarecon_site.settings import STORAGES

PIPELINE_RUNNER = "benchmarks.load.pipeline.run_pipeline"
# Its pages are opened, its scripts and styles are not.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
