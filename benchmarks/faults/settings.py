"""Settings of the site that faults are started on: the real ones, with a pipeline of seconds."""

from instarecon_site.settings import *  # noqa: F403
from instarecon_site.settings import STORAGES

PIPELINE_RUNNER = "benchmarks.faults.pipeline.run_pipeline"
# Nobody looks at its pages: no time for compressing their scripts.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
