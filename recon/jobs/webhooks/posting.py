"""One POST to an address that somebody else chose.

It must not become a way into the own network. So the name is resolved here, every address that it
has must be one of the public internet, and the connection goes to the address that was looked at:
a name that changes its mind in between gains nothing. No redirect is followed, no proxy of the
environment is used, and nothing of the answer but its status is looked at.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT_S = 10.0
#: Ports where web servers are, besides all that need no privilege.
_PRIVILEGED = (80, 443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPosted(Exception):
    """There was no answer. `reason` is one of those in `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


#: Why there is no answer.
WRONG, UNKNOWN, INSIDE, NO_ANSWER = "wrong_address", "unknown_name", "own_network", "no_answer"
REASONS = (WRONG, UNKNOWN, INSIDE, NO_ANSWER)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer. Raises NotPosted."""
    connection, path = _connection(url)
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotPosted(NO_ANSWER) from error
    finally:
        connection.close()


def check(url: str) -> None:
    """Raises NotPosted for an address that nothing would be sent to."""
    _connection(url)[0].close()


def _connection(url: str) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not open yet, to an address that was looked at, and what to ask for."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or {"https": 443, "http": 80}[parts.scheme]
    except (KeyError, ValueError) as error:
        raise NotPosted(WRONG) from error
    if not host or parts.username is not None or (port < 1024 and port not in _PRIVILEGED):
        raise NotPosted(WRONG)
    address = _resolve(host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "https":
        return _PinnedHttps(host, port, address), path
    return _Pinned(host, port, address), path


def _resolve(host: str, port: int) -> str:
    """An address of the host. Raises NotPosted unless all that it has are of the internet."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotPosted(UNKNOWN) from error
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    are_public = all(is_public(ipaddress.ip_address(one)) for one in addresses)
    if not (are_public or settings.WEBHOOKS_TO_OWN_NETWORK):
        raise NotPosted(INSIDE)
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether it is of the internet, also where another address is wrapped in it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


class _Pinned(http.client.HTTPConnection):
    """Connects to `address`, whatever the host's name may mean by then."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self.address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), TIMEOUT_S)


class _PinnedHttps(_Pinned):
    """The same by TLS, whose certificate is the host's."""

    default_port = 443

    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
