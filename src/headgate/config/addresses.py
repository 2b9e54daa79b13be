"""Addresses to listen on and base addresses to call, checked; pure."""

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit


class AddressError(ValueError):
    """A text is no usable address; the message is a sentence that says why."""


class Address(NamedTuple):
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """Return the host and port of `127.0.0.1:8080` or `[::1]:8080`.

    Raises:
        AddressError: It is not of that form.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{text!r} is not an address.") from error
    if host is None or port is None or parts.netloc != text or "@" in text:
        raise AddressError(f"{text!r} is not a host and a port.")
    return Address(host, port)


def in_brackets(host: str) -> str:
    """Return a host as it stands in addresses: those of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address never leaves this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_base_url(text: str, *, allow_plain_http: bool) -> str:
    """Return a base address without a trailing slash.

    Raises:
        AddressError: Not http(s), plain http to another machine that is not allowed, or with
            parts a base address does not have.
    """
    if "@" in text.partition("//")[2].partition("/")[0]:
        # Before anything is said that shows it.
        raise AddressError("A user or password stands in the URL.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{text!r} is not a URL.") from error
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise AddressError(f"{text!r} does not begin with http:// or https:// and a host.")
    if parts.query or parts.fragment:
        raise AddressError("A query or fragment stands in the URL.")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise AddressError("The URL has blanks or characters that are not ASCII.")
    if parts.scheme == "http" and not is_loopback(host) and not allow_plain_http:
        raise AddressError(f"Plain http to {host} would show credentials and prompts to others.")
    return text.rstrip("/")
