"""`instarecon reconstruct`, which needs no site, and `instarecon completion`."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from recon.client.cli.options import print_line
from recon.client.errors import ClientError, Exit

#: By this variable a shell asks the command what could come next.
ASKS = "_INSTARECON_COMPLETE"


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    options_metavar="PHOTOS/ OUT/ [OPTIONS]",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
def reconstruct(arguments: tuple[str, ...]) -> int:
    """Makes a scene here, without a site.

    The same as instarecon-reconstruct; `instarecon reconstruct --help` lists its options.
    """
    try:
        from recon.pipeline.cli import command
    except ImportError as error:
        raise ClientError(
            f"The reconstruction is not installed here: {error}.",
            "pip install instarecon3d brings all that it needs.",
        ) from error
    return command.main(arguments, program="instarecon reconstruct")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Prints what makes a shell complete this command.

    \b
    bash: instarecon completion bash > ~/.local/share/bash-completion/completions/instarecon
    zsh:  instarecon completion zsh > a folder of $fpath/_instarecon
    fish: instarecon completion fish > ~/.config/fish/completions/instarecon.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three"  # noqa: S101 - they are the choices
    whole = context.find_root().command
    print_line(kind(whole, {}, "instarecon", ASKS).source())
    sys.stdout.flush()
    return Exit.DONE
