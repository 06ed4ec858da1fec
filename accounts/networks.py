"""Where a request comes from, and which addresses count as one."""

from __future__ import annotations

import ipaddress
import logging
from functools import cache

from django.conf import settings
from django.http import HttpRequest

from instarecon_site import addresses

logger = logging.getLogger(__name__)

#: Bits of an IPv6 address that a household or company has: thousands of networks.
SITE_PREFIX = 48


def client_address(request: HttpRequest) -> str | None:
    """The client's IP address; None where it is not known, as over a Unix socket.

    Behind a proxy it is the last entry of X-Forwarded-For, the one that our own proxy added; the
    ones before it are whatever the client claims.
    """
    written = [str(request.META.get("REMOTE_ADDR") or "")]
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.TRUST_PROXY:
        written.insert(0, forwarded.rsplit(",", 1)[-1])
    elif forwarded:
        _tell_of_proxy()
    found = next((one for text in written if (one := addresses.read(text)) is not None), None)
    return None if found is None else str(found)


@cache
def _tell_of_proxy() -> None:
    """Logged once: whoever runs the site may have forgotten it, and then all visitors count as
    one."""
    logger.warning(
        "Requests say X-Forwarded-For, but TRUST_PROXY is off: visitors are told apart by the"
        " address of the connection. Switch it on where a proxy of yours sets that header."
    )


def network(request: HttpRequest) -> str:
    """What is counted for the client: its IPv4 address, or its IPv6 network of 64 bits.

    Unknown addresses count as one.
    """
    return addresses.network_of(client_address(request) or "")


def site_network(request: HttpRequest) -> str:
    """The IPv6 network of 48 bits around the client's; "" for others."""
    address = addresses.read(client_address(request) or "")
    if not isinstance(address, ipaddress.IPv6Address):
        return ""
    return str(ipaddress.ip_network((int(address), SITE_PREFIX), strict=False))
