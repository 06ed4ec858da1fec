"""`instarecon login`."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

import click

from recon.client import Client, sign_in
from recon.client.cli.options import as_json, print_json, print_line
from recon.client.errors import WrongUse
from recon.client.line import site_address

_HERE = ("localhost", "127.0.0.1", "::1")


@click.command()
@click.argument("url", required=False, envvar=sign_in.URL)
@as_json
def login(url: str | None, as_json: bool) -> None:
    """Keeps the address of a site and a token of it, after trying them.

    URL is the site's address, such as https://example.org. The token comes from the site's account
    page: it is asked for, read from standard input if that is a pipe, or taken from
    INSTARECON_TOKEN. Only you can read the file that keeps it.
    """
    url = site_address(url or click.prompt("Address of the site", err=True))
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _HERE:
        sys.stderr.write("Careful: without https, others on the line can read the token.\n")
    token = _token(url)
    with Client(url, token) as client:
        account = client.account()
    path = sign_in.write(sign_in.SignIn(url, token))
    if as_json:
        told = {"url": url, "email": account.email, "scopes": account.scopes}
        print_json(told | {"file": str(path)})
    else:
        print_line(f"Signed in to {url} as {account.email}. The token is kept in {path}.")


def _token(url: str) -> str:
    """Raises WrongUse."""
    token = os.environ.get(sign_in.TOKEN, "")
    if not token and sys.stdin.isatty():
        sys.stderr.write(f"Make a token on the account page of {url}.\n")
        token = click.prompt("Token", hide_input=True, err=True)
    elif not token:
        token = sys.stdin.readline()
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise WrongUse("No token was given.", "Copy one from the site's account page.")
    return token
