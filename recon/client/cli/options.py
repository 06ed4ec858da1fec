"""What the commands share: `--json`, the site, and how an answer is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from recon.client import Client
from recon.client.errors import ClientError, Exit

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
job_id = click.argument("job_id", metavar="JOB")

PRESETS = click.Choice(["quick", "standard", "high"])


def json_is_wanted(words: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, be it as wrong as it may."""
    return "--json" in words


@contextmanager
def site() -> Iterator[Client]:
    """The site that is known. Raises WrongUse."""
    with Client() as client:
        yield client


class Stopped(ClientError):
    """Ctrl-C; the advice says how to go on."""

    exit_code = Exit.STOPPED


@contextmanager
def stoppable(advice: str) -> Iterator[None]:
    """Makes a sentence with `advice` of Ctrl-C. Raises Stopped."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Stopped("Stopped.", advice) from error


def print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")


def print_line(line: str) -> None:
    """To standard output; a name may be in no known encoding."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
