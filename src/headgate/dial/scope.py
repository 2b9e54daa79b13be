"""Which addresses a host may lie at: what a name leads to is not for the name to decide; pure.

Whoever can change a name's answer could else have prompts and credentials sent to a machine of
this network, or have us ask a cloud's metadata service.
"""

import ipaddress
from collections.abc import Sequence

from headgate.dial.resolver import Address
from headgate.dial.settings import Scope

# Services that are not link-local and give credentials: of AWS and Google by IPv6 (AWS has
# several in its block), Alibaba, Oracle, Scaleway, and Azure's for guests.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
# https://cloud.google.com/compute/docs/metadata/querying-metadata
# https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
# https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
_METADATA = tuple(
    map(
        ipaddress.ip_network,
        (
            *("fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128"),
            *("100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32"),
        ),
    )
)
_LAST_FOUR = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96"))
)
"""Blocks in which an IPv4 address stands in the last four bytes: NAT64 (RFC 6052, 2.1; RFC 8215),
IPv4-compatible (RFC 4291, 2.5.5.1), IPv4-translated (RFC 2765, 2.1)."""
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
"""There it stands behind the prefix (RFC 3056, 2)."""
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
"""Deprecated by RFC 3879; some interpreters call them global."""

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
    if scope == "any":
        return True
    if ip.is_link_local or any(ip in each for each in _METADATA):
        return False
    return scope != "public" or (ip.is_global and not ip.is_multicast and ip not in _SITE_LOCAL)


def _meant(ip: _Ip) -> _Ip:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _SIX_TO_FOUR:
            return ipaddress.IPv4Address(ip.packed[2:6])
        # ::1 and :: are of this machine, and no IPv4 address.
        if any(ip in each for each in _LAST_FOUR) and int(ip) > 1:
            return ipaddress.IPv4Address(ip.packed[-4:])
    return ip
