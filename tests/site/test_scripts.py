"""`make run` and `make test`: what they do first, and what they say if they can't."""

from __future__ import annotations

import ast
import configparser
import fcntl
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from benchmarks.attacks.slow import Crowd, half_head, slow_upload
from instarecon_site.machine import run_folder
from scripts import program
from tests import site_database
from tests.site.running import Site, free_port, site_environment, started_site
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The set-up script, working on an empty checkout."""
    module = load("bootstrap")
    for name, folder in {"ROOT": "", "VENV": ".venv", "STAMPS": ".venv/stamps"}.items():
        monkeypatch.setattr(module, name, tmp_path / folder)
    (tmp_path / ".venv").mkdir()
    (tmp_path / "requirements.txt").write_text("django==5.2.19\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\nruff==0.17.5\n")
    (tmp_path / "requirements-otel.txt").write_text("opentelemetry-sdk==1.45.2\n")
    return module


# --- Set-up ---


def test_an_old_python_can_read_the_set_up_script() -> None:
    """It has to, in order to say that it is too old."""
    ast.parse((SCRIPTS / "bootstrap.py").read_text(), feature_version=(3, 7))


def test_too_old_a_python_is_told_what_to_install(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as stopped:
        bootstrap.use_good_python()
    assert "needs Python 3.11 or newer, and this is 3.9" in str(stopped.value)
    assert "apt-get install python3.11" in str(stopped.value)


def test_too_old_a_python_gives_way_to_a_newer_one(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[str] = []
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(
        bootstrap.shutil, "which", lambda name: "/usr/bin/" + name if "3.12" in name else None
    )
    monkeypatch.setattr(bootstrap.os, "execv", lambda path, arguments: became.append(path))
    with pytest.raises(SystemExit):  # the fake exec returned
        bootstrap.use_good_python()
    assert became == ["/usr/bin/python3.12"]


@pytest.mark.parametrize(
    ("wanted", "told"), [(None, None), ("", None), ("sqlite", "sqlite"), ("postgresql",) * 2]
)
def test_tests_run_on_the_database_that_the_command_names(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, wanted: str | None, told: str | None
) -> None:
    monkeypatch.setattr(bootstrap.os, "environ", {} if wanted is None else {"DATABASE": wanted})
    bootstrap.choose_database()
    assert bootstrap.os.environ.get("TEST_DATABASE") == told


@pytest.mark.parametrize("goal", ["test", "quick"])
def test_a_database_that_tests_do_not_know_is_said_at_once(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, goal: str
) -> None:
    assert bootstrap.DATABASES == site_database.KINDS
    monkeypatch.setenv("DATABASE", "mysql")
    with pytest.raises(SystemExit, match="DATABASE is mysql, but must be one of sqlite, postgre"):
        getattr(bootstrap, goal)()


def test_packages_are_installed_again_only_when_their_list_changes(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(
        bootstrap, "quiet", lambda command, help_text: installed.append(command[-1])
    )
    bootstrap.install("requirements.txt")
    bootstrap.install("requirements.txt")
    assert installed == ["requirements.txt"]
    bootstrap.install("requirements-dev.txt")
    bootstrap.install("requirements.txt")  # the larger list contains it
    assert installed == ["requirements.txt", "requirements-dev.txt"]
    (bootstrap.ROOT / "requirements.txt").write_text("django==5.2.20\n")
    bootstrap.install("requirements.txt")
    bootstrap.install("requirements-dev.txt")
    assert installed[2:] == ["requirements.txt", "requirements-dev.txt"]


def test_javascript_is_built_again_only_when_its_sources_change(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def build(command: list[str], help_text: str, environment: dict[str, str]) -> None:
        ran.append(command[1])
        folder = "node_modules" if command[1] == "ci" else "static/dist"
        (bootstrap.ROOT / folder).mkdir(parents=True, exist_ok=True)
        (bootstrap.ROOT / folder / "made").write_text("x")

    (bootstrap.ROOT / "static").mkdir()
    (bootstrap.ROOT / "static" / "site.js").write_text("1")
    monkeypatch.setattr(bootstrap, "npm_command", lambda: (["npm"], {}))
    monkeypatch.setattr(bootstrap, "quiet", build)
    bootstrap.build_front_end()
    bootstrap.build_front_end()
    assert ran == ["ci", "run"]
    (bootstrap.ROOT / "static" / "site.js").write_text("2")
    bootstrap.build_front_end()
    assert ran == ["ci", "run", "run"]
    (bootstrap.ROOT / "package.json").write_text("{}")
    bootstrap.build_front_end()
    assert ran == ["ci", "run", "run", "ci", "run"]


def test_what_only_checks_scripts_is_fetched_for_checks_and_stays(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[list[str]] = []

    def fetch(command: list[str], help_text: str, environment: dict[str, str]) -> None:
        fetched.append(command)
        (bootstrap.ROOT / "node_modules").mkdir(exist_ok=True)

    monkeypatch.setattr(bootstrap, "npm_command", lambda: (["npm"], {}))
    monkeypatch.setattr(bootstrap, "quiet", fetch)
    bootstrap.fetch_javascript_packages("digest", with_checkers=False)
    bootstrap.fetch_javascript_packages("digest", with_checkers=False)
    assert ["--omit=dev" in command for command in fetched] == [True]
    bootstrap.fetch_javascript_packages("digest", with_checkers=True)
    bootstrap.fetch_javascript_packages("digest", with_checkers=True)
    bootstrap.fetch_javascript_packages("digest", with_checkers=False)  # the larger set has it
    assert ["--omit=dev" in command for command in fetched] == [True, False]
    bootstrap.fetch_javascript_packages("another", with_checkers=False)
    assert ["--omit=dev" in command for command in fetched] == [True, False, True]


def test_a_failed_step_shows_the_end_of_its_output_and_what_to_do(bootstrap: ModuleType) -> None:
    command = [sys.executable, "-c", "print('no route to host'); raise SystemExit(1)"]
    with pytest.raises(SystemExit) as stopped:
        bootstrap.quiet(command, bootstrap.REGISTRY_HELP)
    assert "    no route to host\n\nThe package registry could not be reached" in str(stopped.value)


def test_the_javascript_is_built_with_the_node_that_came_by_pip() -> None:
    npm, environment = load("bootstrap").npm_command()
    assert str(ROOT / ".venv") in npm[0] or sys.prefix in npm[0]
    done = subprocess.run([*npm, "--version"], env=environment, capture_output=True, check=True)
    assert int(done.stdout.split(b".")[0]) >= 10


def test_a_browser_for_the_tests_is_found() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPTS / "ensure_chromium.py"], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).exists()


# --- Starting ---


def serve(tmp_path: Path, **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPTS / "serve.py")],
        env=site_environment(tmp_path, **values),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = serve(tmp_path, PORT=str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {port} on 127.0.0.1 is in use. ")
    assert f"make run PORT={port + 1}" in done.stderr
    assert not (tmp_path / "data" / "db.sqlite3").exists()


@pytest.mark.parametrize("host", ["nowhere.invalid", "203.0.113.1"])
def test_a_host_that_is_not_this_machine_is_said(tmp_path: Path, host: str) -> None:
    done = serve(tmp_path, HOST=host, PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith(f"HOST is set to “{host}”, which is no address of this machine")


def test_a_second_site_on_the_same_data_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with (data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = serve(tmp_path, PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith(f"A site is running already on the data in {tmp_path}/data.")


def test_a_wrong_setting_stops_the_start_with_its_sentence(tmp_path: Path) -> None:
    done = serve(tmp_path, MAX_FILE_SIZE_MB="big")
    assert done.returncode == 1
    assert done.stderr == (
        "Settings: MAX_FILE_SIZE_MB is set to “big”, but must be a whole number of at least 1.\n"
    )


def test_a_database_that_can_t_be_reached_is_said(tmp_path: Path) -> None:
    done = serve(
        tmp_path,
        PORT=str(free_port()),
        STATIC_ROOT=str(tmp_path / "static"),
        DATABASE_URL=f"postgres://me:w@127.0.0.1:{free_port()}/recon",
    )
    assert done.returncode == 1
    assert "The database can't be used: connection" in done.stderr
    assert "Traceback" not in done.stderr


# --- Running ---


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with started_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def test_a_started_site_answers_and_says_where(site: Site) -> None:
    assert site.health() == "ok"
    lines = site.said().splitlines()
    assert lines[-1].split() == ["Address", f"http://localhost:{site.port}"]
    assert "Password" not in site.said()  # the account is not new
    assert site.supervised("first-job") == 0  # and so is no job of ours


def test_slow_clients_stop_nobody_else(site: Site) -> None:
    """More of each kind than there are threads. They go on until everybody else has been served."""
    body = b"x" * 10_000_000  # at 150 kB/s it takes over a minute
    uploads = [slow_upload(site.port, "/recon/jobs", {}, body, rate=150_000) for _ in range(20)]
    heads = [half_head(site.port) for _ in range(200)]
    with Crowd(heads + uploads) as crowd:
        for _ in range(20):
            assert site.health() == "ok"
            for path in ("/", "/accounts/sign-in/"):
                with urllib.request.urlopen(f"http://127.0.0.1:{site.port}{path}") as page:
                    assert page.status == 200
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"http://127.0.0.1:{site.port}/recon/queue")
        assert "200" not in crowd.ended


def test_a_worker_s_health_is_what_redis_heard_of_it(site: Site) -> None:
    # Before the test that kills workers: a killed one can't sign off, and Redis counts it as alive
    # for another minute or two.
    wait_until(lambda: site.worker_health() == 0, "the workers are healthy", longest_s=0.5)
    site.control("stop", "worker:*")
    assert site.worker_health() == 1
    assert site.worker_health("checks") == 0
    site.control("start", "worker:*")
    wait_until(lambda: site.worker_health() == 0, "the workers are healthy", longest_s=0.5)


@pytest.mark.parametrize("name", ["web", "worker:worker-0", "checks", "reconcile", "redis"])
def test_a_program_that_is_killed_starts_again(site: Site, name: str) -> None:
    wait_until(lambda: site.supervised(name) != 0, f"{name} runs")
    before = site.supervised(name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: site.supervised(name) not in (0, before), f"{name} runs again")
    wait_until(site.is_healthy, "the site is healthy")


def test_ctrl_c_stops_everything_and_a_second_start_works(site: Site) -> None:
    assert len(site.processes()) >= 6
    assert site.stop(signal.SIGINT) == 0
    assert site.processes() == []
    site.start()
    assert site.health() == "ok"


def test_nothing_is_left_when_the_supervisor_is_killed(site: Site) -> None:
    """It once left seven processes behind, and the next start failed because the port was in
    use."""
    data = site.folder / "data"
    for path in (data, data / "db.sqlite3", data / "logs" / "web.log"):
        path.chmod(0o755)  # as a backup may restore them
    os.kill(program.supervisor_of(run_folder(data)), signal.SIGKILL)
    assert site.process.wait() != 0
    assert "The site ended by itself." in site.said()
    assert site.processes() == []
    site.start()
    assert site.health() == "ok"
    for path in (data, data / "db.sqlite3", data / "logs" / "web.log"):
        assert path.stat().st_mode & 0o077 == 0


def test_every_program_is_tied_to_its_supervisor() -> None:
    """New ones, too."""
    conf = configparser.RawConfigParser()
    conf.read(SCRIPTS / "supervisord.conf")
    programs = [name for name in conf.sections() if name.startswith("program:")]
    assert len(programs) >= 6
    for name in programs:
        known = name.removeprefix("program:")
        start = f'"%(ENV_RECON_PYTHON)s" scripts/program.py {known}'
        assert conf[name]["command"].startswith(start), f"{known} would outlive supervisord"


def test_what_outlived_its_supervisor_is_ended_at_the_next_start(tmp_path: Path) -> None:
    """For systems that do not end it themselves: macOS has no parent-death signal."""
    env = {"RECON_RUN": str(tmp_path), "PYTHONPATH": str(ROOT)}
    recording = (
        "import signal; from pathlib import Path; from scripts import program;"
        f"program.record(Path('{tmp_path}'), 'web'); print('recorded', flush=True); signal.pause()"
    )
    left = subprocess.Popen([sys.executable, "-c", recording], env=env, stdout=subprocess.PIPE)
    assert left.stdout
    left.stdout.readline()
    assert program.end_recorded(tmp_path) == 1
    assert not psutil.pid_exists(left.pid)
    assert program.end_recorded(tmp_path) == 0


def test_a_number_that_was_given_again_is_left_alone(tmp_path: Path) -> None:
    """This process has that number, but began at another time."""
    program.record(tmp_path, "web")
    path = tmp_path / program.RECORDS / "web"
    assert program.process_of(path) == psutil.Process()
    number, began = path.read_text().split()
    path.write_text(f"{number} {float(began) - 60}\n")
    assert program.process_of(path) is None
    assert program.end_recorded(tmp_path) == 0


def test_nothing_is_left_when_the_parent_is_killed(site: Site) -> None:
    site.stop(signal.SIGKILL)
    wait_until(lambda: site.processes() == [], "nothing is left")
    site.start()
