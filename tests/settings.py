"""The site's settings for tests: a data folder of their own, and static files without collecting.

A `.env` of whoever runs the tests, or a variable of their shell, must not change the result.
"""

import atexit
import os
import shutil
import tempfile


def _remove(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # not in a fork
        shutil.rmtree(folder, ignore_errors=True)


# One folder for a test run and the processes that it starts; DATA_DIR is given on to them.
if "RECON_TEST_DATA_DIR" not in os.environ:
    os.environ["RECON_TEST_DATA_DIR"] = tempfile.mkdtemp(prefix="recon-tests-")
    atexit.register(_remove, os.environ["RECON_TEST_DATA_DIR"], os.getpid())
for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "BASE_URL", "DEBUG", "PORT", "HOST"):
    os.environ.pop(name, None)
os.environ["ENV_FILE"] = os.devnull
os.environ["DATA_DIR"] = os.environ["RECON_TEST_DATA_DIR"]

from instarecon_site.settings import *  # noqa: E402, F403
from instarecon_site.settings import DATA_DIR, STORAGES  # noqa: E402

STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True  # serves static/ itself to a live server
# The real hasher is slow by design; tests sign up dozens of people.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
