"""The PROXY protocol, versions 1 and 2: what a proxy says of its client before all else; pure.

Source: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, sections 2.1 and 2.2.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

LINE_BYTES_MAX = 107
"""The longest line of version 1, its end included."""

BODY_BYTES_MAX = 4_096
"""What version 2 may have behind its first 16 bytes; the format itself allows 64 kB."""

HEAD_BYTES = 16
GREETING_BYTES_MAX = HEAD_BYTES + BODY_BYTES_MAX

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LINE_START = b"PROXY "
_LINE = re.compile(
    rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f:.]{2,39}) ([0-9A-Fa-f:.]{2,39})"
    rb" (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})\r\n"
)
_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: [\x20-\x7e]*)?\r\n")
_VERSION, _LOCAL, _PROXY = 0x20, 0, 1
_PORT_MAX = 65_535
_ADDRESS_BYTES = {0: 0, 1: 12, 2: 36, 3: 216}
"""How long the addresses of a family are: unspecified, IPv4, IPv6, Unix."""


class GreetingError(ValueError):
    """What came is no greeting of a proxy."""


class Greeting(NamedTuple):
    """What a proxy said.

    Attributes:
        client: The address of its client; None where it has none to tell, as for a check of its
            own: then the proxy is the client.
        size: How many bytes it took; what follows is the client's.
    """

    client: str | None
    size: int


def parse(data: bytes) -> Greeting | None:
    """Read what a connection begins with; None when it is not whole yet, and all of it is needed.

    Raises:
        GreetingError: It is no greeting, or one that is too long.
    """
    if data.startswith(_SIGNATURE[: len(data)]):
        return _parse_binary(data)
    if data.startswith(_LINE_START[: len(data)]):
        return _parse_line(data)
    raise GreetingError("no signature")


def _parse_line(data: bytes) -> Greeting | None:
    end = data.find(b"\n", 0, LINE_BYTES_MAX) + 1
    if not end:
        if len(data) >= LINE_BYTES_MAX:
            raise GreetingError("a line that does not end")
        return None
    line = data[:end]
    if _UNKNOWN.fullmatch(line) is not None:
        return Greeting(None, end)
    found = _LINE.fullmatch(line)
    if found is None or max(int(found[4]), int(found[5])) > _PORT_MAX:
        raise GreetingError("a line of another form")
    kind = IPv4Address if found[1] == b"TCP4" else IPv6Address
    try:
        client, _ = kind(found[2].decode()), kind(found[3].decode())
    except AddressValueError as error:
        raise GreetingError("no address") from error
    return Greeting(str(client), end)


def _parse_binary(data: bytes) -> Greeting | None:
    if len(data) < HEAD_BYTES:
        return None
    command, family = data[12] ^ _VERSION, data[13] >> 4
    length = int.from_bytes(data[14:16], "big")
    if command not in (_LOCAL, _PROXY):
        raise GreetingError("another version or command")
    if length > BODY_BYTES_MAX:
        raise GreetingError("too long")
    if family not in _ADDRESS_BYTES or data[13] & 0x0F > 2:
        raise GreetingError("an unknown family or transport")
    size = HEAD_BYTES + length
    if len(data) < size:
        return None
    addresses = _ADDRESS_BYTES[family] if command == _PROXY else 0
    if length < addresses:
        raise GreetingError("too short for its addresses")
    if command == _LOCAL:
        # Whatever stands behind it is to be passed over.
        return Greeting(None, size)
    _check_vectors(data[HEAD_BYTES + addresses : size])
    body = data[HEAD_BYTES:size]
    if family == 1:
        return Greeting(str(IPv4Address(body[:4])), size)
    if family == 2:
        return Greeting(str(IPv6Address(body[:16])), size)
    return Greeting(None, size)


def _check_vectors(data: bytes) -> None:
    """See that what follows the addresses is typed values (TLV), each as long as it says."""
    at = 0
    while at < len(data):
        if at + 3 > len(data):
            raise GreetingError("a value without its length")
        at += 3 + int.from_bytes(data[at + 1 : at + 3], "big")
    if at != len(data):
        raise GreetingError("a value longer than the greeting")
