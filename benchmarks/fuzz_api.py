"""Whatever the API's description allows, and what it does not, against a real site.

    python benchmarks/fuzz_api.py                        # ten minutes, seed 1
    python benchmarks/fuzz_api.py --seconds 60 --seed 7

Starts a site on loopback and lets schemathesis call every address of docs/use/openapi.json, the
prototype's too. Prints its report, and exits with 1 where an answer was not as described, or a
fault of the site.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.parts.schema_run import call_whatever_is_described
from scripts.temporary_site import new_site, site_environment

_ISSUE = """
import django; django.setup()
from accounts.models import ApiToken, User
print(ApiToken.issue(User.objects.get(), "fuzzing")[1])
"""
#: Nothing but the site's own limits keeps it from calling.
_GENEROUS = {"API_CALLS_A_MINUTE": "1000000", "UPLOADS_AN_HOUR": "1000000", "MAX_DRAFTS": "1000"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--examples", type=int, default=100, help="of each address")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_site(Path(name), **_GENEROUS) as site:
        token = issue_token(Path(name))
        done = call_whatever_is_described(
            site.address,
            token,
            seconds=options.seconds,
            examples=options.examples,
            seed=options.seed,
        )
    print(done.stdout, done.stderr)
    sys.exit(done.returncode)


def issue_token(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _ISSUE],
        env=site_environment(folder),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
