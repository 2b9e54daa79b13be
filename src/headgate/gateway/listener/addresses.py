"""Whose address a connection or a request is: the client's, as far as it can be believed; pure.

Anybody can write into a header what they like. So it is read from the right, where the proxy next
to us has written, and only as long as those who wrote are trusted.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

X_FORWARDED_FOR = b"x-forwarded-for"
FORWARDED = b"forwarded"

HOPS_MAX = 32
"""How many proxies may stand in a row; what is further left is not looked at."""

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15}):[0-9]{1,5}")
_WORD = r"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_PAIR = re.compile(rf'[ \t]*({_WORD})=({_WORD}|"(?:[^"\\]|\\.)*")[ \t]*(;|,|$)')


def network(text: str) -> Network:
    """Return a network such as `10.0.0.0/8`, `2001:db8::/32` or a single address.

    Raises:
        ValueError: It is none, or has bits behind its prefix.
    """
    return ip_network(text)


def address(text: str) -> Address | None:
    """Return an address, with or without a port; None for anything else.

    An IPv4 address that came in an IPv6 one (`::ffff:192.0.2.1`) is itself again.
    """
    text = text.strip()
    found = _WITH_PORT.fullmatch(text)
    try:
        parsed = ip_address(text if found is None else found[1] or found[2])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        # A zone names an interface of whoever wrote it, which means nothing here.
        return None if parsed.scope_id is not None else parsed.ipv4_mapped or parsed
    return parsed


def is_within(one: Address | None, networks: Iterable[Network]) -> bool:
    """Tell whether an address is in one of the networks."""
    return one is not None and any(one in each for each in networks)


def client_of(peer: str, value: bytes | None, header: bytes, trusted: Iterable[Network]) -> str:
    """Return the address of the client behind a connection.

    That is the right-most address in the header that is no trusted proxy's: whatever is left of
    it may be made up. When none is left, it is the left-most; when one cannot be read, the last
    that could.

    Args:
        peer: Who is connected; the header is read only if that is a trusted proxy.
        value: What the header says, several headers joined by commas; None when there is none.
        header: Which one it is: `X_FORWARDED_FOR`, or `FORWARDED` (RFC 7239).
        trusted: The networks of the proxies.
    """
    trusted = tuple(trusted)
    known = address(peer)
    if value is None or known is None:
        return peer
    text = value.decode("latin-1")
    hops = _forwarded(text) if header == FORWARDED else text.rsplit(",", HOPS_MAX)
    for hop in hops[: -HOPS_MAX - 1 : -1]:
        if not is_within(known, trusted):
            break
        said = address(hop)
        if said is None:
            break
        known = said
    return str(known)


def _forwarded(text: str) -> list[str]:
    """Return whom each element of `Forwarded` is for; empty texts for those that do not say.

    Nothing at all comes of a header that breaks the grammar (RFC 7239, 4): a client that opens a
    quotation before our proxy writes must not decide where elements end.
    """
    elements, at = [""], 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            return []
        if found[1].lower() == "for":
            elements[-1] = found[2].strip('"')
        if found[3] == ",":
            elements.append("")
        at = found.end()
    return elements
