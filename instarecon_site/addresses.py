"""The addresses that clients come from, as the network or a proxy in front writes them.

Limits count one IPv4 address, or one IPv6 network of 64 bits.

A single IPv6 customer has at least 2^64 addresses, so counting them one by one limits nobody.
"""

from __future__ import annotations

import ipaddress

#: Bits of an IPv6 address that are somebody's; the rest they choose as they like.
IPV6_PREFIX = 64


def network_of(address: str) -> str:
    """`address` as limits count it: "192.0.2.7", or "2001:db8:1:2::/64".

    Anything that is not an address is counted under one empty name.
    """
    found = read(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(found), IPV6_PREFIX), strict=False))
    return "" if found is None else str(found)


def read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, or None for what is none ("unknown", an empty text, what somebody made up).

    Takes what proxies write, too: a port behind it, brackets around it, a zone. An IPv4 address
    that is written as IPv6 (::ffff:192.0.2.7) is that IPv4 address.
    """
    try:
        found = ipaddress.ip_address(_bare(address.strip()))
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _bare(address: str) -> str:
    if address.startswith("["):  # [2001:db8::1]:4711
        return address[1:].partition("]")[0].partition("%")[0]
    if address.count(":") == 1:  # 192.0.2.7:4711
        return address.partition(":")[0]
    return address.partition("%")[0]
