"""All settings, in one file. Values come from the environment or `.env`.

Every name is described in docs/operate/configuration.md and listed in `.env.example` (a test
compares the three). Reading goes through `instarecon_site.env`, which refuses wrong values with a
sentence.
"""

import os
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import SimpleLazyObject

from accounts.provider import environment
from instarecon_site import env, postgres
from instarecon_site.machine import gpu_count, run_folder
from instarecon_site.secret import kept_secret
from recon.pipeline.wishes import EARLIER_NAMES, PRESET_NAMES, QUICK

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_file(Path(env.text("ENV_FILE", str(BASE_DIR / ".env"))))

# --- Where the site is ---

DEBUG = env.flag("DEBUG", False)
HOST = env.text("HOST", "127.0.0.1")
PORT = env.whole("PORT", 8000, least=1, most=65535)
#: How people reach the site, without a slash at its end; it stands in mails and in API answers.
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_here = HOST.strip("[]") in (*_LOOPBACK, "0.0.0.0", "::")  # noqa: S104
BASE_URL = env.url(
    "BASE_URL",
    f"http://{'localhost' if _here else HOST}:{PORT}",
    schemes=("http", "https"),
)
BASE_URL_IS_DEFAULT = not env.is_set("BASE_URL")
if not urlsplit(BASE_URL).hostname:
    raise env.wrong("BASE_URL", "an address with a host, such as https://recon.example.org")
IS_HTTPS = BASE_URL.startswith("https://")
#: This machine itself is always allowed: health checks need it.
ALLOWED_HOSTS = [str(urlsplit(BASE_URL).hostname), "localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS += env.words("ALLOWED_HOSTS")
#: Whether a reverse proxy stands in front that sets X-Forwarded-For and X-Forwarded-Proto itself.
TRUST_PROXY = env.flag("TRUST_PROXY", False)
#: Of each web process; an IPv6 network of 64 bits counts as one. See `instarecon_site.server`.
MAX_CONNECTIONS_PER_ADDRESS = env.whole("MAX_CONNECTIONS_PER_ADDRESS", 100, least=4, most=1000)

# --- Where its data is ---

DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "data")
RUN_DIR = run_folder(DATA_DIR)
#: Where none is set, whoever first asks for the one that is kept makes it.
_kept_key = SimpleLazyObject(partial(kept_secret, DATA_DIR / "secret_key"))
SECRET_KEY = env.text("SECRET_KEY") or cast(str, _kept_key)
if env.is_set("SECRET_KEY") and len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY is too short, but must have at least 32 characters.")

#: Earlier keys: what was signed or encrypted with them is still good.
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")

DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if str(DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
    # Web, workers and timer write to one file. A write-ahead log lets readers go on meanwhile,
    # and a transaction that asks for the write lock at its start can't fail half way for it.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,  # seconds
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    DATABASES["default"]["OPTIONS"] = postgres.options(DATABASES["default"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The queue ---

#: Where not set, `make run` starts a server of its own on this socket.
REDIS_IS_EMBEDDED = not env.is_set("REDIS_URL")
REDIS_URL = env.url(
    "REDIS_URL",
    f"unix://{quote(str(RUN_DIR / 'redis.sock'))}",
    schemes=("redis", "rediss", "unix"),
)
GPU_COUNT = gpu_count()
MAX_CONCURRENT_JOBS = env.whole("MAX_CONCURRENT_JOBS", max(1, GPU_COUNT), most=64)
#: What the workers of this machine are called; where it is not set, as the machine.
WORKER_NAME = env.text("WORKER_NAME")
WORKER_PRESETS = [EARLIER_NAMES.get(one, one) for one in env.words("WORKER_PRESETS", PRESET_NAMES)]
if not set(WORKER_PRESETS) <= set(PRESET_NAMES):
    raise env.wrong("WORKER_PRESETS", f"some of {', '.join(PRESET_NAMES)}, separated by commas")
WORKER_DAYS = env.whole("WORKER_DAYS", 7, most=3650)
JOB_TIMEOUT_MINUTES = env.whole("JOB_TIMEOUT_MINUTES", 180, most=7 * 24 * 60)
MAX_ATTEMPTS = env.whole("MAX_ATTEMPTS", 3, most=10)
RQ_QUEUES = {
    name: {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": timeout,  # seconds
        # Pickle, the default, runs the code of whoever can write to Redis.
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    # Reconstructions; the short checks of photos, which must never wait behind the others; the
    # frames of videos, which take minutes; and mails, which the checks' worker sends first.
    for name, timeout in (
        ("recon", JOB_TIMEOUT_MINUTES * 60),
        ("checks", 180),
        ("videos", 600),
        ("mail", 120),
    )
}
RQ = {"WORKER_CLASS": "recon.jobs.run.worker.ReconWorker", "COMMIT_MODE": "on_db_commit"}
RQ_SHOW_ADMIN_LINK = True

# --- Photos and reconstruction ---

MIN_PHOTOS, MAX_PHOTOS = 3, 20
MAX_DRAFTS = env.whole("MAX_DRAFTS", 20, most=1000)  # a person
MAX_VIDEOS = env.whole("MAX_VIDEOS", 5, most=100)  # a scene
DRAFT_DAYS = env.whole("DRAFT_DAYS", 14, most=3650)  # unchanged, then removed
#: How old a scene may get before it is deleted, unless its owner keeps it; None: as old as it
#: likes. Its owner is told so many days before.
RETENTION_DAYS = env.ceiling("RETENTION_DAYS", most=36_500)
RETENTION_WARNING_DAYS = env.whole("RETENTION_WARNING_DAYS", 14, most=365)
#: What one person may have, unless staff gave them limits of their own.
MAX_TEAMS = env.whole("MAX_TEAMS", 5, most=1000)  # that one person may own
QUOTA_STORED_MB = env.whole("QUOTA_STORED_MB", 20_480)
QUOTA_ACTIVE_JOBS = env.whole("QUOTA_ACTIVE_JOBS", 10)  # waiting or running
QUOTA_JOBS_A_DAY = env.whole("QUOTA_JOBS_A_DAY", 100)  # started, by the site's calendar
QUOTA_VIDEOS = env.whole("QUOTA_VIDEOS", 10)  # whose frames are still to be taken
MIN_IMAGE_SIZE = env.whole("MIN_IMAGE_SIZE", 100, most=10_000)  # px, each side
MAX_FILE_SIZE_MB = env.whole("MAX_FILE_SIZE_MB", 30)
MAX_UPLOAD_SIZE_MB = env.whole("MAX_UPLOAD_SIZE_MB", 500)
if MAX_UPLOAD_SIZE_MB < MAX_FILE_SIZE_MB:
    raise ImproperlyConfigured(
        f"MAX_UPLOAD_SIZE_MB is {MAX_UPLOAD_SIZE_MB}, but must be at least MAX_FILE_SIZE_MB,"
        f" which is {MAX_FILE_SIZE_MB}."
    )
#: A video is given up for its frames, so it may be larger than they.
MAX_VIDEO_SIZE_MB = min(env.whole("MAX_VIDEO_SIZE_MB", 200), MAX_UPLOAD_SIZE_MB)
#: Processes that open photos and videos for requests, at a time and for all web processes together.
DECODING_PROCESSES = env.whole("DECODING_PROCESSES", min(4, max(2, os.cpu_count() or 1)), most=64)
TRAINING_ITERATIONS = env.ceiling("TRAINING_ITERATIONS")  # steps at most; else the preset decides
MAX_IMAGE_SIZE = env.ceiling("MAX_IMAGE_SIZE", least=MIN_IMAGE_SIZE)  # px at most; likewise
DEFAULT_PRESET = env.choice(
    "DEFAULT_PRESET", ("auto", *PRESET_NAMES), "auto", earlier=EARLIER_NAMES
)
if DEFAULT_PRESET == "auto":
    DEFAULT_PRESET = "standard" if GPU_COUNT else QUICK
MONITOR_GPU = env.flag("MONITOR_GPU", True)
GPU_CHECK_INTERVAL = env.whole("GPU_CHECK_INTERVAL", 100)  # training steps
OUTLIER_K_NEIGHBORS = env.whole("OUTLIER_K_NEIGHBORS", 20, most=1000)
OUTLIER_STD_THRESHOLD = env.number("OUTLIER_STD_THRESHOLD", 2.0, least=0.1)
OUTLIER_MIN_CLUSTER_RATIO = env.number("OUTLIER_MIN_CLUSTER_RATIO", 0.05, least=0.0, most=1.0)

# Uploads are spooled on the disk that they stay on, so that keeping one is a rename.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
SILENCED_SYSTEM_CHECKS = ["files.E001"]  # `instarecon_site.folders` makes it, not who reads this
FILE_UPLOAD_PERMISSIONS = 0o640
FILE_UPLOAD_HANDLERS = [
    "recon.web.uploads.QuotaUploadHandler",  # first: it counts, the others store
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "recon.web.uploads.SpoolingUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FILES = 100

# --- The application ---

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_rq",
    "csp",
    "ninja",  # the page that describes API v1, and its scripts
    "accounts",
    "recon",
]
MIDDLEWARE = [
    "instarecon_site.middleware.request_ids.number_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "instarecon_site.middleware.measuring.count_requests",
    "instarecon_site.middleware.tracing.trace_requests",
    "instarecon_site.middleware.compression.CompressPages",
    "instarecon_site.middleware.caching.keep_nothing",
    "csp.middleware.CSPMiddleware",
    "instarecon_site.middleware.odd_requests.without_odd_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.time_zones.in_their_time_zone",
    "accounts.languages.in_their_language",
    "instarecon_site.middleware.request_ids.name_people",
    "django.contrib.messages.middleware.MessageMiddleware",
    "instarecon_site.middleware.refusals.with_refusals",
    "accounts.second_factor.staff.ask_staff",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.devices.remember_devices",
    "accounts.throttling.answer_too_many",
    "instarecon_site.middleware.odd_requests.with_a_page_for_buttons",
    "instarecon_site.middleware.odd_requests.without_odd_addresses",
    "instarecon_site.middleware.admin_pages.without_console_errors",
    "instarecon_site.middleware.queue_pages.missing_is_404",
    "instarecon_site.middleware.queue_pages.permissions_decide",
]
ROOT_URLCONF = "instarecon_site.urls"
WSGI_APPLICATION = "instarecon_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "instarecon_site.context.site",
            ],
            # Every template has texts to translate.
            "builtins": ["django.templatetags.i18n"],
        },
    }
]
LANGUAGE_CODE = "en"  # of the texts in the code, and of whoever wants none of the others
#: Each under its own name. docs/develop/languages.md says how to add one.
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "instarecon_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60  # seconds
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = IS_HTTPS
USE_TZ = True
TIME_ZONE = env.text("TIME_ZONE", "UTC")
if DEBUG:
    INTERNAL_IPS = ["127.0.0.1"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"))).resolve()
STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "instarecon_site.storage.StaticStorage"
    },
}
#: Where web and workers of several machines keep jobs' files; None: they share DATA_DIR.
STORAGE_URL = env.url("STORAGE_URL", "", schemes=("s3", "file"))
if (_object_store := env.storage("STORAGE_URL")) is not None:
    STORAGES["jobs"] = _object_store
#: Who sends large files. See `recon.web.serving`.
DOWNLOADS = env.choice("DOWNLOADS", ("direct", "x-accel", "signed"), "direct")
if DOWNLOADS == "signed" and not STORAGE_URL.startswith("s3://"):
    raise env.wrong("DOWNLOADS", "direct or x-accel where STORAGE_URL names no S3 bucket")

# --- People ---

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.ThrottledBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
#: Whether anybody can make an account: `open`, with an `invitation` of the staff's, or `closed`.
#: A site that nobody but this machine reaches is open, any other is not unless somebody says so.
_only_here = (
    HOST.strip("[]") in _LOOPBACK
    and urlsplit(BASE_URL).hostname in _LOOPBACK
    and not (TRUST_PROXY or env.words("ALLOWED_HOSTS"))
)
SIGN_UP = env.choice(
    "SIGN_UP", ("open", "invitation", "closed"), "open" if _only_here else "invitation"
)
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "recon:gallery"
LOGOUT_REDIRECT_URL = "recon:home"
#: Where people may sign in besides, or instead: docs/operate/sign-in.md.
OIDC = environment.read()
SIGN_IN_WITH_PASSWORD = env.flag("SIGN_IN_WITH_PASSWORD", True)
if OIDC is None and not SIGN_IN_WITH_PASSWORD:
    raise ImproperlyConfigured("SIGN_IN_WITH_PASSWORD is off, but there is no OIDC_ISSUER instead.")
#: Whether the staff's pages take a second factor.
STAFF_NEED_TOTP = env.flag("STAFF_NEED_TOTP", not _only_here)
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60  # seconds

# What one account may do; the limits of guessing and signing up are in `accounts.sign_in_limits`.
API_CALLS_A_MINUTE = env.whole("API_CALLS_A_MINUTE", 600)
UPLOADS_AN_HOUR = env.whole("UPLOADS_AN_HOUR", 1200)
#: Whether webhooks may be addresses that are not of the public internet.
WEBHOOKS_TO_OWN_NETWORK = env.flag("WEBHOOKS_TO_OWN_NETWORK", False)
#: How long the log keeps that staff opened somebody else's scene.
AUDIT_DAYS = env.whole("AUDIT_DAYS", 365, most=36_500)

# --- Mail ---

#: Whether people are offered mail when a scene is done, and confirm their address at sign-up.
MAIL_IS_SET_UP = env.is_set("EMAIL_URL")
#: Kept in files unless EMAIL_URL names a server (smtp+tls://user:word@host). Not in the log: a mail
#: has links that let one in.
globals().update(env.mail("EMAIL_URL", folder=DATA_DIR / "mail"))
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", f"InstaRecon3D <noreply@{urlsplit(BASE_URL).hostname}>"
)

#: Pages of whoever runs the site, linked on every page and beside the sign-up button.
PRIVACY_URL = env.link("PRIVACY_URL")
TERMS_URL = env.link("TERMS_URL")
IMPRINT_URL = env.link("IMPRINT_URL")

# --- Security ---

CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(BASE_URL))]
CSRF_FAILURE_VIEW = "instarecon_site.errors.csrf_failure"
SESSION_COOKIE_NAME = "instarecon_session"  # browsers share cookies between ports of one host
CSRF_COOKIE_NAME = "instarecon_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_AGE = 30 * 24 * 60 * 60  # seconds
SECURE_SSL_REDIRECT = False  # the proxy that speaks HTTPS does this, and health checks use HTTP
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if IS_HTTPS else 0
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
# The viewer compiles WebAssembly and sorts splats in a worker made from a blob.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "worker-src": ["'self'", "blob:"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Log, metrics and traces ---

#: What Prometheus sends as a bearer token to /metrics. Without one there are no metrics.
METRICS_TOKEN = env.text("METRICS_TOKEN")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("METRICS_TOKEN is too short, but must have at least 16 characters.")

#: Where OpenTelemetry's collector is. Its other variables are read by its own library.
TRACES_TO = env.url("OTEL_EXPORTER_OTLP_ENDPOINT", "", schemes=("http", "https"))
if TRACES_TO and not env.has_module("opentelemetry.exporter"):
    raise ImproperlyConfigured(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed. Run:"
        " .venv/bin/python -m pip install --requirement requirements-otel.txt"
    )

LOG_FORMAT = env.choice("LOG_FORMAT", ("text", "json"), "text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "instarecon_site.redaction.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {"()": "instarecon_site.monitoring.log_facts.JsonFormatter"},
    },
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "json" if LOG_FORMAT == "json" else "line",
        }
    },
    "root": {
        "handlers": ["stdout"],
        "level": env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
    },
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}
