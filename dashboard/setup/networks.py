"""Whether a camera may stand at an address: whoever sets up cameras must not make the server call its own services."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host name. Raises ``OSError`` where nobody knows it."""


def resolve(host: str) -> Sequence[str]:
    """By this machine's resolver."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads. ``address``: the first of its host's, numeric, ``None`` where nobody knows the host;
    ``refused``: the first at which no camera may stand."""

    address: str | None
    refused: str | None


def place(url: str, networks: Sequence[str], resolve: Resolve = resolve) -> Place:
    """Resolved once: whoever opens the URL goes to ``address``, since a name may lead elsewhere a moment later.

    ``networks``: where cameras may stand; none: anywhere but on this machine (loopback, unspecified), at link-local
    addresses, where clouds keep their keys, and at multicast ones. A name is judged by all its addresses.
    """
    try:
        host = urlsplit(url).hostname
        found = [] if host is None else list(resolve(host))
        plain = [_unmapped(ip_address(each.partition("%")[0])) for each in found]
    except (OSError, ValueError):  # a name that is no name, or not known
        return Place(None, None)
    return Place(next(iter(found), None), next((str(each) for each in plain if not _allowed(each, networks)), None))


def _allowed(address: IPv4Address | IPv6Address, networks: Sequence[str]) -> bool:
    if networks:
        return any(address in ip_network(each) for each in networks)
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """``::ffff:127.0.0.1`` is 127.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
