"""Attacks a site that it starts itself, on loopback, and prints what that did to everybody else.

    python -m benchmarks.attacks                  # all of them
    python -m benchmarks.attacks decoding         # one
    python -m benchmarks.attacks --list

Each attack is a module next to this one with `run()`, which returns the rows of its table. Every
loop in them is bounded in count and time, and they only connect to 127.0.0.1.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import signal
from pathlib import Path

from benchmarks.jobs import machine
from benchmarks.parts.tables import table


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no site may outlive this
    files = sorted(Path(__file__).parent.glob("*.py"))
    attacks = [file.stem for file in files if "\ndef run(" in file.read_text()]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(attacks))
    parser.add_argument("--list", action="store_true", help="name the attacks and stop")
    options = parser.parse_args()
    if unknown := set(options.attacks) - set(attacks):
        parser.error(f"there is no attack {', '.join(sorted(unknown))}")
    if options.list:
        print("\n".join(attacks))
        return
    print(f"{datetime.date.today()}, {machine()}")
    for name in options.attacks or attacks:
        module = importlib.import_module(f"benchmarks.attacks.{name}")
        rows = module.run()
        print(f"\n`python -m benchmarks.attacks {name}`\n")
        print(table(list(rows[0]), [list(row.values()) for row in rows]), flush=True)


if __name__ == "__main__":
    main()
