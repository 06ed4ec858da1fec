"""Settings of the worker processes that tests start: the test's database, queue and folders."""

import importlib
import os
from pathlib import Path

import environ

_address = os.environ["RECON_TEST_DATABASE"]
_is_postgres = _address.startswith("postgresql:")
os.environ["TEST_DATABASE"] = "postgresql" if _is_postgres else "sqlite"

from tests.settings import *  # noqa: E402, F403
from tests.settings import DATABASES, RQ_QUEUES  # type: ignore[attr-defined]  # noqa: E402

if _is_postgres:
    DATABASES["default"].update(environ.Env.db_url_config(_address))
else:
    DATABASES["default"]["NAME"] = _address
for queue in RQ_QUEUES.values():
    queue["URL"] = os.environ["RECON_TEST_REDIS"]
DATA_DIR = Path(os.environ["RECON_TEST_JOBS"])
STOP_GRACE_S = 2.0
if os.environ.get("RECON_TEST_PIPELINE"):
    PIPELINE_RUNNER = os.environ["RECON_TEST_PIPELINE"]
if os.environ.get("RECON_TEST_IMPORTS"):
    importlib.import_module(os.environ["RECON_TEST_IMPORTS"])
