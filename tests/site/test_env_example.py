"""`.env.example`, docs/operate/configuration.md and settings.py name the same settings."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Read by docker-compose.yml, not by the site.
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "CUDA_VERSION", "TORCH_CUDA_ARCH_LIST"}


def names_read() -> set[str]:
    files = ("instarecon_site/settings.py", "accounts/provider/environment.py")
    source = "".join((ROOT / name).read_text() for name in files)
    return set(re.findall(r'(?:env\.\w+|_claim)\(\s*"([A-Z_]+)"', source))


def names_in_example() -> set[str]:
    lines = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^# ([A-Z_]+)=", lines, re.MULTILINE))


def names_documented() -> set[str]:
    text = (ROOT / "docs" / "operate" / "configuration.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))


def test_the_example_names_every_setting_and_no_other() -> None:
    assert names_in_example() - COMPOSE_ONLY == names_read() - {"ENV_FILE"}


def test_the_documentation_names_every_setting_and_no_other() -> None:
    assert names_documented() == names_read()


def test_the_prototype_s_names_still_mean_something() -> None:
    prototype = """HOST PORT BASE_URL DEBUG MAX_CONCURRENT_JOBS TRAINING_ITERATIONS MAX_IMAGE_SIZE
        MIN_IMAGE_SIZE MAX_FILE_SIZE_MB MONITOR_GPU GPU_CHECK_INTERVAL OUTLIER_K_NEIGHBORS
        OUTLIER_STD_THRESHOLD OUTLIER_MIN_CLUSTER_RATIO DATABASE_URL DATA_DIR"""
    assert set(prototype.split()) <= names_read()


def test_every_line_of_the_example_can_be_switched_on() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert all(re.match(r"^(# .*|)$", line) for line in lines)
