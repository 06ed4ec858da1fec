"""`instarecon`: photos to a site and scenes back, or both on this machine.

Exit codes are `recon.client.errors.Exit`; whatever goes wrong is a sentence on standard error, or
with `--json` an object on standard output, and never a traceback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from recon import __version__
from recon.client.cli import account_commands, job_commands, local_commands, upload_command
from recon.client.cli.options import json_is_wanted
from recon.client.errors import ClientError, Exit, Refused

PROGRAM = "instarecon"

EPILOG = """\b
Exit codes, also with --json:
  0  done
  1  the site or this program failed
  2  wrong use
  3  the photos are at fault, or a wish that can't be granted
  4  not signed in, or the token may not do this
  5  no such job or file
  6  the site can't be reached
  7  not now: a limit is reached, or the job is not in a state for it
  8  the time to wait is over (wait --timeout)
130  stopped (Ctrl-C)
"""


@click.group(PROGRAM, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="instarecon3d", prog_name=PROGRAM)
def instarecon() -> None:
    """Turns photos into 3D scenes: on a site of InstaRecon3D, or with `reconstruct` here.

    The site and a token of it come from `instarecon login`, or from the variables INSTARECON_URL
    and INSTARECON_TOKEN.
    """


for one in (
    account_commands.login,
    upload_command.upload,
    job_commands.status,
    job_commands.wait,
    job_commands.download,
    job_commands.share,
    job_commands.list_jobs,
    job_commands.cancel,
    local_commands.reconstruct,
    local_commands.completion,
):
    instarecon.add_command(one)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        ended = instarecon.main(words, prog_name=PROGRAM, standalone_mode=False, obj=words)
        return int(ended or Exit.DONE)
    except click.ClickException as error:
        error.show()
        return int(Exit.WRONG_USE)
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("Stopped.\n")
        return int(Exit.STOPPED)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        return int(Exit.DONE)
    except ClientError as error:
        _tell(error, as_json=json_is_wanted(words))
        return int(error.exit_code)
    except OSError as error:
        what = error.filename or "A file"
        unread = ClientError(f"{what} can't be read or written: {error.strerror or error}.")
        _tell(unread, as_json=json_is_wanted(words))
        return int(unread.exit_code)


def _tell(error: ClientError, *, as_json: bool) -> None:
    if not as_json:
        sys.stderr.write(f"{error}\n")
        return
    told: dict[str, object] = {"detail": error.sentence, "advice": error.advice, "code": error.code}
    if isinstance(error, Refused):
        told["status"] = error.status
    sys.stdout.write(json.dumps({"error": told | {"exit_code": int(error.exit_code)}}) + "\n")
