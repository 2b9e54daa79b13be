"""`[listen]`, `[tls]`, `[access_log]`, `[limits]`: where clients come in, within which bounds."""

import re
from pathlib import Path
from typing import Any

import msgspec

from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.read_network import address_from, listen_from
from headgate.config.secrets import SecretReader
from headgate.config.shapes_edge import (
    AccessLogShape,
    CorsShape,
    LimitsShape,
    ListenShape,
    TlsShape,
)
from headgate.dial.settings import Trust
from headgate.dial.tls import TrustError, client_context
from headgate.gateway.listener.addresses import Network, network
from headgate.gateway.listener.tls import TlsError, server_context
from headgate.gateway.settings import AccessLogFiles, Edge, Tls

_ORIGIN = re.compile(r"[a-z][-+.a-z0-9]*://(?:[-.a-z0-9]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def edge_from(
    document: dict[str, Any], secrets: SecretReader, base: Path, problems: Problems
) -> Edge:
    """Return where the data plane listens and its bounds; paths start at `base`."""
    listen = listen_from(document, problems)
    limits = checked(document.get("limits", {}), "limits", LimitsShape, problems)
    address = address_from(listen.gateway, "listen.gateway", problems)
    return Edge(
        host=address.host,
        port=address.port,
        tls=_tls(document, secrets, base, problems),
        trusted_proxies=_trusted(listen, problems),
        proxy_protocol=listen.proxy_protocol,
        forwarded_header=listen.forwarded_header,
        access_log=_access_log(document, base, problems),
        cors_origins=_origins(document, problems),
        **msgspec.structs.asdict(limits),
    )


def _trusted(listen: ListenShape, problems: Problems) -> tuple[Network, ...]:
    found: list[Network] = []
    for text in listen.trusted_proxies or ():
        try:
            found.append(network(text))
        except ValueError:
            fix = 'Write "10.0.0.7" or "10.0.0.0/8", with zeros behind the prefix.'
            problems.add("listen.trusted_proxies", f"{text!r} is no network.", fix)
    if listen.proxy_protocol and not listen.trusted_proxies:
        problem = "With proxy_protocol, only trusted proxies may connect, and none is named."
        fix = 'Write trusted_proxies = ["127.0.0.1"] for a proxy on this machine.'
        problems.add("listen.proxy_protocol", problem, fix)
    return tuple(found)


def _origins(document: dict[str, Any], problems: Problems) -> tuple[str, ...]:
    if "cors" not in document:
        return ()
    shape = checked(document["cors"], "cors", CorsShape, problems)
    for origin in shape.origins:
        if origin and _ORIGIN.fullmatch(origin) is None:
            fix = 'Write each as its browser sends it, "https://app.example": no path, no "*".'
            problems.add("cors.origins", f"{origin!r} is no origin.", fix)
    return shape.origins


def _access_log(document: dict[str, Any], base: Path, problems: Problems) -> AccessLogFiles | None:
    if "access_log" not in document:
        return None
    shape = checked(document["access_log"], "access_log", AccessLogShape, problems)
    return AccessLogFiles(str(base / shape.folder), shape.file_bytes_max, shape.files_max)


def _tls(
    document: dict[str, Any], secrets: SecretReader, base: Path, problems: Problems
) -> Tls | None:
    if "tls" not in document:
        return None
    before = len(problems.found)
    shape = checked(document["tls"], "tls", TlsShape, problems)
    tls = Tls(
        *(str(base / path) for path in (shape.certificate, shape.key)),
        *(
            None if path is None else str(base / path)
            for path in (shape.client_ca, shape.own_certificate, shape.own_key)
        ),
    )
    if shape.own_key is not None and shape.own_certificate is None:
        fix = "Name the certificate that it is the key of as own_certificate."
        problems.add("tls.own_key", "A key alone shows nothing.", fix)
    # Who shows no certificate need not be able to read its key.
    if secrets.reads("tls") and len(problems.found) == before:
        try:
            server_context(tls)
        except TlsError as error:
            fix = "Name PEM files: a certificate with its chain, its key without a password."
            problems.add("tls", str(error), fix)
        try:
            client_context(Trust(None, tls.own_certificate, tls.own_key))
        except TrustError as error:
            fix = "Name PEM files: a certificate of an authority in client_ca, and its key."
            problems.add("tls.own_certificate", str(error), fix)
    return tls
