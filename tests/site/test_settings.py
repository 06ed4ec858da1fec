"""Settings: read from the environment, refused with a sentence if they are wrong."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from accounts.models import User
from instarecon_site import env, machine, postgres
from instarecon_site.secret import kept_secret
from tests.site.running import site_environment

ROOT = Path(__file__).parents[2]
SHOW = """
import json, django
from django.conf import settings
names = {names!r}
print(json.dumps({{n: getattr(settings, n, None) for n in names}}, default=str))
"""


def read_settings(tmp_path: Path, *names: str, **values: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(names=names)],
        env=site_environment(tmp_path, **values),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def manage(tmp_path: Path, *arguments: str, **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=site_environment(tmp_path, **values),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "eight", "a whole number from 1 to 65535"),
        ("PORT", "70000", "a whole number from 1 to 65535"),
        ("DEBUG", "maybe", "on or off"),
        ("MAX_CONCURRENT_JOBS", "0", "a whole number from 1 to 64"),
        ("WORKER_PRESETS", "quick,best", "some of quick, standard, high"),
        ("TRAINING_ITERATIONS", "-5", "a whole number of at least 1"),
        ("MAX_IMAGE_SIZE", "50", "a whole number of at least 100"),
        ("OUTLIER_MIN_CLUSTER_RATIO", "2", "a number from 0.0 to 1.0"),
        ("OUTLIER_STD_THRESHOLD", "nan", "a number of at least 0.1"),
        ("OUTLIER_STD_THRESHOLD", "inf", "a number of at least 0.1"),
        ("DEFAULT_PRESET", "best", "one of auto, quick, standard, high"),
        ("BASE_URL", "recon.example.org", "an address that begins with http:// or https://"),
        ("BASE_URL", "https://", "an address with a host"),
        ("BASE_URL", "http://host:port", "an address that begins with"),
        ("REDIS_URL", "localhost:6379", "an address that begins with redis://"),
        ("DATABASE_URL", "mysql://me@host/db", "an address that begins with postgres://"),
        ("DATABASE_URL", "postgres://me@host", "an address that ends with the database's name"),
        ("EMAIL_URL", "mail.example.org", "an address that begins with smtp://"),
        ("EMAIL_URL", "smtp://", "an address with a host"),
        ("SIGN_UP", "off", "one of open, invitation, closed"),
        (
            "PRIVACY_URL",
            "javascript:alert(1)",
            "an address that begins with http:// or https://, or",
        ),
        ("TERMS_URL", "//elsewhere.example", "an address that begins with http:// or https://, or"),
        (
            "IMPRINT_URL",
            "/\\elsewhere",
            "an address that begins with http:// or https://, or a path",
        ),
        ("LOG_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    for other in [n for n in os.environ if n in DOCUMENTED]:
        monkeypatch.delenv(other)
    monkeypatch.setenv("ENV_FILE", os.devnull)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    source = ROOT / "instarecon_site" / "settings.py"
    with pytest.raises(ImproperlyConfigured) as caught:
        # In this process: nineteen fresh interpreters would take half a minute.
        exec(compile(source.read_text(), source, "exec"), {"__file__": str(source)})  # noqa: S102
    assert str(caught.value).startswith(f"{name} is set to “{value}”, but must be {expected}")


DOCUMENTED = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


@pytest.mark.slow
def test_manage_py_stops_with_the_sentence_and_no_traceback(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", PORT="eight")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "Settings: PORT is set to “eight”, but must be a whole number from 1 to 65535.\n"
    )


@pytest.mark.slow
def test_gunicorn_s_application_stops_with_the_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import instarecon_site.wsgi"],
        env=site_environment(tmp_path, DEBUG="maybe"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Settings: DEBUG is set to “maybe”")
    assert "Traceback" not in done.stderr


def test_a_password_in_a_wrong_address_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://me:s3cr3t@host/db")
    with pytest.raises(ImproperlyConfigured) as caught:
        env.database("DATABASE_URL", "")
    assert "s3cr3t" not in str(caught.value)
    assert "mysql://me:***@host/db" in str(caught.value)


@pytest.mark.slow
def test_a_data_folder_that_can_t_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = manage(tmp_path, "check", DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Settings: DATA_DIR is {tmp_path}/file/data, but must be a fold")


@pytest.mark.slow
def test_reading_the_settings_makes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    script = (
        "import django; django.setup(); from django.core.management import call_command;"
        "call_command('check'); import instarecon_site.urls, recon.api.urls"
    )
    environment = site_environment(tmp_path, DATA_DIR=str(data))
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_command_that_keeps_something_makes_folder_and_key(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    assert manage(tmp_path, "migrate", "--plan", DATA_DIR=str(data)).returncode == 0
    assert data.stat().st_mode & 0o777 == 0o700
    assert len((data / "secret_key").read_text()) > 50
    assert (data / "incoming").is_dir()


@pytest.mark.slow
def test_a_data_folder_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    assert manage(tmp_path, "check", DATA_DIR=str(data)).returncode == 0
    assert data.stat().st_mode & 0o777 == 0o755, "just reading them changes nothing"
    assert manage(tmp_path, "migrate", "--plan", DATA_DIR=str(data)).returncode == 0
    assert data.stat().st_mode & 0o777 == 0o700


def test_a_folder_for_everybody_stays_so(tmp_path: Path) -> None:
    shared = tmp_path / "like-tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    env.tighten(shared)
    assert shared.stat().st_mode & 0o7777 == 0o1777


def test_only_what_others_may_do_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "run.sh").touch()
    (tmp_path / "run.sh").chmod(0o754)
    (tmp_path / "link").symlink_to(tmp_path / "run.sh")
    env.tighten(tmp_path / "link")  # what a link points to is not ours to change
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o754
    env.tighten(tmp_path / "run.sh")
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_an_upload_limit_below_the_photo_limit_is_refused(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", MAX_UPLOAD_SIZE_MB="20")
    assert done.returncode == 1
    assert "must be at least MAX_FILE_SIZE_MB, which is 30" in done.stderr


@pytest.mark.slow
def test_defaults_are_safe_and_as_documented(tmp_path: Path) -> None:
    found = read_settings(
        tmp_path,
        *("DEBUG", "HOST", "PORT", "BASE_URL", "TRAINING_ITERATIONS", "MAX_IMAGE_SIZE"),
        *("SESSION_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "MIN_IMAGE_SIZE", "EMAIL_BACKEND"),
        *("REDIS_IS_EMBEDDED", "REDIS_URL", "SIGN_UP", "MAX_UPLOAD_SIZE_MB"),
    )
    assert found == {
        "DEBUG": False,
        "HOST": "127.0.0.1",
        "PORT": 8000,
        "BASE_URL": "http://localhost:8000",
        "TRAINING_ITERATIONS": None,
        "MAX_IMAGE_SIZE": None,
        "SESSION_COOKIE_SECURE": False,
        "SECURE_HSTS_SECONDS": 0,
        "MIN_IMAGE_SIZE": 100,
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "REDIS_IS_EMBEDDED": True,
        "REDIS_URL": f"unix://{machine.run_folder(tmp_path / 'data')}/redis.sock",
        "SIGN_UP": "open",
        "MAX_UPLOAD_SIZE_MB": 500,
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "open"),
        ({"HOST": "::1", "BASE_URL": "http://localhost:9000"}, "open"),
        ({"HOST": "0.0.0.0"}, "invitation"),  # noqa: S104
        ({"HOST": "192.0.2.1"}, "invitation"),
        ({"BASE_URL": "https://recon.example.org"}, "invitation"),
        ({"TRUST_PROXY": "on"}, "invitation"),
        ({"ALLOWED_HOSTS": "recon.example.org"}, "invitation"),
        ({"HOST": "0.0.0.0", "SIGN_UP": "open"}, "open"),  # noqa: S104
        ({"SIGN_UP": "closed"}, "closed"),
    ],
)
def test_sign_up_is_open_only_where_nobody_else_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], expected: str
) -> None:
    for other in [n for n in os.environ if n in DOCUMENTED]:
        monkeypatch.delenv(other)
    for name, value in {"ENV_FILE": os.devnull, "DATA_DIR": str(tmp_path), **values}.items():
        monkeypatch.setenv(name, value)
    source = ROOT / "instarecon_site" / "settings.py"
    found: dict[str, object] = {"__file__": str(source)}
    exec(compile(source.read_text(), source, "exec"), found)  # noqa: S102
    assert found["SIGN_UP"] == expected


@pytest.mark.slow
def test_an_https_address_makes_cookies_secure(tmp_path: Path) -> None:
    found = read_settings(
        tmp_path,
        *("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS"),
        *("CSRF_TRUSTED_ORIGINS", "ALLOWED_HOSTS", "SECURE_PROXY_SSL_HEADER"),
        BASE_URL="https://recon.example.org/",
        TRUST_PROXY="on",
    )
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] == 31536000
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://recon.example.org"]
    assert found["ALLOWED_HOSTS"] == ["recon.example.org", "localhost", "127.0.0.1", "[::1]"]
    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


@pytest.mark.slow
def test_a_file_gives_values_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PORT=9000\nSIGN_UP=closed\nMAX_IMAGE_SIZE=\n")
    found = read_settings(
        tmp_path,
        *("PORT", "SIGN_UP", "MAX_IMAGE_SIZE"),
        ENV_FILE=str(tmp_path / "env"),
        PORT="9001",
    )
    assert found == {"PORT": 9001, "SIGN_UP": "closed", "MAX_IMAGE_SIZE": None}


@pytest.mark.slow
def test_postgres_and_mail_addresses_are_understood(tmp_path: Path) -> None:
    found = read_settings(
        tmp_path,
        *("DATABASES", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_PASSWORD"),
        DATABASE_URL="postgres://me:w%40rd@db.example.org:5433/recon?sslmode=require",
        EMAIL_URL="smtp+tls://me:w%40rd@mail.example.org",
    )
    database = found["DATABASES"]["default"]  # type: ignore[index]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"]) == ("db.example.org", 5433)
    assert (database["NAME"], database["PASSWORD"]) == ("recon", "w@rd")
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["tcp_user_timeout"] == 30_000
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.org", 587)
    assert found["EMAIL_USE_TLS"]
    assert found["EMAIL_HOST_PASSWORD"] == "w@rd"


def test_what_the_address_says_of_the_connection_is_kept() -> None:
    found = postgres.options({"OPTIONS": {"connect_timeout": 3, "options": "-c search_path=recon"}})
    assert found["connect_timeout"] == 3
    assert found["options"].startswith("-c tcp_user_timeout=30s ")
    assert found["options"].endswith(" -c search_path=recon")


@pytest.mark.slow
def test_a_real_postgresql_takes_all_of_it(postgres_url: str) -> None:
    with closing(psycopg2.connect(postgres_url, **postgres.options({}))) as connection:
        assert connection.get_dsn_parameters()["tcp_user_timeout"] == "30000"
        with connection.cursor() as cursor:  # the server's end: it would refuse a wrong name
            cursor.execute("SELECT setting FROM pg_settings WHERE name = 'tcp_user_timeout'")
            assert cursor.fetchone() is not None


def test_the_secret_key_is_made_once_for_all_processes(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(kept_secret, [path] * 64))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret_key"]


def test_an_empty_secret_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(ImproperlyConfigured, match="too short"):
        kept_secret(tmp_path / "secret_key")


def test_a_long_data_folder_gets_a_short_socket_path(tmp_path: Path) -> None:
    short, long = Path("/srv/recon"), Path("/srv") / ("long" * 25)
    assert machine.run_folder(short) == short / "run"
    run = machine.run_folder(long)
    assert len(os.fsencode(run / "supervisor.sock.12345")) < 104
    assert run != machine.run_folder(long / "other")


def test_gpus_are_counted_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_torch_has_cuda", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert machine.gpu_count() == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert machine.gpu_count() == 0
    monkeypatch.setattr(machine, "_torch_has_cuda", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert machine.gpu_count() == 0


@pytest.mark.django_db
def test_pages_carry_the_security_headers(client: Client) -> None:
    response = client.get("/accounts/sign-in/")
    policy = dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["worker-src"] == "'self' blob:"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_the_queue_carries_json_only() -> None:
    assert settings.RQ_QUEUES["recon"]["SERIALIZER"] == "rq.serializers.JSONSerializer"


@pytest.mark.django_db
def test_the_queue_s_dashboard_is_for_staff(client: Client) -> None:
    assert client.get("/admin/queue/").status_code == 302
    client.force_login(User.objects.create_user("someone@example.org"))
    assert client.get("/admin/queue/").status_code == 302
    assert client.get("/admin/queue/stats.json").status_code == 401
