"""The site's settings for tests: a data folder of their own, and static files without collecting.

A `.env` of whoever runs the tests, or a variable of their shell, must not change the result.
"""

import os
from pathlib import Path

from tests.run_folder import RUN_FOLDER
from tests.site_database import KIND

for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "BASE_URL", "DEBUG", "PORT", "HOST"):
    os.environ.pop(name, None)
os.environ["ENV_FILE"] = os.devnull
# One for each of pytest-xdist's workers; what a worker starts inherits its name.
os.environ["DATA_DIR"] = str(RUN_FOLDER / f"data-{os.environ.get('PYTEST_XDIST_WORKER', 'all')}")
Path(os.environ["DATA_DIR"]).mkdir(exist_ok=True)
if KIND == "postgresql":  # `tests.site_database` says where its server is; here there is none
    os.environ["DATABASE_URL"] = f"postgresql://postgres:@/recon?host={RUN_FOLDER}"

from instarecon_site.settings import *  # noqa: E402, F403
from instarecon_site.settings import DATA_DIR, STORAGES  # noqa: E402

os.environ.pop("DATABASE_URL", None)  # not for sites of their own that tests start

STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True  # serves static/ itself to a live server
# The real hasher is slow by design; tests sign up dozens of people.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
