"""Which addresses a message may be sent to: a destination that was named in good faith may resolve to anything.

Loopback, link-local, unspecified, multicast and reserved addresses are refused, and private ones, unless the channel
allows their network by name. Where clouds answer questions about credentials nothing is ever sent, allowed or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

METADATA: Final[tuple[Network, ...]] = tuple(
    ip_network(each) for each in ("169.254.0.0/16", "100.100.100.200/32", "fd00:ec2::254/128", "fd20:ce::254/128")
)
"""Where the clouds tell machines about themselves; all of IPv4's link-local range, which some of them use besides."""
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")


def refusal(address: str, *, allowed: Iterable[Network] = ()) -> str:
    """Return why nothing is sent to an address, as the end of a sentence; "" when it may be.

    ``address`` is what a connection would be made to. A name is refused: names are resolved before.
    """
    try:
        found = _meant(ip_address(address.partition("%")[0]))
    except ValueError:
        return "it is no address, and names are resolved before"
    if any(found in network for network in METADATA if network.version == found.version):
        return f"{found} is where a cloud tells about credentials"
    if any(found in network for network in allowed if network.version == found.version):
        return ""
    for is_so, word in (
        (found.is_loopback, "this machine itself"),
        (found.is_unspecified, "no address of anybody"),
        (found.is_link_local, "of this network segment alone"),
        (found.is_multicast, "of many at once"),
        (found.is_private, "private"),
        (found.is_reserved or not found.is_global, "not a public address"),
    ):
        if is_so:
            return f'{found} is {word}; a channel that is to reach it says "allow": ["{ip_network(found)}"]'
    return ""


def _meant(address: Address) -> Address:
    """The address that is reached in the end: IPv4 is wrapped into IPv6 in three ways."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if any(address in network for network in _NAT64):
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if address in _SIX_TO_FOUR and address.sixtofour is not None:
            return address.sixtofour
    return address
