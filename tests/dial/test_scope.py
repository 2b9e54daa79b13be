"""Where hosts may lie: what a name leads to is looked at before it is connected to."""

import asyncio
import socket
from collections.abc import Sequence

import pytest

from headgate.dial.dialer import Dialer
from headgate.dial.failures import BARRED, DialError, fix_of
from headgate.dial.resolver import Address, Resolver
from headgate.dial.scope import is_permitted, permitted
from headgate.dial.settings import Proxy, Scope


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::23",
        "fd00:42::42",
        "168.63.129.16",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
    ],
)
def test_metadata_services_are_refused_unless_anything_goes(address: str) -> None:
    """However the address is written: link-local, or one of those that clouds took elsewhere."""
    allowed: list[Scope] = [
        scope for scope in ("routable", "public", "any") if is_permitted(address, scope)
    ]

    assert allowed == ["any"]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "::1", "0.0.0.0", "10.1.2.3", "192.168.0.9", "fd12::1", "fec0::1"),
        *("::127.0.0.1", "2002:a01:203::1"),
    ],
)
def test_public_means_neither_this_machine_nor_this_network(address: str) -> None:
    """A server of one's own is what is usual; `public` has none of it."""
    assert is_permitted(address, "routable")
    assert not is_permitted(address, "public")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_the_public_internet_is_always_permitted(address: str) -> None:
    """Under each of the settings, through NAT64 too."""
    assert is_permitted(address, "public")
    assert is_permitted(address, "routable")


def test_of_several_addresses_those_that_may_be_are_left() -> None:
    """In their order."""
    found = [Address(socket.AF_INET, (ip, 1)) for ip in ("9.9.9.9", "169.254.169.254", "8.8.8.8")]

    assert [each.sockaddr[0] for each in permitted(found, "routable")] == ["9.9.9.9", "8.8.8.8"]


def opening(scope: Scope, proxy: Proxy | None = None) -> str:
    """Return why no connection came about to a name that leads to this machine."""

    async def look_up(_host: str, port: int) -> Sequence[Address]:
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    async def run() -> str:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            through = proxy and proxy._replace(port=port)
            dialer = Dialer("a.example", port, Resolver(lookup=look_up), proxy=through, scope=scope)
            with pytest.raises(DialError) as raised:
                await dialer.open(asyncio.Protocol)
        return raised.value.reason

    return asyncio.run(run())


def test_what_may_not_be_is_not_connected_to() -> None:
    """The reason says so, and how it is mended; where it may be, the connection is tried."""
    assert opening("public") == BARRED
    assert "addresses" in fix_of(BARRED)
    assert opening("routable") == "connect: Connection refused"


def test_a_proxy_may_lie_in_this_network() -> None:
    """It is the proxy that looks the provider's name up."""
    assert opening("public", Proxy("p.example", 1)) == "proxy: connect: Connection refused"
