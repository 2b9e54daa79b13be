"""Which addresses a host may lie at: what a name leads to is not for the name to decide; pure.

Whoever can change a name's answer could else have prompts and credentials sent to a machine of
this network, or have us ask a cloud's metadata service.
"""

import ipaddress
from collections.abc import Sequence

from headgate.dial.resolver import Address
from headgate.dial.settings import Scope

# Metadata services that are not link-local: of AWS and Google by IPv6, Alibaba, and Oracle.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
# https://cloud.google.com/compute/docs/metadata/querying-metadata
# https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
# https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
_METADATA = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192"))
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The IPv4 address stands in the last four bytes (RFC 6052, section 2.1)."""

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def permitted(addresses: Sequence[Address], scope: Scope) -> Sequence[Address]:
    """Return those of a host's addresses that may be connected to, in their order."""
    if scope == "any":
        return addresses
    return [each for each in addresses if is_permitted(each.sockaddr[0], scope)]


def is_permitted(text: str, scope: Scope) -> bool:
    """Tell whether an address may be connected to; what is no address is a name, and may be.

    Args:
        text: An address, perhaps with a zone (`fe80::1%eth0`).
        scope: What may be.
    """
    try:
        ip = _meant(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return True
    if scope == "public":
        return ip.is_global and not ip.is_multicast
    return scope == "any" or not (ip.is_link_local or ip in _METADATA)


def _meant(ip: _Ip) -> _Ip:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return ipaddress.IPv4Address(ip.packed[-4:])
    return ip
