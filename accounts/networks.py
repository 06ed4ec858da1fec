"""Where a request comes from, and which addresses count as one."""

from __future__ import annotations

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: A person at home has a /64 of IPv6 at least, a small network a /48: thousands of them.
ONE, SITE = 64, 48


def client_address(request: HttpRequest) -> Address | None:
    """The client's IP address; None where it is not known, as over a Unix socket.

    Behind a proxy it is the last entry of X-Forwarded-For, the one that our own proxy added; the
    ones before it are whatever the client claims. Some proxies write a port or brackets, too.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.TRUST_PROXY and forwarded:
        return parsed(forwarded.rsplit(",", 1)[-1])
    return parsed(request.META.get("REMOTE_ADDR") or "")


def parsed(text: str) -> Address | None:
    """An address as proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`, `fe80::1%eth0`."""
    bare = text.strip().strip('"')
    if found := re.fullmatch(r"\[([^\]]*)\](?::\d+)?|([0-9.]+):\d+", bare):
        bare = found[1] or found[2] or ""
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def network(request: HttpRequest, prefix: int = ONE) -> str:
    """What is counted for the client's address: the address itself, of IPv6 its network.

    Unknown addresses count as one.
    """
    address = client_address(request)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, prefix), strict=False))
    return str(address)
