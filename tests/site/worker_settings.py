"""Settings of the worker processes that tests start: the test's database, queue and folders."""

import importlib
import os
from pathlib import Path

import environ

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, RQ_QUEUES  # type: ignore[attr-defined]

if os.environ["RECON_TEST_DATABASE"].startswith("postgresql:"):
    DATABASES["default"] = environ.Env.db_url_config(os.environ["RECON_TEST_DATABASE"])
else:
    DATABASES["default"]["NAME"] = os.environ["RECON_TEST_DATABASE"]
for queue in RQ_QUEUES.values():
    queue["URL"] = os.environ["RECON_TEST_REDIS"]
DATA_DIR = Path(os.environ["RECON_TEST_JOBS"])
STOP_GRACE_S = 2.0
if os.environ.get("RECON_TEST_PIPELINE"):
    PIPELINE_RUNNER = os.environ["RECON_TEST_PIPELINE"]
if os.environ.get("RECON_TEST_IMPORTS"):
    importlib.import_module(os.environ["RECON_TEST_IMPORTS"])
